"""The life of a domain, its limit, and the queries."""

from model.c_types import UINT_MAX
from model.calls.case import MISUSE, OK, Call, Case
from model.calls.claims import released
from model.calls.stash import put_aside, stash_of
from model.calls.state import NONE
from model.logic import Term, all_of, any_of, minimum, negation
from model.step import Step

_OF_A_NEW_DOMAIN = {
    "is_created": True,
    "is_dying": False,
    "is_dead": False,
    "is_destroyed": False,
    "creation_finished": False,
    "controller_pause_count": 1,
    "claim_node": NONE,
    "node_claims": 0,
    "global_claims": 0,
    "stash_pages": 0,
}


def create_domain(
    call: Call, domid: int, max_pages: Term, node_affinity: frozenset[int], last_alloc_node: Term = 0
) -> list[Case]:
    """A domain id not in use gets a domain without pages and claims.

    An id may have been that of a domain that was destroyed; who still works on that one has to have ended: pages in
    limbo for it are seen here, calls in flight by the caller.

    :param last_alloc_node: 0 as the hypervisor clears `struct domain`; old recordings have `NONE`
    """

    def created(step: Step) -> None:
        for name, value in _OF_A_NEW_DOMAIN.items():
            step.set_at(name, domid, value)
        step.set_at("max_pages", domid, max_pages)
        step.set_at("last_alloc_node", domid, last_alloc_node)
        step.set_row("claims", domid, call.host.by_node(lambda _n: 0))
        step.set_row("node_affinity", domid, call.host.by_node(lambda n: n in node_affinity))

    return [
        Case("id-in-use", call.before.listed(domid), MISUSE),
        Case("pages-in-limbo", call.before.limbo_pages.row(domid).total() != 0, MISUSE),
        Case("no-node-online", not any(node < call.host.nodes for node in node_affinity), MISUSE),
        Case("created", True, OK, call.effect(created)),
    ]


def set_max_pages(call: Call, domid: Term, max_pages: Term) -> list[Case]:
    """The new limit; only where pages are charged early are pages and claims looked at."""
    s, rules = call.before, call.rules
    used = rules.pages_held(s, domid) + s.held(domid)
    below = used > max_pages if rules.refuses_low_limit else False

    def limited(step: Step) -> None:
        step.set_at("max_pages", domid, max_pages)

    return [
        Case("below-pages-and-claims", below, "EINVAL"),
        Case("limited", True, OK, call.effect(limited)),
    ]


def max_mem(call: Call, domid: Term, max_pages: Term) -> list[Case]:
    """XEN_DOMCTL_max_mem: the limit is capped at what its C type holds. `domid` None: unknown."""
    if domid is None:
        return [Case("unknown-domain", True, "ESRCH")]
    unknown = negation(call.before.listed(domid))
    capped = minimum(max_pages, UINT_MAX)
    return [Case("unknown-domain", unknown, "ESRCH"), *set_max_pages(call, domid, capped)]


MAX_PAUSE_COUNT = 255


def pausedomain(call: Call, domid: Term) -> list[Case]:
    """XEN_DOMCTL_pausedomain: one pause more, up to a limit. `domid` None: unknown."""
    if domid is None:
        return [Case("unknown-domain", True, "ESRCH")]
    s = call.before

    def counted(step: Step) -> None:
        step.add_at("controller_pause_count", domid, 1)

    return [
        Case("unknown-domain", negation(s.listed(domid)), "ESRCH"),
        Case("paused-too-often", s.controller_pause_count[domid] == MAX_PAUSE_COUNT, "EOVERFLOW"),
        Case("counted", True, OK, call.effect(counted)),
    ]


def domain_unpause_by_systemcontroller(call: Call, domid: Term, marked: Term = 0) -> list[Case]:
    """XEN_DOMCTL_unpausedomain: one pause less, if there is one. `domid` None: unknown.

    The first time that none is left finishes the creation. With a stash the domain is crashed instead: the case has
    the stashed extent as its block, to be freed in the same section.

    :param marked: pages of the stashed extent that are marked offline
    """
    if domid is None:
        return [Case("unknown-domain", True, "ESRCH")]
    s = call.before
    finishes = all_of([s.controller_pause_count[domid] == 1, negation(s.creation_finished[domid])])
    stashed = all_of([finishes, s.stash_pages[domid] != 0])

    def counted(step: Step) -> None:
        step.add_at("controller_pause_count", domid, -1)

    def finished(step: Step) -> None:
        step.set_at("creation_finished", domid, True)

    crashed = call.effect(counted, lambda step: put_aside(step, domid))
    with_stash = Case("crashed", stashed, "EBUSY", crashed, block=stash_of(call, domid, marked))
    if call.rules.keeps_stash:
        with_stash = Case("stash-kept", stashed, "EBUSY")
    return [
        Case("unknown-domain", negation(s.listed(domid)), "ESRCH"),
        Case("not-paused", s.controller_pause_count[domid] == 0, "EINVAL"),
        *([with_stash] if call.interface.stashes else []),
        Case("creation-finished", finishes, OK, call.effect(counted, finished)),
        Case("counted", True, OK, call.effect(counted)),
    ]


def mark_dying(call: Call, domid: Term) -> list[Case]:
    """domain_kill, first critical section."""

    def marked(step: Step) -> None:
        step.set_at("is_dying", domid, True)

    return [
        Case("already-dying", call.before.is_dying[domid], OK),
        Case("marked", True, OK, call.effect(marked)),
    ]


def release_all_claims(call: Call, domid: Term) -> list[Case]:
    """domain_kill, second critical section: whatever is claimed is released."""
    return [Case("released", True, OK, released(call, domid))]


def domain_destroy(call: Call, domid: Term) -> list[Case]:
    """The end of `domain_kill`: from now on only pages, and frees of the last of them, keep the domain on the list.

    Its claims, and pages in limbo for it, are not looked at.
    """
    s = call.before
    on_its_list = s.assigned_pages.row(domid).total() + s.extra_pages.row(domid).total()
    return [
        Case("unknown-domain", negation(s.listed(domid)), MISUSE),
        Case("alive", negation(s.is_dying[domid]), MISUSE),
        Case("holds-pages", on_its_list != 0, MISUSE),
        *_dead(call, domid),
    ]


def finish_kill(call: Call, domid: Term) -> list[Case]:
    """The end of XEN_DOMCTL_destroydomain, which is nothing where somebody else has got there first."""
    return [Case("dead-already", call.before.is_dead[domid], OK), *_dead(call, domid)]


def _dead(call: Call, domid: Term) -> list[Case]:
    s = call.before

    def dead(step: Step) -> None:
        step.set_at("is_dead", domid, True)

    kept = any_of([s.pages_counted(domid) != 0, s.last_frees[domid] != 0])
    return [
        Case("kept", kept, OK, call.effect(dead)),
        Case("destroyed", True, OK, call.effect(dead, lambda step: _destroyed(step, domid))),
    ]


def _destroyed(step: Step, domid: Term) -> None:
    """Off the domain list. The claims stay what they are, and nobody visits them."""
    step.set_at("is_destroyed", domid, True)


def put_domain(call: Call, domid: Term, freed: bool) -> list[Case]:
    """A dead domain without pages leaves the list, once nobody is freeing the last of them.

    :param freed: at the end of a free that took the domain's last page; else tot_pages was lowered
    """
    s = call.before
    others = s.last_frees[domid] - (1 if freed else 0)
    gone = all_of([s.is_dead[domid], negation(s.is_destroyed[domid]), s.pages_counted(domid) == 0, others == 0])

    def dropped(step: Step) -> None:
        if freed:
            step.add_at("last_frees", domid, -1)

    return [
        Case("destroyed", gone, OK, call.effect(dropped, lambda step: _destroyed(step, domid))),
        Case("kept", True, OK, call.effect(dropped)),
    ]


def getdomaininfo(call: Call, domid: Term) -> list[Case]:
    """A domain's pages, limit and claims."""
    if domid is None:
        return [Case("unknown-domain", True, "ESRCH")]
    s = call.before
    answer = {
        "tot_pages": s.tot_pages[domid],
        "max_pages": s.max_pages[domid],
        "outstanding_pages": s.held(domid),
    }
    return [
        Case("unknown-domain", negation(s.listed(domid)), "ESRCH"),
        Case("told", True, OK, answer=answer),
    ]


def get_outstanding_claims(call: Call) -> list[Case]:
    """Free and claimed pages of the host."""
    s = call.before
    answer = {"free_pages": s.total_avail_pages, "outstanding_pages": s.outstanding_claims}
    return [Case("told", True, OK, answer=answer)]
