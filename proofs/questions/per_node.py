"""The questions of the reviewers of `per-node-v8`."""

from proofs.questions.events import (
    any_of,
    hypercall_sets,
    legacy_calls,
    populating,
    requests,
    sets,
    small,
    whole_allocations,
)
from proofs.questions.question import Question, QuestionMoment, pages_of
from proofs.search.fulfilled import granted
from reference.generations import GENERATIONS
from reference.state import Host

NAME = "per-node-v8"
CHECKED_AT_ASSIGN = f"{NAME}+claims-checked-at-assign"
ALL_CLAIMS_AT_ALLOC = f"{NAME}+all-claims-at-alloc"
FOR_COMPARISON = "claim-sets"


def _over_limit(moment: QuestionMoment) -> str:
    domain = moment.host.domains[0]
    pages, claims, limit = domain.tot_pages, domain.outstanding(), domain.max_pages
    if not moment.settled or not claims or pages + claims <= limit or not domain.controller_pause_count:
        return ""
    return f"d0, paused all the while, has {pages_of(pages)} and claims {claims}, of at most {limit}."


def _page_refused(moment: QuestionMoment) -> str:
    """A page that would fit under the limit is refused where it is assigned, and is free again."""
    domain, free = moment.host.domains[0], moment.host.total_avail_pages
    if not moment.did("continue") or moment.outcome.get("mfns") != []:
        return ""
    if domain.tot_pages >= domain.max_pages or not free:
        return ""
    return (
        f"d0 is refused a page: it has {domain.tot_pages} of at most {domain.max_pages}, "
        f"and claims {domain.outstanding()}."
    )


def _paid_page_refused(moment: QuestionMoment) -> str:
    redeemed, shown = sum(moment.host.domains[0].history.redeemed), _page_refused(moment)
    return f"{shown} The claim of {pages_of(redeemed)} redeemed for it is gone." if shown and redeemed else ""


def _claimed_page_refused(moment: QuestionMoment) -> str:
    domain = moment.host.domains[0]
    refused = moment.did("alloc_domheap_pages", domid=0) and moment.outcome["mfn"] is None
    if not refused or not domain.outstanding() or domain.tot_pages >= domain.max_pages:
        return ""
    return f"d0, with {domain.tot_pages} of at most {domain.max_pages} pages, is refused what it claimed."


def _another_pays(moment: QuestionMoment) -> str:
    host, node, before = moment.host, moment.event.get("node"), moment.before
    if not moment.did("alloc_domheap_pages", domid=0) or node is None or moment.outcome["mfn"] is None:
        return ""
    claimed, free = host.domains[1].claims[node] if 1 in host.domains else 0, host.node_avail_pages[node]
    if before.node_outstanding_claims[node] <= before.node_avail_pages[node] or claimed <= free:
        return ""
    return f"d0 has the page; d1 claims {claimed} of node {node}, where {free} are free."


def _blocked_elsewhere(moment: QuestionMoment) -> str:
    host, node = moment.host, moment.event.get("node")
    refused = moment.did("alloc_heap_pages", domid=None) and moment.outcome["mfn"] is None
    if not refused or node is None or not host.pages.offlined:
        return ""
    unclaimed = host.node_avail_pages[node] - host.node_outstanding_claims[node]
    host_wide = sum(domain.global_claims for domain in host.domains.values())
    if unclaimed <= 0 or host_wide:
        return ""
    return f"Node {node} has {pages_of(unclaimed)} that nobody claims; a request for one is refused."


def _claims_without_bound(moment: QuestionMoment) -> str:
    host = moment.host
    if not moment.did("claim_pages", domid=1) or moment.outcome.get("result") != "OK":
        return ""
    claims, pages = host.domains[1].outstanding(), sum(host.node_pages)
    return f"d1 claims {claims} of a host of {pages_of(pages)}." if claims > pages else ""


def _permitted_by_claim_sets(moment: QuestionMoment) -> str:
    """The same request in the same state, judged by the rules of claim sets."""
    host, node = moment.host, moment.event.get("node")
    if not moment.did("alloc_heap_pages", domid=0, order=1) or moment.outcome["mfn"] is not None:
        return ""
    if host.domains[0].tot_pages + 2 > host.domains[0].max_pages:
        return ""
    rules, host.semantics = host.semantics, GENERATIONS[FOR_COMPARISON]
    permitted = granted(host, host.domains[0], 1, node)
    host.semantics = rules
    return _shortfall(host) if permitted else ""


def _shortfall(host: Host) -> str:
    unclaimed, own = host.total_avail_pages - host.outstanding_claims, host.domains[0].outstanding()
    return f"d0 is refused 2 pages: {unclaimed} unclaimed and its own claim of {own} would do together."


def _lost_in_between(moment: QuestionMoment) -> str:
    """A domain released its claim to set another one, and now can install neither."""
    history = moment.host.domains[0].history
    refused = moment.did("claim_memory", domid=0) and moment.outcome["result"] == "ENOMEM"
    once = max(history.released[:-1])
    if not refused or any(history.redeemed) or moment.event["claims"][0]["pages"] > once:
        return ""
    return f"d0 held a claim of {pages_of(once)}, released it to set another, and has none now."


QUESTIONS: dict[str, Question] = {
    q.name: q
    for q in (
        Question(
            "claimed-while-populating",
            NAME,
            "A set is installed for a paused domain while another domain is populating it.",
            any_of(hypercall_sets, populating),
            _over_limit,
            compared=(f"{NAME}+claims-checked-at-assign", f"{NAME}+limbo-counted"),
        ),
        Question(
            "page-within-the-limit-refused",
            CHECKED_AT_ASSIGN,
            "The check in assign_pages refuses the page that was in flight.",
            any_of(hypercall_sets, populating),
            _page_refused,
            compared=(NAME, f"{NAME}+limbo-counted"),
        ),
        Question(
            "page-paid-for-refused",
            CHECKED_AT_ASSIGN,
            "The check in assign_pages refuses a page for which a claim was redeemed.",
            any_of(hypercall_sets, populating),
            _paid_page_refused,
            pages=3,
            remembers=True,
            compared=(NAME, f"{NAME}+limbo-counted"),
        ),
        Question(
            "claimed-page-refused",
            ALL_CLAIMS_AT_ALLOC,
            "A check that counts claims before they are redeemed refuses a claimed page.",
            any_of(hypercall_sets, whole_allocations(0)),
            _claimed_page_refused,
            compared=(NAME,),
        ),
        Question(
            "offlined-page-costs-another",
            NAME,
            "A page goes offline under the claims of two domains: the one that allocates first takes the other's.",
            any_of(sets(), small("offline_page"), whole_allocations(0)),
            _another_pays,
            domains=2,
            compared=(FOR_COMPARISON,),
        ),
        Question(
            "offlined-page-blocks-another-node",
            NAME,
            "A page that goes offline under a claim makes unclaimed memory of another node unusable.",
            any_of(sets(), small("offline_page"), requests(0, domids=(None,))),
            _blocked_elsewhere,
            nodes=2,
            compared=(FOR_COMPARISON,),
        ),
        Question(
            "claims-without-bound",
            NAME,
            "After a page went offline under a claim, the legacy call accepts any claim.",
            any_of(sets(), small("offline_page"), legacy_calls(3)),
            _claims_without_bound,
            domains=2,
            limits=range(1, 4),
            compared=(FOR_COMPARISON,),
        ),
        Question(
            "large-page-refused",
            NAME,
            "A block is refused that claim sets would permit in the same state.",
            any_of(sets(), requests(1)),
            _permitted_by_claim_sets,
            compared=(FOR_COMPARISON,),
        ),
        Question(
            "set-lost-while-it-is-changed",
            NAME,
            "A set can only be changed by releasing it first; another takes the memory in between.",
            hypercall_sets,
            _lost_in_between,
            domains=2,
            remembers=True,
        ),
    )
}
"""By name, in the order of the document."""
