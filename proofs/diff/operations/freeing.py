"""Freeing, offlining, onlining."""

from __future__ import annotations

from model.calls import FREE, IN_USE, OFFLINED, OK, SCRIPTS
from proofs.diff.execution import Execution, Outcome, model_block
from proofs.diff.operations.blocks import Kind, any_block, kinds, name_block
from proofs.diff.sections import side_by_side
from proofs.diff.symbolic_host import SPAN
from reference import page_alloc
from reference.pages import PageState

MARKED = (0, 1, 2)
"""How many pages of a freed block are marked to go offline."""


def free_heap_pages(x: Execution) -> None:
    """Any block, some of its pages marked."""
    marked = x.choose("marked", MARKED)
    block = any_block(x, marked)
    before = model_block(block, marked)
    x.calls("free_heap_pages", mfn=block, order=block.order)

    def free() -> Outcome:
        page_alloc.free_heap_pages(x.host, block.mfn, block.order)
        return Outcome(OK, {}, block.mfn)

    x.check("free_heap_pages", x.run(free), block=before)


def free_domheap_pages(x: Execution) -> None:
    """Any block, in both sections."""
    block = any_block(x)
    x.calls("free_domheap_pages", mfn=block, order=block.order)
    side_by_side(
        x,
        "free_domheap_pages",
        SCRIPTS["free_domheap_pages"](model_block(block)),
        page_alloc.free_domheap_pages(x.host, block.mfn, block.order),
        lambda _none: Outcome(OK),
    )


def _page(x: Execution) -> tuple[int, str, bool, bool]:
    """A frame, what it is, whether some domain's, whether marked."""
    node = x.choose("node of the page", range(x.size.nodes))
    what: list[str | Kind] = [FREE, OFFLINED, *kinds(x)]
    page = x.choose("page", what)
    if isinstance(page, tuple):
        block = name_block(x, page, node, 0)
        marked = x.choose("marked", [False, True])
        if marked:
            x.host.pages.offlining.add(block.mfn)
        x.look()
        return block.mfn, IN_USE, block.state is PageState.ASSIGNED, marked
    mfn = node * SPAN + 5
    if page == OFFLINED:
        x.host.pages.offlined.add(mfn)
        x.look()
    else:
        x.assume(lambda: [x.term(x.start.get("node_avail_pages", node)) >= 1])
    return mfn, page, False, False


def offline_page(x: Execution) -> None:
    """Any page of the host."""
    mfn, page, assigned, marked = _page(x)
    x.calls("offline_page", mfn=x.host.pages.find(mfn) or page, node=mfn // SPAN)
    outcome = x.run(lambda: Outcome(page_alloc.offline_page(x.host, mfn).value))
    x.check("offline_page", outcome, node=mfn // SPAN, page=page, assigned=assigned, marked=marked)


def online_page(x: Execution) -> None:
    """Any page of the host."""
    mfn, page, _assigned, marked = _page(x)
    x.calls("online_page", mfn=x.host.pages.find(mfn) or page, node=mfn // SPAN)
    outcome = x.run(lambda: Outcome(page_alloc.online_page(x.host, mfn).value))
    x.check("online_page", outcome, node=mfn // SPAN, page=page, marked=marked)
