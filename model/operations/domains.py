"""The life of a domain: creation, limit, pauses, domain_kill in two steps, destruction."""

from __future__ import annotations

from model.c_code import claims as c_loops
from model.c_code import domains as c_values
from model.c_types import UINT_MAX
from model.encoding import Vector
from model.logic import Term, all_of, any_of, minimum, negation, positive_part
from model.operations.claiming import released
from model.operations.ledger import deduct
from model.operations.section import MISUSE, Change, Section
from model.operations.stashing import put_aside, stash_of
from model.state import HEAP_LOCK
from model.step import Step

NO_DOMCTL = -1
"""No domain is being killed: the domctl lock is free."""
MAX_PAUSE_COUNT = 255


def new_domain(x: Section, domid: Term, max_pages: Term, reset: Change | None = None) -> None:
    """An unused domain id gets a domain with a limit, without pages and claims.

    :param reset: clears the fields of an earlier domain with this id; None: ids are not reused
    """

    def created(step: Step) -> None:
        step.set_at("is_created", domid, True)
        step.set_at("max_pages", domid, max_pages)
        if reset is not None:
            reset(step)

    x.end("created", created, code=c_values.new_limit)


def set_max_pages(x: Section, domid: Term, max_pages: Term) -> None:
    """Sets the limit. Pages and claims are checked only in generations that refuse a low limit."""
    s, rules = x.s, x.rules

    def used() -> Term:
        return rules.pages_held(s, domid) + s.held(domid)

    if rules.keeps_copies():
        x.take(HEAP_LOCK)
    x.loop(c_values.max_mem)
    below = used() > max_pages if rules.refuses_low_limit else False
    x.check("below-pages-and-claims", "EINVAL", {"not-below-pages-and-claims": below})

    def limited(step: Step) -> None:
        if rules.trims_claims:
            _trim(step, domid, used() - max_pages)
        step.set_at("max_pages", domid, max_pages)

    x.end("limited", limited)


def _trim(step: Step, domid: Term, excess: Term) -> None:
    """Release up to `excess` claimed pages, host-wide ones first, then nodes in ascending order."""
    s, h = step.before, step.encoding
    from_global = minimum(positive_part(excess), s.global_claims[domid])
    by_node: Vector = h.taken_ascending(s.claims.row(domid), positive_part(excess) - from_global)
    deduct(step, domid, by_node, from_global, "released")


def max_mem(x: Section, domid: Term, max_pages: Term) -> None:
    """XEN_DOMCTL_max_mem: the limit is capped at what its C type holds. `domid` None: unknown."""
    x.check("unknown-domain", "ESRCH", {"domain-exists": x.is_unknown(domid)})
    if not x.decided:
        set_max_pages(x, domid, minimum(max_pages, UINT_MAX))


def pausedomain(x: Section, domid: Term) -> None:
    """XEN_DOMCTL_pausedomain: adds a pause, up to a limit. `domid` None: unknown."""
    x.check("unknown-domain", "ESRCH", {"domain-exists": x.is_unknown(domid)})
    if x.decided:
        return
    pauses = x.observed.controller_pause_count[domid]
    x.check("paused-too-often", "EOVERFLOW", {"pauses-below-limit": pauses == MAX_PAUSE_COUNT})
    x.end("counted", lambda step: _pauses(x, step, domid, 1))


def _pauses(x: Section, step: Step, domid: Term, more: int) -> None:
    name = "controller_pause_count"
    x.observe(step, name, domid, lambda of: of.controller_pause_count[domid] + more)


def domain_unpause_by_systemcontroller(x: Section, domid: Term, marked: Term = 0) -> None:
    """XEN_DOMCTL_unpausedomain: removes a pause, if there is one. `domid` None: unknown.

    The first time that no pause is left, the creation is finished. A domain with a stash is crashed instead: the block
    of this end is the stashed extent, which is freed in the same section.

    :param marked: pages of the stashed extent that are marked offline
    """
    x.check("unknown-domain", "ESRCH", {"domain-exists": x.is_unknown(domid)})
    if x.decided:
        return
    s = x.observed
    finishes = all_of([s.controller_pause_count[domid] == 1, negation(s.creation_finished[domid])])

    def counted(step: Step) -> None:
        _pauses(x, step, domid, -1)

    def finished(step: Step) -> None:
        counted(step)
        x.observe(step, "creation_finished", domid, lambda _of: True)

    def crashed(step: Step) -> None:
        counted(step)
        put_aside(x, step, domid)

    x.check("not-paused", "EINVAL", {"paused": s.controller_pause_count[domid] == 0})
    if x.rules.interface.stashes:
        stashed = all_of([finishes, s.stash_pages[domid] != 0])
        if x.rules.keeps_stash:
            x.check("stash-kept", "EBUSY", {"no-stash": stashed})
        else:
            block = stash_of(x, domid, marked)
            x.end("crashed", crashed, when={"no-stash": stashed}, result="EBUSY", block=block)
    x.end("creation-finished", finished, when={"not-finishing": finishes})
    x.end("counted", counted)


def mark_dying(x: Section, domid: Term) -> None:
    """domain_kill, first critical section: the domain is marked dying."""

    def marked(step: Step) -> None:
        step.set_at("is_dying", domid, True)
        x.hold_domctl(step, domid)

    x.end("already-dying", when={"alive": x.s.is_dying[domid]})
    x.end("marked", marked)


def release_all_claims(x: Section, domid: Term) -> None:
    """domain_kill, second critical section: all claims are released."""
    change = released(x, domid) if x.rules.releases_on_kill else None

    def last(step: Step) -> None:
        if change is not None:
            change(step)
        x.hold_domctl(step, NO_DOMCTL)

    x.end("released", last, code=c_loops.release if x.rules.releases_on_kill else None)


def domain_destroy(x: Section, domid: Term) -> None:
    """The end of `domain_kill`: from now on only pages, and frees of the last pages, keep the domain on the list.

    Its claims and pages in limbo are not checked.
    """
    s = x.s
    x.check("unknown-domain", MISUSE, {"domain-exists": x.is_unknown(domid)})
    x.check("alive", MISUSE, {"dying": negation(x.is_dying(domid))})
    x.check(
        "holds-pages",
        MISUSE,
        {
            "no-pages-held": lambda q: q.some_node(
                lambda n: any_of([s.extra_pages[domid, n] != 0, s.assigned_pages[domid, n] != 0])
            )
        },
    )
    _dead(x, domid, s.tot_pages[domid])


def finish_kill(x: Section, domid: Term) -> None:
    """The end of XEN_DOMCTL_destroydomain; no effect if another call has already done it."""
    x.end("dead-already", when={"not-dead": x.observed.is_dead[domid]})
    _dead(x, domid, x.observed.pages_counted(domid))


def _dead(x: Section, domid: Term, pages: Term) -> None:
    """The domain is dead; it leaves the list if `pages`, those that keep it there, are 0."""

    def dead(step: Step) -> None:
        x.observe(step, "is_dead", domid, lambda _of: True)

    def gone(step: Step) -> None:
        dead(step)
        _destroyed(x, step, domid)

    kept = {"no-pages-counted": pages != 0, "no-free-in-flight": x.frees_in_flight(domid) != 0}
    x.end("kept", dead, when=kept)
    x.end("destroyed", gone)


def _destroyed(x: Section, step: Step, domid: Term) -> None:
    """The domain leaves the domain list. No loop visits its claims any more."""
    step.set_at("is_destroyed", domid, True)
    x.orphan(step, domid)


def put_domain(x: Section, domid: Term, freed: bool) -> None:
    """A dead domain without pages leaves the list, once no free of its last pages is in progress.

    :param freed: called at the end of a free that took the domain's last page; False: after tot_pages was lowered
    """
    s = x.observed
    others = x.frees_in_flight(domid) - (1 if freed else 0)
    gone = all_of([s.is_dead[domid], negation(s.is_destroyed[domid]), s.pages_counted(domid) == 0, others == 0])

    def dropped(step: Step) -> None:
        if freed:
            x.observe(step, "last_frees", domid, lambda _of: others)

    def last(step: Step) -> None:
        dropped(step)
        _destroyed(x, step, domid)

    x.end("destroyed", last, when={"kept": gone})
    x.end("kept", dropped)
