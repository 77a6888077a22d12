"""Pages return to the heap, go offline, and come back online."""

from __future__ import annotations

from collections.abc import Callable

from model.c_code import allocating as c_values
from model.c_code import offlining as c_loops
from model.logic import Term, negation
from model.operations.blocks import ASSIGNED, LIMBO, Block
from model.operations.ledger import grow_back, leave_heap, reach_heap, recall_claims
from model.operations.section import MISUSE, Section
from model.state import HEAP_LOCK
from model.step import Step

FREE, IN_USE, OFFLINED = "free", "in-use", "offlined"
"""What a page is, for `offline_page` and `online_page`."""


def release_ownership(x: Section, block: Block) -> None:
    """Freeing, first critical section: the pages leave the owner's tot_pages, or its extra pages.

    If they are its last pages, the second half of the free must drop the domain's reference (`put_domain`).
    """
    if block.state != ASSIGNED:
        x.check("not-assigned", MISUSE, {"assigned": True})
        return
    released = Block(block.pages, block.node, LIMBO, None, False, block.marked)

    def change(step: Step) -> None:
        if block.refcounted:
            step.add_at("tot_pages", block.owner, -block.pages)
        if x.rules.frees_restore_claims:
            grow_back(step, block.owner, block.pages)
        x.move(step, block, released)

    def last(step: Step) -> None:
        change(step)
        x.observe(step, "last_frees", block.owner, lambda of: of.last_frees[block.owner] + 1)

    if x.rules.frees_restore_claims or (block.refcounted and x.rules.keeps_copies()):
        x.take(HEAP_LOCK)
    code = c_values.free_domheap_pages if block.refcounted else c_values.free_extra_pages
    x.end("released-last", last, when={"not-the-last": x.is_last(block)}, block=released, code=code)
    x.end("released", change, block=released, code=code)


def free_heap_pages(x: Section, block: Block) -> None:
    """Freeing, second critical section: the pages are free; marked pages go offline at once, with recall."""
    s, node = x.s, block.node
    back = block.pages - block.marked

    def freed(step: Step) -> None:
        reach_heap(step, node, back)
        x.move(step, block, None)

    def left(step: Step) -> None:
        if isinstance(back, int) and back == 0:
            x.move(step, block, None)
        else:
            freed(step)
        step.add_at("offlined_pages", node, block.marked)
        step.add_at("marked_pages", node, -block.marked)
        avail, total = s.node_avail_pages[node] + back, s.total_avail_pages + back
        recall_claims(step, x.rules, node, avail, total, x.listed())

    x.check("still-assigned", MISUSE, {"not-assigned": block.state == ASSIGNED})
    x.end("freed-and-offlined", left, when={"none-marked": block.marked > 0}, code=c_loops.free_marked_page)
    x.end("freed", freed, code=c_values.free_heap_pages)


def offline_page(x: Section, node: Term, page: str, assigned: bool = False, marked: Term = False) -> None:
    """A free page leaves the heap at once, with recall; one in use is marked.

    :param page: `free`, `in-use` or `offlined`
    :param assigned: the page is in use by some domain
    :param marked: the page is marked already
    """
    s = x.s

    def left(step: Step) -> None:
        leave_heap(step, node, 1)
        step.add_at("offlined_pages", node, 1)
        recall_claims(step, x.rules, node, s.node_avail_pages[node] - 1, s.total_avail_pages - 1, x.listed())

    in_use = "OFFLINE_OWNED_PENDING" if assigned else "OFFLINE_ANONYMOUS_FAILED"
    x.end("already-offlined", when={"not-offlined": page == OFFLINED}, result="OFFLINED")
    x.end("offlined", left, when={"not-free": page == FREE}, result="OFFLINED", code=c_loops.offline_page)
    x.end("already-marked", when={"not-marked": marked}, result=in_use)
    x.end("marked", _marks(node, 1), result=in_use)


def online_page(x: Section, node: Term, page: str, marked: Term = False) -> None:
    """An offlined page returns to the heap; a page in use loses its mark."""

    def back(step: Step) -> None:
        step.add_at("offlined_pages", node, -1)
        reach_heap(step, node, 1)

    x.end("mark-withdrawn", _marks(node, -1), when={"not-marked": marked}, result="ONLINED")
    x.end("not-offline", when={"offline": negation(page == OFFLINED)}, result="NOT_OFFLINE")
    x.end("onlined", back, result="ONLINED", code=c_loops.online_page)


def _marks(node: Term, more: int) -> Callable[[Step], None]:
    return lambda step: step.add_at("marked_pages", node, more)


def give_up(x: Section, block: Block, released: Block) -> None:
    """The holder of pages without a domain frees them; they are on their way to the heap. No lock is held."""
    x.end("given-up", lambda step: x.move(step, block, released))
