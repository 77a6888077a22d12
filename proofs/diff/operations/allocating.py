"""Allocation and assignment."""

from __future__ import annotations

from typing import Any

from model.calls import OK, REFUSED, SCRIPTS, Ended
from proofs.diff.execution import Execution, Expected, Outcome, model_block
from proofs.diff.operations.blocks import any_block
from proofs.diff.request import Request
from proofs.diff.sections import side_by_side
from reference import hypercalls, page_alloc
from reference.constants import MEMF_no_owner, MEMF_no_refcount
from reference.state import Domain

FLAGS: dict[int, dict[str, bool]] = {
    0: {},
    MEMF_no_refcount: {"no_refcount": True},
    MEMF_no_owner: {"no_owner": True},
}


def _allocated(x: Execution, mfn: int | None) -> Outcome:
    if mfn is None:
        return Outcome(REFUSED)
    return Outcome(OK, {"node": x.host.node_of(mfn)}, mfn)


def _for_whom(x: Execution) -> tuple[Domain | None, int]:
    domain = x.caller_or()
    return domain, 0 if domain is None else x.choose("memflags", list(FLAGS))


def alloc_heap_pages(x: Execution) -> None:
    """Any request, for any domain or none."""
    domain, flags = _for_whom(x)
    request = Request(x, domain, x.order("order"), x.choose("names a node", [False, True]), exact=True)
    memflags: Any = request.world.memflags(flags)
    order: Any = request.order
    x.calls("alloc_heap_pages", domid=domain, order=order, node=request.node, memflags=memflags)
    outcome = x.run(lambda: _allocated(x, page_alloc.alloc_heap_pages(x.host, domain, order, request.node, memflags)))
    arguments, before = request.for_model()
    domid = None if domain is None else domain.domid
    x.check("alloc_heap_pages", outcome, before, domid=domid, **FLAGS[flags], **arguments)


def assign_pages(x: Execution) -> None:
    """Any block to any domain."""
    domain, block = x.caller(), any_block(x)
    flags = x.choose("memflags", [0, MEMF_no_refcount])
    before = model_block(block)
    x.calls("assign_pages", mfn=block, order=block.order, domid=domain, memflags=flags)

    def assign() -> Outcome:
        status = page_alloc.assign_pages(x.host, block.mfn, block.order, domain, flags)
        return Outcome(status.value, {}, block.mfn if status.value == OK else None)

    x.check("assign_pages", x.run(assign), domid=domain.domid, block=before, **FLAGS[flags])


def alloc_domheap_pages(x: Execution) -> None:
    """Allocated, assigned, and freed where that fails."""
    domain, flags = _for_whom(x)
    request = Request(x, domain, x.order("order"))
    order: Any = request.order
    x.calls("alloc_domheap_pages", domid=domain, order=order, node=None, memflags=flags)
    side_by_side(
        x,
        "alloc_domheap_pages",
        SCRIPTS["alloc_domheap_pages"](None if domain is None else domain.domid, **FLAGS[flags]),
        page_alloc.alloc_domheap_pages(x.host, domain, order, None, flags),
        lambda mfn: _allocated(x, mfn),
        _placed,
        request,
    )


def _placed(ended: Ended) -> Expected:
    if ended.result != OK:
        return Expected(ended.result)
    (block,) = ended.blocks
    return Expected(OK, {"node": block.node}, block)


def populate_physmap(x: Execution) -> None:
    """Up to two extents for a domain, or an unknown one."""
    domid = any_domid(x)
    extents = x.choice("extents", (0, 1, 2))
    order = x.order("order")
    too_large = x.choose("order too large", [False, True])
    x.given(lambda: [order.number.z3() > 20 if too_large else order.number.z3() <= 20])
    request = None if domid is None else Request(x, x.host.domains[domid], order)
    known = unknown(x) if domid is None else domid
    x.calls("populate_physmap", domid=known, nr_extents=extents, extent_order=order)
    side_by_side(
        x,
        "populate_physmap",
        SCRIPTS["populate_physmap"](domid, extents, 21 if too_large else 0),  # type: ignore[arg-type]  # looked at later
        hypercalls.populate_physmap(x.host, known, extents, order),  # type: ignore[arg-type]  # unknown
        lambda mfns: Outcome(OK, {"extents": len(mfns)}),
        lambda ended: Expected(ended.result, {"extents": len(ended.blocks)}),
        request,
    )


def any_domid(x: Execution) -> int | None:
    """The id of the caller, or None for one that no domain has."""
    domain = x.caller_or()
    return None if domain is None else domain.domid


def unknown(x: Execution) -> int:
    """A domain id that no domain has."""
    return x.size.domains
