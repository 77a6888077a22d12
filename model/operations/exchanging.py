"""The critical sections that only `memory_exchange` has."""

from __future__ import annotations

from model.logic import Term, any_of, negation, same
from model.operations.allocating import MAX_ORDER, owned
from model.operations.blocks import ASSIGNED, Block
from model.operations.ledger import grow_back
from model.operations.section import MISUSE, Section
from model.state import HEAP_LOCK
from model.step import Step


def steal_page(x: Section, domid: Term, block: Block | None) -> None:
    """An extent loses its owner, whose tot_pages still counts it. `block` None: the frames have no common owner."""
    if block is None:
        x.check("not-an-extent", "EINVAL", {"an-extent": True})
        return
    stolen = Block(block.pages, block.node, x.stolen, marked=block.marked)
    foreign = any_of([block.state != ASSIGNED, not block.refcounted, negation(same(block.owner, domid))])
    x.check("not-its-own", "EINVAL", {"its-own": foreign})
    x.end("stolen", lambda step: x.move(step, block, stolen), block=stolen)


def assign_in_exchange(x: Section, domid: Term, block: Block) -> None:
    """Pages that tot_pages counts already get their owner; a dying domain gets no pages."""
    x.check("not-anonymous", MISUSE, {"anonymous": block.state != x.stolen})
    x.check("dying", "EINVAL", {"not-dying": x.is_dying(domid)})
    owned(x, domid, block, refcounted=True)


def drop_tot_pages(x: Section, domid: Term, pages: Term) -> None:
    """tot_pages no longer counts pages that a dying domain does not get back."""

    def change(step: Step) -> None:
        step.add_at("tot_pages", domid, -pages)
        if x.rules.frees_restore_claims:
            grow_back(step, domid, pages)

    if x.rules.frees_restore_claims or x.rules.keeps_copies():
        x.take(HEAP_LOCK)
    x.end("dropped", change)


def exchange_check(x: Section, known: bool, extents: int, in_order: int, out_order: int) -> None:
    """The checks before any lock: orders, whole chunks, the domain."""
    whole = extents % (1 << max(0, out_order - in_order)) == 0
    x.check("order-too-large", "EPERM", {"order-in-range": in_order > MAX_ORDER or out_order > MAX_ORDER})
    x.check("no-whole-chunks", "EINVAL", {"whole-chunks": not whole})
    x.check("unknown-domain", "ESRCH", {"domain-exists": not known})
    x.end("checked")
