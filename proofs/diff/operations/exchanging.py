"""`memory_exchange`."""

from __future__ import annotations

from model.calls import SCRIPTS
from proofs.diff.execution import Execution, Expected, Outcome
from proofs.diff.operations.allocating import unknown
from proofs.diff.operations.blocks import Kind, name_block
from proofs.diff.request import Request
from proofs.diff.sections import side_by_side
from reference import hypercalls
from reference.hypercalls import Exchanged
from reference.pages import PageState

NO_EXTENT = 7
"""A frame at which no block begins."""
ORDERS = [(0, 0), (0, 1), (1, 0), (21, 0), (0, 21)]
"""Orders of the extents given and wanted."""


def _extent(x: Execution, domid: int, order: int, index: int) -> int:
    """Any frame that the caller may name."""
    own: Kind = (PageState.ASSIGNED, domid, True)
    others: list[Kind] = [(PageState.ASSIGNED, domid, False), (PageState.LIMBO, domid, True)]
    if x.size.domains > 1:
        others.append((PageState.ASSIGNED, (domid + 1) % x.size.domains, True))
    again = [*x.host.pages.blocks][:1]
    kind: Kind | int = x.choose(f"extent {index}", [own, *others, NO_EXTENT, *again])
    return kind if isinstance(kind, int) else name_block(x, kind, index % x.size.nodes, order).mfn


def memory_exchange(x: Execution) -> None:
    """Up to two extents of any kind, for new ones of the same, a higher or a lower order."""
    domain = x.caller_or()
    in_order, out_order = x.choose("orders", ORDERS)
    allocates = domain is not None and max(in_order, out_order) <= 20
    count = x.choose("extents", [0, 1, 2] if allocates else [0, 1])
    domid = None if domain is None else domain.domid
    frames = [NO_EXTENT if domid is None else _extent(x, domid, in_order, i) for i in range(count)]
    x.look()
    request = Request(x, domain, out_order) if allocates else None
    known = unknown(x) if domid is None else domid
    x.calls("memory_exchange", domid=known, in_mfns=frames, in_order=in_order, out_order=out_order)
    side_by_side(
        x,
        "memory_exchange",
        SCRIPTS["memory_exchange"](domid, frames, x.block_at, in_order, out_order),
        hypercalls.memory_exchange(x.host, known, frames, in_order, out_order),
        _exchanged,
        lambda ended: Expected(ended.result, {"extents": len(ended.blocks)}),
        request,
    )


def _exchanged(exchanged: Exchanged) -> Outcome:
    return Outcome(exchanged.status.value, {"extents": len(exchanged.mfns)})
