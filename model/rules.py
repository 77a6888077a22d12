"""The points in which generations, and deliberate mistakes, differ: rules as values, everything else common.

A semantics is a `Rules`; a later or a mutated one is `dataclasses.replace(...)` of an earlier one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from model.encoding import Encoding, Size, Vector
from model.interfaces import HOST_WIDE_ONLY, Interface
from model.logic import Term, any_of, choose, minimum, positive_part
from model.state import State


@dataclass(frozen=True)
class Redemption:
    """What an allocation takes from its domain's claims."""

    by_node: Vector
    """Pages taken from claims[n], for every node."""
    from_global: Term
    """Pages taken from global_claims."""


@dataclass(frozen=True)
class Recall:
    """What offlining takes from the domains' claims."""

    by_domain: Vector
    """Pages taken from every domain's claim on the node."""
    global_by_domain: Vector
    """Pages taken from every domain's host-wide claim."""


@dataclass(frozen=True)
class Request:
    """What alloc_heap_pages is asked for."""

    pages: Term
    claimant: Term = None
    """The domain, if the request is refcounted to one: only then it may use claims."""
    domain: Term = None
    """The domain, refcounted or not."""
    node: Term = 0
    """The requested node."""
    exact: Term = True
    """MEMF_exact_node: no other node will do."""
    anywhere: Term = False
    """No node is requested."""

    def own(self, s: State) -> Term:
        """All claims of the claimant."""
        return 0 if self.claimant is None else s.held(self.claimant)

    def own_on(self, s: State, node: Term) -> Term:
        """The claimant's claim on a node."""
        return 0 if self.claimant is None else s.claims[self.claimant, node]

    def own_orphaned(self, s: State) -> Term:
        """The claim that the claimant has if it is destroyed, on whichever target."""
        return 0 if self.claimant is None else s.orphaned_claims[self.claimant]

    def own_global(self, s: State) -> Term:
        """The claimant's host-wide claim."""
        return 0 if self.claimant is None else s.global_claims[self.claimant]


Redeem: TypeAlias = Callable[[Encoding, State, Term, Term, Term], Redemption]
RecallRule: TypeAlias = Callable[[Encoding, State, Term, Term, Term], Recall]
HostPermits: TypeAlias = Callable[[Size, State, Request], Term]
NodePermits: TypeAlias = Callable[[State, Request, Term], Term]
LimitPermits: TypeAlias = Callable[[State, Term, Term], Term]
"""Of the allocator: whether a refcounted request for so many pages is within the domain's limit."""


def redeem_node_global_others(h: Encoding, s: State, domid: Term, node: Term, pages: Term) -> Redemption:
    """redeem_claims_for_allocation: the allocation node's claim, then global, then other nodes ascending."""
    from_node = minimum(pages, s.claims[domid, node])
    from_global = minimum(pages - from_node, s.global_claims[domid])
    others = h.replaced(s.claims.row(domid), node, 0)
    from_others = h.taken_ascending(others, pages - from_node - from_global)
    return Redemption(h.replaced(from_others, node, from_node), from_global)


def redeem_node_global(h: Encoding, s: State, domid: Term, node: Term, pages: Term) -> Redemption:
    """A mistake: step 3, the other nodes, is left out."""
    from_node = minimum(pages, s.claims[domid, node])
    from_global = minimum(pages - from_node, s.global_claims[domid])
    nothing = h.combined([], s.claims.row(domid))
    return Redemption(h.replaced(nothing, node, from_node), from_global)


def redeem_global_first(h: Encoding, s: State, domid: Term, node: Term, pages: Term) -> Redemption:
    """A mistake: the host-wide claim is redeemed before the allocation node's."""
    from_global = minimum(pages, s.global_claims[domid])
    from_node = minimum(pages - from_global, s.claims[domid, node])
    others = h.replaced(s.claims.row(domid), node, 0)
    from_others = h.taken_ascending(others, pages - from_node - from_global)
    return Redemption(h.replaced(from_others, node, from_node), from_global)


def redeem_others_if_needed(h: Encoding, s: State, domid: Term, node: Term, pages: Term) -> Redemption:
    """Claims on other nodes only as far as the domain's limit, or the free pages of the host, demand it."""
    from_node = minimum(pages, s.claims[domid, node])
    from_global = minimum(pages - from_node, s.global_claims[domid])
    rest = pages - from_node - from_global
    held = s.tot_pages[domid] + s.limbo_pages.row(domid).total() + s.held(domid)
    over_limit = held + rest - s.max_pages[domid]
    beyond = rest - s.unclaimed()
    demanded = positive_part(choose(over_limit >= beyond, over_limit, beyond))
    others = h.replaced(s.claims.row(domid), node, 0)
    from_others = h.taken_ascending(others, minimum(rest, demanded))
    return Redemption(h.replaced(from_others, node, from_node), from_global)


def recall_node_then_global(h: Encoding, s: State, node: Term, node_avail: Term, total_avail: Term) -> Recall:
    """Recall at offlining: the node's shortage from its claims, then the host's from global claims."""
    node_short = positive_part(s.node_outstanding_claims[node] - node_avail)
    by_domain = h.taken_ascending(s.claims.column(node), node_short)
    host_short = positive_part(s.outstanding_claims - by_domain.total() - total_avail)
    return Recall(by_domain, h.taken_ascending(s.global_claims, host_short))


def recall_global_then_node(h: Encoding, s: State, node: Term, node_avail: Term, total_avail: Term) -> Recall:
    """A mistake: the two recalls in the wrong order."""
    host_short = positive_part(s.outstanding_claims - total_avail)
    node_short = positive_part(s.node_outstanding_claims[node] - node_avail)
    return Recall(
        h.taken_ascending(s.claims.column(node), node_short),
        h.taken_ascending(s.global_claims, host_short),
    )


def recall_nothing(h: Encoding, s: State, _node: Term, _node_avail: Term, _total_avail: Term) -> Recall:
    """No recall: offlining leaves the claims as they are."""
    return Recall(h.combined([], s.node_claims), h.combined([], s.global_claims))


def host_permits_mixing(_size: Size, s: State, request: Request) -> Term:
    """Host check: unclaimed pages plus all the domain's own claims suffice."""
    return request.pages <= s.unclaimed() + request.own(s)


def host_permits_either(_size: Size, s: State, request: Request) -> Term:
    """Host check: unclaimed pages suffice, or the domain's own claims do; the two are not mixed."""
    return any_of([request.pages <= s.unclaimed(), request.pages <= request.own(s)])


def node_permits_mixing(s: State, request: Request, node: Term) -> Term:
    """Node check: the node's unclaimed pages plus the domain's own claim there suffice."""
    return request.pages <= s.unclaimed_on(node) + request.own_on(s, node)


def node_permits_free_pages(s: State, request: Request, node: Term) -> Term:
    """A mistake: the node check looks at free pages and not at claims."""
    return s.node_avail_pages[node] >= request.pages


def node_permits_all(_s: State, _request: Request, _node: Term) -> Term:
    """No node check: a free block is enough."""
    return True


def limit_not_looked_at(_s: State, _domid: Term, _pages: Term) -> Term:
    """The allocator does not look at max_pages."""
    return True


def limit_permits_charged(s: State, domid: Term, pages: Term) -> Term:
    """Pages, pages in limbo and the claims that stay after redeeming are within the limit."""
    stay = positive_part(s.held(domid) - pages)
    return s.tot_pages[domid] + s.limbo_pages.row(domid).total() + pages + stay <= s.max_pages[domid]


def limit_permits_unlocked(s: State, domid: Term, pages: Term) -> Term:
    """tot_pages and max_pages are read without their lock; pages in limbo are not in tot_pages yet."""
    return s.tot_pages[domid] + pages + positive_part(s.held(domid) - pages) <= s.max_pages[domid]


def limit_permits_all_claims(s: State, domid: Term, pages: Term) -> Term:
    """As unlocked, with all claims counted, those too that the request is about to redeem."""
    return s.tot_pages[domid] + pages + s.held(domid) <= s.max_pages[domid]


def pages_taken(redemption: Redemption) -> Term:
    """All pages a redemption takes."""
    return redemption.by_node.total() + redemption.from_global


@dataclass(frozen=True)
class Rules:
    """One generation of claims: a name, and a choice at every point of variation."""

    name: str
    summary: str
    redeem: Redeem = redeem_node_global_others
    interface: Interface = HOST_WIDE_ONLY
    """Which calls there are, and what they look at first."""
    targets: str = "set"
    """What a claim may be on: the `host` only, `one` node or the host, or a `set`. How many counters a domain has."""
    extra_pages_redeem: bool = True
    """Where claims are redeemed in assign_pages, extra pages redeem them too."""
    redeems_at_assign: bool = False
    """Claims are redeemed in assign_pages, with the tot_pages update, and not in the allocator."""
    counter_type: str = "int64"
    """The C type of the counters of host and nodes: signed until 2026-05, in the claims series of 2026-04 too."""
    searches_unsigned: bool = False
    """The node search compares what is unclaimed on a node, unsigned, where no node is requested and a claim exists."""
    host_permits: HostPermits = host_permits_mixing
    node_permits: NodePermits = node_permits_mixing
    recall: RecallRule = recall_node_then_global
    credits_without_refcount: bool = False
    """The node check counts a domain's claim even for requests that are not refcounted to it."""
    bug_on_redeem: bool = False
    """Mainline's BUG_ON where claims are redeemed: of the domain more is claimed than the host has counted."""
    bug_on: bool = False
    """BUG_ON(claims > avail_pages) guards each subtraction of claims from free pages: the host stops there."""
    replaces: bool = True
    """install_claim_set may be called while claims are held; else it returns EINVAL."""
    subtracts_pages_held: bool = True
    """The legacy call is for pages in all: those held are subtracted."""
    refuses_dying: bool = True
    """Claim calls look at is_dying, before they take the locks of the claims."""
    memory_op_claims_node: bool = False
    """A claim on a node is a memory op: it goes on with a domain that is destroyed meanwhile."""
    legacy_subtracts_first: bool = False
    """XENMEM_claim_pages subtracts tot_pages before it calls, without a lock."""
    node_claim_also_needs_host: bool = True
    """A single-node claim has to fit the host as well as its node."""
    credits_own_claims: bool = True
    """install_claim_set counts the claims it is about to replace as available."""
    checks_sum: bool = True
    """install_claim_set refuses pages on nodes whose sum does not fit 32 bits with EINVAL."""
    releases_before_limits: bool = False
    """install_claim_set releases for a set without pages, whatever the limits are."""
    nodes_once: bool = True
    """install_claim_set refuses a node named twice."""
    checks_limit_at_install: bool = True
    """install_claim_set keeps claims plus pages held within max_pages."""
    checks_limit_at_assign: bool = True
    """assign_pages keeps tot_pages within max_pages."""
    limit_permits: LimitPermits = limit_not_looked_at
    counts_limbo: bool = False
    """Pages in limbo count against max_pages in addition to a claim, not only tot_pages."""
    refuses_low_limit: bool = False
    """XEN_DOMCTL_max_mem refuses a limit below pages and claims."""
    trims_claims: bool = False
    """XEN_DOMCTL_max_mem releases the claims that a new limit leaves no room for."""
    counts_claims_at_assign: bool = False
    """assign_pages keeps tot_pages and claims within max_pages."""
    keeps_stash: bool = False
    """A live domain's stashed extent is never freed: a populate that it does not suit is refused."""
    restores_stash: bool = False
    """A live domain's stashed extent that is freed becomes a claim of the domain, in the same critical section."""
    keeps_marks: bool = False
    """assign_pages leaves offline marks as they are."""
    assigns_at_alloc: bool = False
    """page_alloc_lock is held while pages leave the heap, and tot_pages grows with it: no page is in limbo."""
    checks_dying_in_lock: bool = False
    """set_outstanding_pages looks at is_dying itself, under its locks."""
    releases_on_kill: bool = True
    """domain_kill releases the claims."""
    releases_before_install: bool = True
    """install_claim_set drops the old claims."""
    counts_outstanding_on_redeem: bool = True
    """Redeeming keeps outstanding_claims in step."""
    keeps_total: bool = False
    """A domain's `outstanding_pages` is the total of its claims; host-wide ones are derived from it."""
    folds_legacy: bool = False
    """The legacy call stakes its claim through the installer of claim sets."""
    legacy_compares_signed: bool = False
    """The legacy call's check of free pages is that of any set: where claims exceed them, nothing fits."""
    frees_restore_claims: bool = False
    """free_domheap_pages grows global_claims back while the domain holds a claim."""

    def pages_held(self, s: State, domid: Term) -> Term:
        """The pages that count against max_pages in addition to a claim."""
        return s.tot_pages[domid] + (s.limbo_pages.row(domid).total() if self.counts_limbo else 0)

    def keeps_copies(self) -> bool:
        """Pages with those in limbo, and max_pages, are also counted under heap_lock, for checks that hold no other."""
        charged = self.limit_permits is limit_permits_charged or self.redeem is redeem_others_if_needed
        return charged or self.counts_limbo or self.refuses_low_limit or self.trims_claims

    def looks_at_limbo(self) -> bool:
        """Whether a check counts pages in limbo."""
        charged = self.limit_permits is limit_permits_charged or self.redeem is redeem_others_if_needed
        return self.counts_limbo or self.assigns_at_alloc or charged

    def limit_at_assign(self, s: State, domid: Term) -> Term:
        """What tot_pages may be at most after assign_pages."""
        return s.max_pages[domid] - (s.held(domid) if self.counts_claims_at_assign else 0)
