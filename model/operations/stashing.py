"""The stash of `populate_physmap`: an extent in limbo that a preempted call leaves with its domain.

Where a section frees an extent, its end has the extent as its block, and `free_stash` and `offline_marked` follow in
the same section.
"""

from __future__ import annotations

from model.c_code.allocating import free_stash as freed_values
from model.logic import Term, all_of, choose, negation
from model.operations.blocks import LIMBO, Block
from model.operations.ledger import install, reach_heap, recall_claims
from model.operations.section import OK, REFUSED, Section
from model.step import Step

SCRUB_CHUNK = 256
"""Dirty pages between two preemption checks."""
SMALLEST = 512
"""In pages: an extent of order 8 or less is scrubbed without preemption."""


def stash_of(x: Section, domid: Term, marked: Term) -> Block:
    """The stashed extent, if there is one."""
    s = x.observed
    return Block(s.stash_pages[domid], s.stash_node[domid], LIMBO, domid, True, marked)


def put_aside(x: Section, step: Step, domid: Term) -> None:
    """The domain has no stashed extent any more."""
    x.observe(step, "stash_pages", domid, lambda _of: 0)


def get_stashed_allocation(
    x: Section,
    domid: Term,
    pages: Term,
    requested: Term = None,
    exact: Term = False,
    marked: Term = 0,
) -> None:
    """P1 of populate_physmap: the stashed extent is used if it matches the request, else it is freed.

    :param pages: the pages of the requested extent
    :param requested: the requested node, ignored without MEMF_exact_node; None: any node
    :param marked: pages of the stashed extent that are marked offline
    """
    if not x.rules.interface.stashes:
        x.end("never-stashes")
        return
    s = x.observed
    elsewhere = False if requested is None else all_of([exact, s.stash_node[domid] != requested])
    suits = all_of([s.stash_pages[domid] == pages, negation(elsewhere)])
    block = stash_of(x, domid, marked)
    answer = {"scrub_index": s.stash_scrub_index[domid]}

    def aside(step: Step) -> None:
        put_aside(x, step, domid)

    x.end("no-stash", when={"stash": s.stash_pages[domid] == 0})
    x.end("taken", aside, when={"unsuitable": suits}, answer=answer, block=block)
    if x.rules.keeps_stash:
        x.check("unsuitable-kept", REFUSED, {"suitable": True})
    else:
        x.end("unsuitable", aside, block=block)


def creation_check(x: Section, domid: Term) -> None:
    """P2 of populate_physmap: once creation is finished pages are allocated and assigned as usual. No lock is held."""
    x.end("finished", when={"unfinished": x.observed.creation_finished[domid]})
    x.end("unfinished")


def preemption_check(x: Section, domid: Term, pages: Term, scrub_index: Term, preempt_at: int) -> None:
    """P3 of populate_physmap: whether scrubbing reaches the preemption check at `preempt_at`. No lock is held.

    :param scrub_index: the page index at which scrubbing starts
    """
    made = all_of([scrub_index + SCRUB_CHUNK <= preempt_at, pages > preempt_at])
    x.end("finished", when={"unfinished": x.observed.creation_finished[domid]})
    x.end("preempted", when={"not-preempted": made})
    x.end("not-made")


def stash_allocation(x: Section, domid: Term, block: Block, scrub_index: Term) -> None:
    """The end of P3: the extent is stashed, unless the domain has a stash already or is dying."""

    def stashed(step: Step) -> None:
        x.observe(step, "stash_pages", domid, lambda _of: block.pages)
        x.observe(step, "stash_node", domid, lambda _of: block.node)
        x.observe(step, "stash_scrub_index", domid, lambda _of: scrub_index)

    x.end("dying", when={"not-dying": x.is_dying(domid)}, block=block)
    name, result = ("second-kept", REFUSED) if x.rules.keeps_stash else ("second", OK)
    x.end(name, when={"no-stash": x.observed.stash_pages[domid] != 0}, result=result, block=block)
    x.end("stashed", stashed)


def stash_check(x: Section, domid: Term) -> None:
    """Whether domain_kill has a third section, which frees the stash: always in mainline, else only with a stash."""
    if not x.rules.interface.stashes:
        x.end("never-stashes")
        return
    stashed = True if x.rules.interface.kill_always_frees_stash else x.observed.stash_pages[domid] != 0
    x.end("to-be-freed", when={"no-stash": stashed})
    x.end("no-stash")


def take_stash(x: Section, domid: Term, marked: Term = 0) -> None:
    """domain_kill, third critical section: the domain has no stashed extent any more.

    :param marked: pages of the stashed extent that are marked offline
    """
    x.end("no-stash", when={"stash": x.observed.stash_pages[domid] == 0})
    x.end("taken", lambda step: put_aside(x, step, domid), block=stash_of(x, domid, marked))


def free_stash(x: Section, domid: Term, block: Block) -> None:
    """Frees an extent that is not, or no longer, stashed; `offline_marked` then takes its marked pages offline.

    The claim redeemed for it is not restored, except for a live domain in a variant.
    """

    def freed(step: Step) -> None:
        reach_heap(step, block.node, block.pages)
        if x.rules.restores_stash:
            _restore(x, step, domid, block.node, choose(x.is_dying(domid), 0, block.pages))
        x.move(step, block, None)

    x.end("freed", freed, code=freed_values)


def _restore(x: Section, step: Step, domid: Term, node: Term, pages: Term) -> None:
    """The pages are claimed again: on their node where there are claims on nodes, else host-wide."""
    h, nothing = x.encoding, x.encoding.combined([], x.s.claims.row(domid))
    if x.rules.targets == "host":
        install(step, domid, nothing, pages, replacing=False)
    else:
        install(step, domid, h.replaced(nothing, node, pages), 0, replacing=False)


def offline_marked(x: Section, block: Block) -> None:
    """The marked pages of an extent that has just been freed leave the heap, with recall."""
    s, node = x.s, block.node
    avail, total = s.node_avail_pages[node] - block.marked, s.total_avail_pages - block.marked

    def left(step: Step) -> None:
        step.set_at("node_avail_pages", node, avail)
        step.set("total_avail_pages", total)
        step.add_at("offlined_pages", node, block.marked)
        step.add_at("marked_pages", node, -block.marked)
        recall_claims(step, x.rules, node, avail, total, x.listed())

    x.end("none-marked", when={"marked": block.marked == 0})
    x.end("offlined", left)
