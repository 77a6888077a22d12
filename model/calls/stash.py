"""The stash of `populate_physmap`: an extent that a preempted call leaves with its domain, in limbo.

Of a section that frees an extent, its case has the extent as its block; `free_stash` and `offline_marked` follow in the
same section.
"""

from model.calls.case import LIMBO, OK, REFUSED, Block, Call, Case, Moved
from model.calls.state import Listed
from model.logic import Term, all_of, choose, negation
from model.step import Step
from model.transitions.offlining import recall_claims
from model.transitions.stash import restore

SCRUB_CHUNK = 256
"""Dirty pages between two preemption checks."""


def stash_of(call: Call, domid: Term, marked: Term) -> Block:
    """The stashed extent, where there is one."""
    s = call.before
    return Block(s.stash_pages[domid], s.stash_node[domid], LIMBO, domid, True, marked)


def put_aside(step: Step, domid: Term) -> None:
    """The domain has no stashed extent any more."""
    step.set_at("stash_pages", domid, 0)


def get_stashed_allocation(
    call: Call,
    domid: Term,
    pages: Term,
    requested: Term = None,
    exact: Term = False,
    marked: Term = 0,
) -> list[Case]:
    """P1 of populate_physmap: the stashed extent serves the request, or is freed.

    :param pages: of the extent that is wanted
    :param requested: the requested node; None: any. It does not matter unless it is insisted on
    :param marked: pages of the stashed extent that are marked offline
    """
    if not call.interface.stashes:
        return [Case("never-stashes", True, OK)]
    s = call.before
    elsewhere = False if requested is None else all_of([exact, s.stash_node[domid] != requested])
    suits = all_of([s.stash_pages[domid] == pages, negation(elsewhere)])
    block = stash_of(call, domid, marked)
    answer = {"scrub_index": s.stash_scrub_index[domid]}
    aside = call.effect(lambda step: put_aside(step, domid))
    unsuitable = Case("unsuitable", True, OK, aside, block=block)
    if call.rules.keeps_stash:
        unsuitable = Case("unsuitable-kept", True, REFUSED)
    return [
        Case("no-stash", s.stash_pages[domid] == 0, OK),
        Case("taken", suits, OK, aside, answer, block),
        unsuitable,
    ]


def creation_check(call: Call, domid: Term) -> list[Case]:
    """P2 of populate_physmap: once creation is finished pages are allocated and assigned as usual. No lock is held."""
    return [Case("finished", call.before.creation_finished[domid], OK), Case("unfinished", True, OK)]


def preemption_check(call: Call, domid: Term, pages: Term, scrub_index: Term, preempt_at: int) -> list[Case]:
    """P3 of populate_physmap: whether the preemption check that says yes is made at all. No lock is held.

    :param scrub_index: from where on the extent is scrubbed
    """
    made = all_of([scrub_index + SCRUB_CHUNK <= preempt_at, pages > preempt_at])
    return [
        Case("finished", call.before.creation_finished[domid], OK),
        Case("preempted", made, OK),
        Case("not-made", True, OK),
    ]


def stash_allocation(call: Call, domid: Term, block: Block, scrub_index: Term) -> list[Case]:
    """The end of P3: the extent is left with the domain, unless that has one already or is dying."""
    s = call.before

    def stashed(step: Step) -> None:
        step.set_at("stash_pages", domid, block.pages)
        step.set_at("stash_node", domid, block.node)
        step.set_at("stash_scrub_index", domid, scrub_index)

    second = s.stash_pages[domid] != 0
    with_stash = Case("second", second, OK, block=block)
    if call.rules.keeps_stash:
        with_stash = Case("second-kept", second, REFUSED, block=block)
    return [
        Case("dying", s.is_dying[domid], OK, block=block),
        with_stash,
        Case("stashed", True, OK, call.effect(stashed)),
    ]


def stash_check(call: Call, domid: Term) -> list[Case]:
    """Whether domain_kill has a third section, which frees the stash: always in mainline, else where there is one."""
    if not call.interface.stashes:
        return [Case("never-stashes", True, OK)]
    stashed = True if call.interface.kill_always_frees_stash else call.before.stash_pages[domid] != 0
    return [Case("to-be-freed", stashed, OK), Case("no-stash", True, OK)]


def take_stash(call: Call, domid: Term, marked: Term = 0) -> list[Case]:
    """domain_kill, third critical section: the domain has no stashed extent any more.

    :param marked: pages of the stashed extent that are marked offline
    """
    return [
        Case("no-stash", call.before.stash_pages[domid] == 0, OK),
        Case(
            "taken",
            True,
            OK,
            call.effect(lambda step: put_aside(step, domid)),
            block=stash_of(call, domid, marked),
        ),
    ]


def free_stash(call: Call, domid: Term, block: Block) -> list[Case]:
    """An extent that is not stashed, or is stashed no longer, is free again; marked pages leave right afterwards.

    Its claim was redeemed, and does not come back but in a variant that restores a live domain's.
    """

    def freed(step: Step) -> None:
        step.add_at("node_avail_pages", block.node, block.pages)
        step.add("total_avail_pages", block.pages)
        if call.rules.restores_stash:
            restore(step, call.rules, domid, block.node, choose(call.before.is_dying[domid], 0, block.pages))

    return [Case("freed", True, OK, call.effect(freed, moved=[Moved(block.node, block.pages, block)]))]


def offline_marked(call: Call, block: Block) -> list[Case]:
    """The marked pages of an extent that has just been freed leave the heap, with recall."""
    s, node = call.before, block.node
    avail, total = s.node_avail_pages[node] - block.marked, s.total_avail_pages - block.marked

    def left(step: Step) -> None:
        step.set_at("node_avail_pages", node, avail)
        step.set("total_avail_pages", total)
        step.add_at("offlined_pages", node, block.marked)
        step.add_at("marked_pages", node, -block.marked)
        recall_claims(step, call.rules, node, avail, total, Listed(call.host, s))

    return [Case("none-marked", block.marked == 0, OK), Case("offlined", True, OK, call.effect(left))]
