"""The life of a domain, its limit, and the queries."""

from model.c_types import UINT_MAX
from model.calls.case import MISUSE, OK, Call, Case, Effect
from model.calls.claiming import released
from model.calls.state import NONE
from model.logic import Term, minimum, negation
from model.step import Step


def create_domain(call: Call, domid: int, max_pages: Term, node_affinity: frozenset[int]) -> list[Case]:
    """A domain id not in use gets a domain without pages and claims."""

    def created(step: Step) -> None:
        step.set_at("is_created", domid, True)
        step.set_at("is_dying", domid, False)
        step.set_at("controller_pause_count", domid, 1)
        step.set_at("max_pages", domid, max_pages)
        step.set_at("claim_node", domid, NONE)
        step.set_at("last_alloc_node", domid, NONE)
        step.set_row("node_affinity", domid, call.host.by_node(lambda n: n in node_affinity))

    return [
        Case("id-in-use", call.before.is_created[domid], MISUSE),
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
    unknown = negation(call.before.is_created[domid])
    capped = minimum(max_pages, UINT_MAX)
    return [Case("unknown-domain", unknown, "ESRCH"), *set_max_pages(call, domid, capped)]


MAX_PAUSE_COUNT = 255


def pausedomain(call: Call, domid: Term) -> list[Case]:
    """XEN_DOMCTL_pausedomain: one pause more, up to a limit. `domid` None: unknown."""
    return _paused(call, domid, 1, "paused-too-often", MAX_PAUSE_COUNT, "EOVERFLOW")


def unpausedomain(call: Call, domid: Term) -> list[Case]:
    """XEN_DOMCTL_unpausedomain: one pause less, if there is one. `domid` None: unknown."""
    return _paused(call, domid, -1, "not-paused", 0, "EINVAL")


def _paused(call: Call, domid: Term, change: int, refused: str, bound: int, errno: str) -> list[Case]:
    if domid is None:
        return [Case("unknown-domain", True, "ESRCH")]
    s = call.before

    def counted(step: Step) -> None:
        step.add_at("controller_pause_count", domid, change)

    return [
        Case("unknown-domain", negation(s.is_created[domid]), "ESRCH"),
        Case(refused, s.controller_pause_count[domid] == bound, errno),
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


def domain_destroy(call: Call, domid: int, has_pages: bool) -> list[Case]:
    """A dead domain that holds nothing is forgotten.

    :param has_pages: some allocated block is its, in limbo or assigned, refcounted or not
    """
    s = call.before
    return [
        Case("unknown-domain", negation(s.is_created[domid]), MISUSE),
        Case("alive", negation(s.is_dying[domid]), MISUSE),
        Case("holds-pages", has_pages, MISUSE),
        Case("holds-claims", s.held(domid) != 0, MISUSE),
        Case("destroyed", True, OK, _forgotten(call, domid)),
    ]


def destroy_if_empty(call: Call, domid: int, has_pages: bool) -> list[Case]:
    """The end of XEN_DOMCTL_destroydomain: what still holds something is kept until it is called again."""
    return [
        Case("holds-pages", has_pages, OK),
        Case("holds-claims", call.before.held(domid) != 0, OK),
        Case("destroyed", True, OK, _forgotten(call, domid)),
    ]


def _forgotten(call: Call, domid: int) -> Effect:
    def forgotten(step: Step) -> None:
        step.set_at("is_created", domid, False)

    return call.effect(forgotten)


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
        Case("unknown-domain", negation(s.is_created[domid]), "ESRCH"),
        Case("told", True, OK, answer=answer),
    ]


def get_outstanding_claims(call: Call) -> list[Case]:
    """Free and claimed pages of the host."""
    s = call.before
    answer = {"free_pages": s.total_avail_pages, "outstanding_pages": s.outstanding_claims}
    return [Case("told", True, OK, answer=answer)]
