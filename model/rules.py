"""The points in which generations, and deliberate mistakes, differ: rules as values, everything else common.

A semantics is a `Rules`; a later or a mutated one is `dataclasses.replace(...)` of an earlier one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from model.encoding import Encoding, Vector
from model.logic import Term, minimum, positive_part
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


Redeem: TypeAlias = Callable[[Encoding, State, Term, Term, Term], Redemption]
RecallRule: TypeAlias = Callable[[Encoding, State, Term, Term, Term], Recall]
Permits: TypeAlias = Callable[[State, Term, Term, Term], Term]


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


def host_permits_mixing(s: State, domid: Term, _node: Term, pages: Term) -> Term:
    """Host check: unclaimed pages plus all the domain's own claims suffice."""
    return pages <= s.unclaimed() + s.held(domid)


def node_permits_mixing(s: State, domid: Term, node: Term, pages: Term) -> Term:
    """Node check: the node's unclaimed pages plus the domain's own claim there suffice."""
    return pages <= s.unclaimed_on(node) + s.claims[domid, node]


def node_permits_free_pages(s: State, _domid: Term, node: Term, pages: Term) -> Term:
    """A mistake: the node check looks at free pages and not at claims."""
    return pages <= s.node_avail_pages[node]


def pages_taken(redemption: Redemption) -> Term:
    """All pages a redemption takes."""
    return redemption.by_node.total() + redemption.from_global


@dataclass(frozen=True)
class Rules:
    """One generation of claims: a name, and a choice at every point of variation."""

    name: str
    summary: str
    redeem: Redeem = redeem_node_global_others
    host_permits: Permits = host_permits_mixing
    node_permits: Permits = node_permits_mixing
    recall: RecallRule = recall_node_then_global
    credits_own_claims: bool = True
    """install_claim_set counts the claims it is about to replace as available."""
    nodes_once: bool = True
    """install_claim_set refuses a node named twice."""
    checks_limit_at_install: bool = True
    """install_claim_set keeps claims plus pages held within max_pages."""
    checks_limit_at_assign: bool = True
    """assign_pages keeps tot_pages within max_pages."""
    releases_on_kill: bool = True
    """domain_kill releases the claims."""
    releases_before_install: bool = True
    """install_claim_set drops the old claims."""
    counts_outstanding_on_redeem: bool = True
    """Redeeming keeps outstanding_claims in step."""
    frees_restore_claims: bool = False
    """free_domheap_pages grows global_claims back while the domain holds a claim."""
