"""Pages go back to the heap, out of use, and into use again."""

from model.calls.case import ASSIGNED, LIMBO, MISUSE, OK, Block, Call, Case, Moved
from model.calls.state import Listed
from model.logic import Term, negation
from model.step import Step
from model.transitions.allocating import grow_back
from model.transitions.offlining import recall_claims

FREE, IN_USE, OFFLINED = "free", "in-use", "offlined"
"""What a page is, for `offline_page` and `online_page`."""


def release_ownership(call: Call, block: Block) -> list[Case]:
    """Freeing, first critical section: the pages leave the owner's tot_pages, or its extra pages.

    After the last of them the second half has to drop what keeps the domain on the list (`put_domain`).
    """
    released = Block(block.pages, block.node, LIMBO, None, False, block.marked)
    if block.state != ASSIGNED:
        return [Case("not-assigned", True, MISUSE)]

    def uncounted(step: Step) -> None:
        if block.refcounted:
            step.add_at("tot_pages", block.owner, -block.pages)
        if call.rules.frees_restore_claims:
            grow_back(step, block.owner, block.pages)

    def last(step: Step) -> None:
        step.add_at("last_frees", block.owner, 1)

    moved = [Moved(block.node, block.pages, block, released)]
    all_of_them = call.before.pages_counted(block.owner) == block.pages
    return [
        Case("released-last", all_of_them, OK, call.effect(uncounted, last, moved=moved), block=released),
        Case("released", True, OK, call.effect(uncounted, moved=moved), block=released),
    ]


def free_heap_pages(call: Call, block: Block) -> list[Case]:
    """Freeing, second critical section: the pages are free; those marked offline leave at once, with recall."""
    s, node = call.before, block.node
    back = block.pages - block.marked

    def freed(step: Step) -> None:
        step.add_at("node_avail_pages", node, back)
        step.add("total_avail_pages", back)

    def left(step: Step) -> None:
        step.add_at("offlined_pages", node, block.marked)
        step.add_at("marked_pages", node, -block.marked)
        avail, total = s.node_avail_pages[node] + back, s.total_avail_pages + back
        recall_claims(step, call.rules, node, avail, total, Listed(call.host, s))

    moved = [Moved(node, block.pages, block)]
    return [
        Case("still-assigned", block.state == ASSIGNED, MISUSE),
        Case("freed-and-offlined", block.marked > 0, OK, call.effect(freed, left, moved=moved)),
        Case("freed", True, OK, call.effect(freed, moved=moved)),
    ]


def offline_page(call: Call, node: Term, page: str, assigned: bool = False, marked: Term = False) -> list[Case]:
    """A free page leaves the heap at once, with recall; one in use is marked.

    :param page: `free`, `in-use` or `offlined`
    :param assigned: it is in use, and some domain's
    :param marked: it is marked already
    """
    s = call.before

    def left(step: Step) -> None:
        step.add_at("node_avail_pages", node, -1)
        step.add("total_avail_pages", -1)
        step.add_at("offlined_pages", node, 1)
        avail, total = s.node_avail_pages[node] - 1, s.total_avail_pages - 1
        recall_claims(step, call.rules, node, avail, total, Listed(call.host, s))

    def mark(step: Step) -> None:
        step.add_at("marked_pages", node, 1)

    in_use = "OFFLINE_OWNED_PENDING" if assigned else "OFFLINE_ANONYMOUS_FAILED"
    return [
        Case("already-offlined", page == OFFLINED, "OFFLINED"),
        Case("offlined", page == FREE, "OFFLINED", call.effect(left)),
        Case("already-marked", marked, in_use),
        Case("marked", True, in_use, call.effect(mark)),
    ]


def online_page(call: Call, node: Term, page: str, marked: Term = False) -> list[Case]:
    """An offlined page comes back to the heap, or the mark of one in use goes."""

    def unmark(step: Step) -> None:
        step.add_at("marked_pages", node, -1)

    def back(step: Step) -> None:
        step.add_at("offlined_pages", node, -1)
        step.add_at("node_avail_pages", node, 1)
        step.add("total_avail_pages", 1)

    return [
        Case("mark-withdrawn", marked, "ONLINED", call.effect(unmark)),
        Case("not-offline", negation(page == OFFLINED), "NOT_OFFLINE"),
        Case("onlined", True, "ONLINED", call.effect(back)),
    ]
