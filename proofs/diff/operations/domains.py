"""The life of a domain, and the queries."""

from __future__ import annotations

from itertools import chain, combinations
from typing import Any

from model.calls import OK, SCRIPTS, Ended
from proofs.diff.execution import Execution, Expected, Outcome
from proofs.diff.operations.allocating import any_domid, unknown
from proofs.diff.operations.blocks import name_block
from proofs.diff.sections import side_by_side
from reference import domain as domains
from reference import hypercalls, page_alloc
from reference.constants import UINT_MAX
from reference.pages import PageState
from reference.state import Domain
from reference.state import create_domain as create
from reference.status import Status


def create_domain(x: Execution) -> None:
    """Any id, limit and node_affinity, with offline nodes in it."""
    domid = x.choose("domid", range(x.size.domains))
    in_use = x.choose("in use", [False, True])
    ids = range(x.size.nodes + 1)
    affinity = x.choose(
        "node_affinity", list(chain.from_iterable(combinations(ids, n) for n in range(1, len(ids) + 1)))
    )
    limit: Any = x.number("max_pages", 0, UINT_MAX)
    before = x.start.state if in_use else x.forget(domid)

    x.calls("create_domain", domid=domid, max_pages=limit, node_affinity=list(affinity))

    def run() -> Outcome:
        create(x.host, domid, limit, affinity)
        return Outcome(OK)

    x.check("create_domain", x.run(run), before, domid=domid, max_pages=limit.z3(), node_affinity=frozenset(affinity))


def set_max_pages(x: Execution) -> None:
    """Any limit that its C type holds."""
    domain, limit = x.caller(), x.number("max_pages", 0, UINT_MAX)
    some: Any = limit
    x.calls("set_max_pages", domid=domain, max_pages=limit)
    outcome = x.run(lambda: Outcome(x.host.semantics.set_max_pages(x.host, domain, some).value))
    x.check("set_max_pages", outcome, domid=domain.domid, max_pages=limit.z3())


def max_mem(x: Execution) -> None:
    """Any limit, for any domain or an unknown one."""
    domid, limit = any_domid(x), x.number("max_pages", 0, 2**64 - 1)
    some: Any = limit
    x.calls("max_mem", domid=_id(x, domid), max_pages=limit)
    outcome = x.run(lambda: Outcome(hypercalls.max_mem(x.host, _id(x, domid), some).value))
    x.check("max_mem", outcome, domid=domid, max_pages=limit.z3())


def _id(x: Execution, domid: int | None) -> int:
    return unknown(x) if domid is None else domid


def domain_kill(x: Execution) -> None:
    """Any domain, dying already or not."""
    domain = x.caller()
    script = SCRIPTS["domain_kill"](domain.domid)
    x.calls("domain_kill", domid=domain)
    side_by_side(x, "domain_kill", script, domains.domain_kill(x.host, domain), lambda _none: Outcome(OK))


def _owned(x: Execution, domain: Domain) -> None:
    """Up to two blocks of the domain, on any nodes, refcounted or not."""
    for index in range(x.choose("blocks", [0, 1, 2])):
        node = x.choose(f"node of block {index}", range(x.size.nodes))
        # The second block has the other accounting: each is first once.
        refcounted = x.choose("refcounted", [True, False]) if index == 0 else not x.choices["refcounted"]
        order = x.order(f"block[{index}].order")
        x.given(lambda order=order: [order.number.z3() <= 20])  # type: ignore[misc]  # bound now
        name_block(x, (PageState.ASSIGNED, domain.domid, refcounted), node, order)
    x.look()


def _others_free(x: Execution, domain: Domain) -> None:
    """At a boundary another builder may have freed the domain's last block."""
    owned = list(x.host.pages.of_domain(domain.domid))
    if owned and x.choose("freed by others", [False, True]):
        del x.host.pages.blocks[owned[-1].mfn]


def relinquish_memory(x: Execution) -> None:
    """A dying domain's blocks, some of which others may free meanwhile."""
    domain = x.caller()
    _owned(x, domain)
    x.assume(lambda: [x.term(domain.is_dying)])
    x.calls("relinquish_memory", domid=domain)
    side_by_side(
        x,
        "relinquish_memory",
        SCRIPTS["relinquish_memory"](lambda: x.owned[domain.domid]),
        domains.relinquish_memory(x.host, domain),
        lambda freed: Outcome(OK, {"pages": freed}),
        _freed,
        between=lambda: _others_free(x, domain),
    )


def _freed(ended: Ended) -> Expected:
    return Expected(ended.result, {"pages": ended.pages})


def destroydomain(x: Execution) -> None:
    """Any domain, or an unknown one, with up to two blocks of its own and one in limbo."""
    domain = x.caller_or()
    if domain is None:
        x.calls("destroydomain", domid=unknown(x))
        script = SCRIPTS["destroydomain"](None, dict, bool)
        side_by_side(x, "destroydomain", script, hypercalls.destroydomain(x.host, unknown(x)), _status)
        return
    domid = domain.domid
    if x.choose("in limbo", [False, True]):
        name_block(x, (PageState.LIMBO, domid, True), 0, x.order("block.order"))
    _owned(x, domain)
    x.calls("destroydomain", domid=domain)

    def has_pages() -> bool:
        return any(block.domid == domid for block in x.host.pages.blocks.values())

    def between() -> None:
        x.assume(lambda: [x.term(domain.is_dying)])  # it was marked
        _others_free(x, domain)

    script = SCRIPTS["destroydomain"](domid, lambda: x.owned.get(domid, {}), has_pages)
    side_by_side(x, "destroydomain", script, hypercalls.destroydomain(x.host, domid), _status, between=between)


def _status(status: Status) -> Outcome:
    return Outcome(status.value)


def domain_destroy(x: Execution) -> None:
    """Any domain, with and without pages of any kind."""
    domain = x.caller()
    holds = x.choose("holds", [None, PageState.LIMBO, PageState.ASSIGNED])
    if holds is not None:
        name_block(x, (holds, domain.domid, x.choose("refcounted", [True, False])), 0, x.order("block.order"))
        x.look()

    x.calls("domain_destroy", domid=domain)

    def run() -> Outcome:
        domains.domain_destroy(x.host, domain)
        return Outcome(OK)

    x.check("domain_destroy", x.run(run), domid=domain.domid, has_pages=holds is not None)


def getdomaininfo(x: Execution) -> None:
    """Any domain, or an unknown one."""
    domid = any_domid(x)
    x.calls("getdomaininfo", domid=_id(x, domid))

    def run() -> Outcome:
        info = hypercalls.getdomaininfo(x.host, _id(x, domid))
        return Outcome(info.value) if isinstance(info, Status) else Outcome(OK, info._asdict())

    x.check("getdomaininfo", x.run(run), domid=domid)


def get_outstanding_claims(x: Execution) -> None:
    """The one query of the host."""
    names = ("free_pages", "outstanding_pages")
    x.calls("get_outstanding_claims")
    found = x.run(lambda: Outcome(OK, dict(zip(names, page_alloc.get_outstanding_claims(x.host), strict=True))))
    x.check("get_outstanding_claims", found)
