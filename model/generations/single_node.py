"""The single-node generations: each domain has one claim, `outstanding_pages`, on `claim_node` or host-wide.

The model keeps a claim on a node in `claims[claim_node]` and a host-wide one in `global_claims`. It has no
`claim_node`: a claim that is not 0 determines it, and where the claim is 0 nothing depends on it (a domain's
node_affinity is all nodes; on a host of one node the two readings of single-node-v2's check are the same).
"""

from dataclasses import replace

from model.encoding import Encoding, Size
from model.generations.generation import INVARIANTS, Generation, transitions_without
from model.generations.legacy import (
    CRASHES,
    ORPHANED_ON_NODE,
    OUTSIDE_THE_LOCK,
    REDEEM_AT_ALLOC,
    REDEEM_AT_ASSIGN,
    REDEMPTION_CRASHES,
    SETS,
    STASH,
)
from model.interfaces import Interface, MemoryDomctl, NodeArgument
from model.logic import Term, all_of, any_of, choose, implies, minimum, negation, positive_part
from model.rules import Redemption, Request, host_permits_mixing, node_permits_mixing
from model.rules import host_permits_either as host_permits_as_legacy
from model.state import State


def redeem_target(h: Encoding, s: State, domid: Term, node: Term, pages: Term) -> Redemption:
    """Only pages from claim_node redeem the claim."""
    nothing = h.combined([], s.claims.row(domid))
    from_node = minimum(pages, s.claims[domid, node])
    return Redemption(h.replaced(nothing, node, from_node), minimum(pages, s.global_claims[domid]))


def redeem_target_or_excess(h: Encoding, s: State, domid: Term, node: Term, pages: Term) -> Redemption:
    """Pages from another node redeem only what would exceed max_pages; tot and max are read without their lock."""
    held = s.held(domid)
    most = minimum(pages, held)
    excess = positive_part(s.tot_pages[domid] + most + held - s.max_pages[domid])
    elsewhere = h.replaced(s.claims.row(domid), node, 0)
    h.positive_somewhere(elsewhere)  # the one claim is there, or on the node
    from_elsewhere = h.taken_ascending(elsewhere, minimum(most, excess))
    from_node = minimum(pages, s.claims[domid, node])
    return Redemption(h.replaced(from_elsewhere, node, from_node), minimum(pages, s.global_claims[domid]))


def host_permits_v1(_size: Size, s: State, request: Request) -> Term:
    """Checked once, before the search: an exact node needs unclaimed pages too, or must be the claim's node."""
    unclaimed = all_of(
        [request.pages <= s.unclaimed(), implies(request.exact, request.pages <= s.unclaimed_on(request.node))]
    )
    own = choose(request.exact, request.own_on(s, request.node), request.own_global(s)) + request.own_orphaned(s)
    return any_of([unclaimed, request.pages <= own])


def host_permits_v2(size: Size, s: State, request: Request) -> Term:
    """As in v1, for any requested node; without one, for the claim's node if node_affinity is exactly that node."""
    fits_node = any_of([request.anywhere, request.pages <= s.unclaimed_on(request.node)])
    unclaimed = all_of([request.pages <= s.unclaimed(), fits_node])
    own_anywhere = choose(size.one_node(), request.own(s) - request.own_orphaned(s), request.own_global(s))
    own = choose(request.anywhere, own_anywhere, request.own_on(s, request.node)) + request.own_orphaned(s)
    return any_of([unclaimed, request.pages <= own])


def node_permits_v2(s: State, request: Request, node: Term) -> Term:
    """Checked only if no node is requested and the host has claims; the domain's own claims do not count.

    The comparison is unsigned: a node whose claims exceed its free pages is not skipped.
    """
    unclaimed = s.unclaimed_on(node)
    fits = any_of([unclaimed < 0, request.pages <= unclaimed])
    return any_of([negation(request.anywhere), s.outstanding_claims == 0, fits])


def node_permits_v3(s: State, request: Request, node: Term) -> Term:
    """Every candidate needs unclaimed pages, or the domain's claim there, even if the request is not refcounted."""
    own = 0 if request.domain is None else s.claims[request.domain, node] + s.orphaned_claims[request.domain]
    return any_of([request.pages <= s.unclaimed_on(node), request.pages <= own])


def host_permits_v4(size: Size, s: State, request: Request) -> Term:
    """Claimed and unclaimed memory may be mixed; not reached if the BUG_ON before it fires."""
    return all_of([s.unclaimed() >= 0, host_permits_mixing(size, s, request)])


def node_permits_v4(s: State, request: Request, node: Term) -> Term:
    """Claimed and unclaimed memory of the node may be mixed; not reached if the BUG_ON before it fires."""
    return all_of([s.unclaimed_on(node) >= 0, node_permits_mixing(s, request, node)])


NOT_WHERE_THE_DYING_CLAIM = (
    "aggregates-agree.node",
    "same-claims-both-ways",
    "claims-within-aggregates",
    "dead-hold-no-node-claims",
)
"""Properties that a dying domain's claim on a node violates once the domain is destroyed."""

V1 = Generation(
    replace(
        REDEEM_AT_ASSIGN.rules,
        name="single-node-v1",
        summary="2025-03: one claim, on a node or the host; checked once, against an exact node",
        redeem=redeem_target,
        interface=Interface(
            single=NodeArgument.BELOW_MAX_NUMNODES,
            node_in_mem_flags=True,
            refuses_llc_coloring=False,
            checks_exact_target=True,
        ),
        targets="one",
        host_permits=host_permits_v1,
        subtracts_pages_held=False,
        memory_op_claims_node=True,
    ),
    transitions_without(*SETS, *CRASHES, *OUTSIDE_THE_LOCK, *STASH),
    invariants=(*(name for name in INVARIANTS if name not in NOT_WHERE_THE_DYING_CLAIM), "node-claims-within"),
    follows=("legacy-redeem-at-assign",),
)

V2 = replace(
    V1,
    rules=replace(
        V1.rules,
        name="single-node-v2",
        summary="2025-08: checked against any requested node; the search skips nodes without unclaimed pages",
        interface=Interface(
            memory=MemoryDomctl.ONE_OR_NONE,
            single=NodeArgument.ONLINE,
            refuses_llc_coloring=False,
            checks_any_target=True,
        ),
        host_permits=host_permits_v2,
        node_permits=node_permits_v2,
        searches_unsigned=True,
        memory_op_claims_node=False,
    ),
    transitions=transitions_without(*SETS, *CRASHES, *OUTSIDE_THE_LOCK, *ORPHANED_ON_NODE, *STASH),
    follows=("single-node-v1",),
)

V3 = replace(
    V2,
    rules=replace(
        V2.rules,
        name="single-node-v3",
        summary="2025-09: the legacy host check again, and every candidate node is checked",
        interface=Interface(
            memory=MemoryDomctl.ONE_OR_NONE,
            single=NodeArgument.ONLINE,
            subtracts_before_locks=True,
            refuses_llc_coloring=False,
        ),
        host_permits=host_permits_as_legacy,
        node_permits=node_permits_v3,
        searches_unsigned=False,
        credits_without_refcount=True,
        legacy_subtracts_first=True,
    ),
    follows=("single-node-v2",),
)

V4 = Generation(
    replace(
        REDEEM_AT_ALLOC.rules,
        name="single-node-v4",
        summary="2026-02: redeemed in the allocator, kept for memory from elsewhere; BUG_ON guards the subtractions",
        redeem=redeem_target_or_excess,
        interface=Interface(memory=MemoryDomctl.ONE, single=NodeArgument.ONLY_TARGET, clears_claim_node=True),
        targets="one",
        host_permits=host_permits_v4,
        node_permits=node_permits_v4,
        node_claim_also_needs_host=False,
        bug_on=True,
        bug_on_redeem=False,
    ),
    transitions_without(*SETS, *REDEMPTION_CRASHES, *ORPHANED_ON_NODE, *STASH),
    follows=("single-node-v3", "legacy-redeem-at-alloc"),
)
