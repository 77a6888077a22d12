"""The points in which generations differ from each other and from deliberate mistakes; everything else is common.

A generation has a `Rules`. A later generation, or a mistake, is `dataclasses.replace(...)` of an earlier one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from model.encoding import Encoding, Size, Vector
from model.interfaces import HOST_WIDE_ONLY, Interface
from model.logic import Term, any_of, minimum, positive_part
from model.state import State


@dataclass(frozen=True)
class Redemption:
    """The pages that an allocation takes from its domain's claims."""

    by_node: Vector
    """Pages taken from claims[n], for every node."""
    from_global: Term
    """Pages taken from global_claims."""


@dataclass(frozen=True)
class Recall:
    """The pages that offlining takes from the domains' claims."""

    by_domain: Vector
    """Pages taken from every domain's claim on the node."""
    global_by_domain: Vector
    """Pages taken from every domain's host-wide claim."""


@dataclass(frozen=True)
class Request:
    """The arguments of alloc_heap_pages."""

    pages: Term
    claimant: Term = None
    """The domain that the request is refcounted to, whose claims it may use; None: no domain."""
    domain: Term = None
    """The domain, refcounted or not."""
    node: Term = 0
    """The requested node."""
    exact: Term = True
    """MEMF_exact_node: only the requested node is allowed."""
    anywhere: Term = False
    """No node is requested."""

    def own(self, s: State) -> Term:
        """All claims of the claimant."""
        return 0 if self.claimant is None else s.held(self.claimant)

    def own_on(self, s: State, node: Term) -> Term:
        """The claimant's claim on a node."""
        return 0 if self.claimant is None else s.claims[self.claimant, node]

    def own_orphaned(self, s: State) -> Term:
        """The claim of a destroyed claimant, on any target."""
        return 0 if self.claimant is None else s.orphaned_claims[self.claimant]

    def own_global(self, s: State) -> Term:
        """The claimant's host-wide claim."""
        return 0 if self.claimant is None else s.global_claims[self.claimant]


Redeem: TypeAlias = Callable[[Encoding, State, Term, Term, Term], Redemption]
RecallRule: TypeAlias = Callable[[Encoding, State, Term, Term, Term], Recall]
HostPermits: TypeAlias = Callable[[Size, State, Request], Term]
NodePermits: TypeAlias = Callable[[State, Request, Term], Term]
LimitPermits: TypeAlias = Callable[[State, Term, Term], Term]
"""The allocator's check whether a refcounted request is within the domain's limit."""


def redeem_node_global_others(h: Encoding, s: State, domid: Term, node: Term, pages: Term) -> Redemption:
    """redeem_claims_for_allocation: the allocation node's claim, then global, then other nodes ascending."""
    from_node = minimum(pages, s.claims[domid, node])
    from_global = minimum(pages - from_node, s.global_claims[domid])
    others = h.replaced(s.claims.row(domid), node, 0)
    from_others = h.taken_ascending(others, pages - from_node - from_global)
    return Redemption(h.replaced(from_others, node, from_node), from_global)


def recall_node_then_global(h: Encoding, s: State, node: Term, node_avail: Term, total_avail: Term) -> Recall:
    """Recall at offlining: the node's shortage from its claims, then the host's from global claims."""
    node_short = positive_part(s.node_outstanding_claims[node] - node_avail)
    by_domain = h.taken_ascending(s.claims.column(node), node_short)
    host_short = positive_part(s.outstanding_claims - by_domain.total() - total_avail)
    return Recall(by_domain, h.taken_ascending(s.global_claims, host_short))


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


def node_permits_all(_s: State, _request: Request, _node: Term) -> Term:
    """No node check: a free block is enough."""
    return True


def limit_not_looked_at(_s: State, _domid: Term, _pages: Term) -> Term:
    """The allocator does not check max_pages."""
    return True


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
    """Which calls exist, and what they check first."""
    targets: str = "set"
    """What a claim may be on: the `host` only, `one` node or the host, or a `set` of nodes and the host."""
    extra_pages_redeem: bool = True
    """If claims are redeemed in assign_pages, extra pages redeem them too."""
    redeems_at_assign: bool = False
    """Claims are redeemed in assign_pages, with the tot_pages update, and not in the allocator."""
    counter_type: str = "int64"
    """The C type of the counters of host and nodes: signed until 2026-05, including the claims series of 2026-04."""
    searches_unsigned: bool = False
    """If no node is requested and a claim exists, the node search compares a node's unclaimed pages, unsigned."""
    host_permits: HostPermits = host_permits_mixing
    node_permits: NodePermits = node_permits_mixing
    recall: RecallRule = recall_node_then_global
    credits_without_refcount: bool = False
    """The node check counts a domain's claim even for requests that are not refcounted to it."""
    bug_on_redeem: bool = False
    """Mainline's BUG_ON where claims are redeemed: the domain's claims exceed the host's counter."""
    bug_on: bool = False
    """BUG_ON(claims > avail_pages) guards each subtraction of claims from free pages: the host stops there."""
    replaces: bool = True
    """install_claim_set replaces claims that are held; else it returns EINVAL."""
    subtracts_pages_held: bool = True
    """The legacy call names a total: pages already held are subtracted."""
    refuses_dying: bool = True
    """Claim calls check is_dying before they take the locks of the claims."""
    memory_op_claims_node: bool = False
    """A claim on a node is a memory op: it continues on a domain that is destroyed meanwhile."""
    legacy_subtracts_first: bool = False
    """XENMEM_claim_pages subtracts tot_pages before it calls set_outstanding_pages, without a lock."""
    node_claim_also_needs_host: bool = True
    """A single-node claim must fit the host as well as its node."""
    credits_own_claims: bool = True
    """install_claim_set counts the claims it is about to replace as available."""
    checks_sum: bool = True
    """install_claim_set refuses pages on nodes whose sum does not fit 32 bits with EINVAL."""
    releases_before_limits: bool = False
    """install_claim_set releases all claims for a set without pages, before it checks limits."""
    nodes_once: bool = True
    """install_claim_set refuses a node named twice."""
    checks_limit_at_install: bool = True
    """install_claim_set keeps claims plus pages held within max_pages."""
    checks_limit_at_assign: bool = True
    """assign_pages keeps tot_pages within max_pages."""
    limit_permits: LimitPermits = limit_not_looked_at
    charges_pages: bool = False
    """The allocator counts pages and pages in limbo in counters of its own, and checks them under heap_lock alone."""
    counts_limbo: bool = False
    """Pages in limbo count against max_pages in addition to a claim, not only tot_pages."""
    refuses_low_limit: bool = False
    """XEN_DOMCTL_max_mem refuses a limit below pages and claims."""
    trims_claims: bool = False
    """XEN_DOMCTL_max_mem releases the claims that a new limit leaves no room for."""
    counts_claims_at_assign: bool = False
    """assign_pages keeps tot_pages and claims within max_pages."""
    keeps_stash: bool = False
    """A live domain's stashed extent is never freed: a populate that does not match it is refused."""
    restores_stash: bool = False
    """A live domain's stashed extent that is freed becomes a claim of the domain, in the same critical section."""
    keeps_marks: bool = False
    """assign_pages leaves offline marks as they are."""
    assigns_at_alloc: bool = False
    """page_alloc_lock is held from before pages leave the heap until tot_pages counts them: no page is in limbo."""
    checks_dying_in_lock: bool = False
    """set_outstanding_pages itself checks is_dying, under its locks."""
    releases_on_kill: bool = True
    """domain_kill releases the claims."""
    releases_before_install: bool = True
    """install_claim_set drops the old claims."""
    counts_outstanding_on_redeem: bool = True
    """Redeeming also lowers outstanding_claims."""
    keeps_total: bool = False
    """A domain's `outstanding_pages` is the total of its claims; host-wide ones are derived from it."""
    folds_legacy: bool = False
    """The legacy call installs its claim through the installer of claim sets."""
    legacy_compares_signed: bool = False
    """The legacy call checks free pages as for a set: where claims exceed them, nothing fits."""
    frees_restore_claims: bool = False
    """free_domheap_pages grows global_claims back while the domain holds a claim."""

    def pages_held(self, s: State, domid: Term) -> Term:
        """The pages that count against max_pages in addition to a claim."""
        return s.tot_pages[domid] + (s.limbo_pages.row(domid).total() if self.counts_limbo else 0)

    def keeps_copies(self) -> bool:
        """Pages with those in limbo, and max_pages, are also counted under heap_lock, for checks that hold no other."""
        return self.charges_pages or self.counts_limbo or self.refuses_low_limit or self.trims_claims

    def host_check_subtracts(self) -> bool:
        """Whether the host check subtracts claims from free pages; else it adds the request to the claims."""
        return self.host_permits is host_permits_mixing or self.bug_on

    def redeems_beyond_counted(self, s: State, domid: Term, pages: Term) -> Term:
        """The domain's claims, or those redeemed for `pages`, exceed the host's counter."""
        claimed = s.held(domid) if self.redeems_at_assign else minimum(pages, s.held(domid))
        return claimed > s.outstanding_claims

    def looks_at_limbo(self) -> bool:
        """Whether a check counts pages in limbo."""
        return self.counts_limbo or self.assigns_at_alloc or self.charges_pages

    def limit_at_assign(self, s: State, domid: Term) -> Term:
        """The largest tot_pages permitted after assign_pages."""
        return s.max_pages[domid] - (s.held(domid) if self.counts_claims_at_assign else 0)
