"""What can go wrong with `claim-sets`, operation by operation."""

from proofs.questions.bearing import contradicts, qualifies
from proofs.questions.events import (
    any_of,
    assignments,
    exchanges,
    preempted_populating,
    requests,
    sets,
    small,
    whole_allocations,
    whole_host_claims,
)
from proofs.questions.question import Question, QuestionMoment, pages_of
from proofs.search.fulfilled import ON_REFERENCE
from reference.properties import limbo_pages
from reference.state import Host

NAME = "claim-sets"
HARDENED = "claim-sets-hardened"


def _over_limit(moment: QuestionMoment) -> str:
    for domain in moment.host.domains.values():
        pages, claims, limit = domain.tot_pages, domain.outstanding(), domain.max_pages
        if claims and pages + claims > limit:
            return f"d{domain.domid} has {pages_of(pages)} and claims {claims}, of at most {limit}."
    return ""


def _in_limbo_over_limit(moment: QuestionMoment) -> str:
    for domid, limbo in limbo_pages(moment.host).items():
        limit = moment.host.domains[domid].max_pages
        if limbo > limit:
            return f"{pages_of(limbo)} left the heap for d{domid}, which may have {limit}."
    return ""


def _redeemed_in_vain(moment: QuestionMoment) -> str:
    domain = moment.host.domains[0]
    redeemed = sum(domain.history.redeemed)
    if moment.did("assign_pages") and moment.outcome["result"] != "OK" and redeemed and not domain.is_dying:
        return f"d0 is refused its pages; the claim of {pages_of(redeemed)} is redeemed, and it has {domain.tot_pages}."
    return ""


def _small_page_refused_after(moment: QuestionMoment) -> str:
    domain = moment.host.domains[0]
    lost = bool(sum(domain.history.redeemed)) and domain.tot_pages == 0
    if lost and moment.did("alloc_domheap_pages", domid=0, order=0) and moment.outcome["mfn"] is None:
        return "d0 claimed a page, requests one after its larger request was refused, and is refused, too."
    return ""


def _recalled(moment: QuestionMoment) -> str:
    domains = list(moment.host.domains.values())
    recalled = [sum(domain.history.recalled) for domain in domains]
    if len(domains) == 2 and recalled[0] and not recalled[1] and domains[1].outstanding():
        return f"{pages_of(recalled[0])} of d0's claim recalled, none of d1's."
    return ""


def _does_not_come_back(moment: QuestionMoment) -> str:
    recalled = sum(moment.host.domains[0].history.recalled)
    if moment.did("online_page") and recalled:
        return f"The page is back; the claim of {recalled} is not."
    return ""


def _exchange_refused(moment: QuestionMoment) -> str:
    if not moment.did("memory_exchange") or moment.outcome["result"] != "ENOMEM":
        return ""
    claims, free = moment.host.domains[0].outstanding(), moment.before.total_avail_pages
    return f"d0 claims {claims} of {free} free pages, and gets none of them in exchange." if claims else ""


def _unowned_refused(moment: QuestionMoment) -> str:
    refused = moment.did("alloc_heap_pages", domid=0) and moment.outcome["mfn"] is None
    claims, free = moment.host.domains[0].outstanding(), moment.before.total_avail_pages
    if refused and claims:
        return f"d0 claims {claims} of {free} free pages; a page for it that is not counted as its own is refused."
    return ""


def _claim_used_up_elsewhere(moment: QuestionMoment) -> str:
    domain, node = moment.host.domains[0], moment.event.get("node")
    refused = moment.did("alloc_heap_pages", domid=0) and moment.outcome["mfn"] is None
    blocks = moment.host.pages.blocks.values()
    got = any(block.domid == 0 and moment.host.node_of(block.mfn) == node for block in blocks)
    if not refused or node is None or got or not domain.history.redeemed[node]:
        return ""
    if domain.tot_pages + limbo_pages(moment.host).get(0, 0) >= domain.max_pages:
        return ""
    return f"d0 claimed a page of node {node}, never got one there, and now finds none."


def _dead_hold_memory(moment: QuestionMoment) -> str:
    host = moment.host
    domain = next(iter((*host.domains.values(), *host.orphans)), None)
    refused = moment.did("alloc_heap_pages", domid=None) and moment.outcome["mfn"] is None
    if (
        not refused
        or domain is None
        or not domain.is_dying
        or not moment.settled
        or not domain.outstanding()
        or host.total_avail_pages < sum(host.node_pages)
    ):
        return ""
    gone = f"d{domain.domid}, which is on no list any more" if domain.is_destroyed else f"the dead d{domain.domid}"
    return f"Every page is free, but no page can be allocated: {domain.outstanding()} claimed by {gone}."


def _stash_dropped(moment: QuestionMoment) -> str:
    domain = moment.host.domains[0]
    lost = domain.history.lost
    if not moment.did("populate_physmap") or not domain.tot_pages or not lost or not sum(domain.history.installed):
        return ""
    others = moment.host.total_avail_pages - moment.host.outstanding_claims
    claimed = pages_of(sum(domain.history.installed))
    return (
        f"d0 claimed {claimed}; it has {domain.tot_pages}, claims {domain.outstanding()}, and anybody may take "
        f"the other {others}."
    )


def _not_released(moment: QuestionMoment) -> str:
    domain = moment.host.domains[0]
    asked = [claim["pages"] for claim in moment.event.get("claims", [])]
    if moment.did("install_claim_set") and not sum(asked) and moment.outcome["result"] != "OK" and domain.outstanding():
        return f"d0, with {domain.tot_pages} pages of at most {domain.max_pages}, cannot release its claim by a set."
    return ""


def _superpage_refused(moment: QuestionMoment) -> str:
    host: Host = moment.host
    return " ".join(f"{text}." for text in ON_REFERENCE["superpage-fulfilled.node"](host))


_DESTROY = small("claim_pages", "destroydomain", "continue")

QUESTIONS: dict[str, Question] = {
    q.name: q
    for q in (
        Question(
            "limit-lowered-under-a-claim",
            NAME,
            "The limit of a domain is lowered under its claim.",
            any_of(sets(), small("set_max_pages")),
            _over_limit,
            bears_on=contradicts("DS-22"),
            compared=(HARDENED,),
        ),
        Question(
            "claimed-while-in-limbo",
            NAME,
            "A set is installed while a page of the domain has left the heap and is not yet assigned.",
            any_of(sets(), requests(0), assignments),
            _over_limit,
            bears_on=(*contradicts("DS-22"), *qualifies("DS-11")),
            compared=(HARDENED,),
        ),
        Question(
            "legacy-claim-while-in-limbo",
            NAME,
            "A legacy claim is made while a page of the domain has left the heap and is not yet assigned.",
            any_of(small("claim_pages", "continue"), requests(0), assignments),
            _over_limit,
            bears_on=(*contradicts("DS-22"), *qualifies("DS-11")),
            compared=(HARDENED,),
        ),
        Question(
            "request-beyond-the-limit",
            NAME,
            "Pages leave the heap for a domain that may not have them.",
            requests(0),
            _in_limbo_over_limit,
            bears_on=qualifies("DS-22", "DS-19"),
            compared=(HARDENED,),
        ),
        Question(
            "redeemed-in-vain",
            NAME,
            "Claims are redeemed for pages that are then not assigned.",
            any_of(sets(), requests(0, 1), assignments),
            _redeemed_in_vain,
            remembers=True,
            bears_on=contradicts("DS-27"),
            compared=(HARDENED,),
        ),
        Question(
            "small-page-refused-after-a-large-one",
            NAME,
            "A builder that falls back to small pages finds its claim gone, and the memory taken by another.",
            any_of(sets(), whole_allocations(0, 1), requests(0, 1, domids=(None,))),
            _small_page_refused_after,
            remembers=True,
            bears_on=contradicts("DS-27", "DS-28", "DS-32"),
            compared=(HARDENED,),
        ),
        Question(
            "stash-dropped",
            NAME,
            "A builder that is preempted, and continues with pages of another size, loses its claim.",
            any_of(whole_host_claims, preempted_populating),
            _stash_dropped,
            hosts=((512,),),
            limits=range(512, 513),
            remembers=True,
            bears_on=contradicts("DS-27", "DS-28", "DS-32"),
            compared=(HARDENED, f"{NAME}+stash-claim-restored"),
        ),
        Question(
            "release-refused",
            NAME,
            "A set of no pages, meant to release the claims, is refused.",
            any_of(sets(zero=True), whole_allocations(0), small("set_max_pages")),
            _not_released,
            bears_on=contradicts("DS-12"),
            compared=(HARDENED,),
        ),
        Question(
            "recalled",
            NAME,
            "Offlining takes back a claim: of the claimants, the one with the lowest domain id pays.",
            any_of(sets(), small("offline_page")),
            _recalled,
            domains=2,
            bears_on=qualifies("DS-04", "DS-32", by="DS-27"),
            compared=(HARDENED,),
        ),
        Question(
            "recalled-for-good",
            NAME,
            "A claim that was recalled for a page does not come back with the page.",
            any_of(sets(), small("offline_page", "online_page")),
            _does_not_come_back,
            remembers=True,
            bears_on=qualifies("DS-26"),
            compared=(HARDENED,),
        ),
        Question(
            "dead-domain-holds-memory",
            NAME,
            "A legacy call that checked is_dying before the domain was destroyed gets its claim afterwards.",
            any_of(_DESTROY, requests(0, domids=(None,))),
            _dead_hold_memory,
            bears_on=(*contradicts("DS-23", "DS-29"), *qualifies("DS-21")),
            compared=(HARDENED,),
        ),
        Question(
            "used-up-elsewhere",
            NAME,
            "A domain's own allocation from one node redeems its claim on another.",
            any_of(sets(), requests(0)),
            _claim_used_up_elsewhere,
            nodes=2,
            remembers=True,
            bears_on=qualifies("DS-04", by="DS-16"),
            compared=(HARDENED, f"{HARDENED}+others-kept"),
        ),
        Question(
            "exchange-refused",
            NAME,
            "An exchange of pages cannot use the domain's own claims.",
            any_of(sets(), whole_allocations(0), exchanges),
            _exchange_refused,
            bears_on=qualifies("DS-13", by="DS-30"),
            compared=(HARDENED,),
        ),
        Question(
            "unowned-page-refused",
            NAME,
            "Memory that the hypervisor needs for a domain in addition to its pages is not covered by its claims.",
            any_of(sets(), requests(0, flags=("exact_node", "no_owner"))),
            _unowned_refused,
            bears_on=contradicts("DS-32", by="DS-30"),
            compared=(HARDENED,),
        ),
        Question(
            "superpage-refused",
            NAME,
            "A block is refused although as many pages are claimed.",
            any_of(sets(), requests(0, domids=(None,)), small("alloc_heap_pages")),
            _superpage_refused,
            pages=3,
            bears_on=(*contradicts("DS-32"), *qualifies("DS-25")),
            compared=(HARDENED,),
        ),
    )
}
"""By name, in the order of the document."""
