"""Allocated blocks as arguments: of any state, owner, accounting, node and order."""

from __future__ import annotations

from typing import Any

from proofs.diff.execution import Execution
from proofs.diff.symbolic_host import SPAN, Order
from reference.pages import Block as PageBlock
from reference.pages import PageState

Kind = tuple[PageState, int | None, bool]


def kinds(x: Execution) -> list[Kind]:
    """Every state, owner and accounting that a block may have."""
    owned = [
        (state, domid, refcounted)
        for domid in x.host.domains
        for state in (PageState.LIMBO, PageState.ASSIGNED)
        for refcounted in (True, False)
    ]
    return [*owned, (PageState.LIMBO, None, False), (PageState.ANONYMOUS, None, False)]


def frame(x: Execution, node: int) -> int:
    """The first frame of a block that no other block overlaps."""
    return node * SPAN + ((len(x.host.pages.blocks) + 256) << 21)


def name_block(x: Execution, kind: Kind, node: int, order: Order | int) -> PageBlock:
    """Enter an allocated block."""
    state, domid, refcounted = kind
    some_order: Any = order
    block = PageBlock(frame(x, node), some_order, state, domid, refcounted)
    x.host.pages.blocks[block.mfn] = block
    x.host.pages.limbo_blocks += state is PageState.LIMBO
    return block


def any_block(x: Execution, marked: int = 0) -> PageBlock:
    """Any one block, of which the first pages are marked to go offline."""
    kind = x.choose("block", kinds(x))
    order = x.order("block.order")
    x.given(lambda: [order.number.z3() <= 20])
    block = name_block(x, kind, x.choose("node of the block", range(x.size.nodes)), order)
    x.host.pages.offlining.update(range(block.mfn, block.mfn + marked))
    x.look()
    return block
