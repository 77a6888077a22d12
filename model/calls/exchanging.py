"""The critical sections of `memory_exchange` that no other call has."""

from model.calls.allocating import owned
from model.calls.case import ANONYMOUS, ASSIGNED, MISUSE, OK, Block, Call, Case, Moved
from model.logic import Term, any_of, negation
from model.step import Step
from model.transitions.allocating import grow_back


def steal_page(call: Call, domid: Term, block: Block | None) -> list[Case]:
    """An extent loses its owner, who keeps counting it. None: the frames are no extent of one owner."""
    if block is None:
        return [Case("not-an-extent", True, "EINVAL")]
    stolen = Block(block.pages, block.node, ANONYMOUS, None, False, block.marked)
    foreign = any_of([block.state != ASSIGNED, not block.refcounted, negation(block.owner == domid)])
    return [
        Case("not-its-own", foreign, "EINVAL"),
        Case("stolen", True, OK, call.effect(moved=[Moved(block.node, block.pages, block, stolen)]), block=stolen),
    ]


def assign_in_exchange(call: Call, domid: Term, block: Block) -> list[Case]:
    """Pages that tot_pages counts already get their owner: a dying domain gets none."""
    return [
        Case("not-anonymous", block.state != ANONYMOUS, MISUSE),
        Case("dying", call.before.is_dying[domid], "EINVAL"),
        *owned(call, domid, block, refcounted=True),
    ]


def drop_tot_pages(call: Call, domid: Term, pages: Term) -> list[Case]:
    """Pages that a dying domain does not get back are counted no longer."""

    def uncounted(step: Step) -> None:
        step.add_at("tot_pages", domid, -pages)
        if call.rules.frees_restore_claims:
            grow_back(step, domid, pages)

    return [Case("dropped", True, OK, call.effect(uncounted))]


def exchange_check(call: Call, known: bool, extents: int, in_order: int, out_order: int) -> list[Case]:
    """Before any lock: orders, whole chunks, the domain."""
    del call
    whole = extents % (1 << max(0, out_order - in_order)) == 0
    return [
        Case("order-too-large", in_order > 20 or out_order > 20, "EPERM"),
        Case("no-whole-chunks", not whole, "EINVAL"),
        Case("unknown-domain", not known, "ESRCH"),
        Case("checked", True, OK),
    ]
