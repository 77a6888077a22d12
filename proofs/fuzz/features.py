"""Outcome classes of allocations and recalls that are finer than the model's cases, for coverage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from . import longest
from .numbers import ModelState

REDEEMED = tuple(
    f"redeemed: {' and '.join(parts) if parts else 'nothing'}"
    for parts in (
        [name for bit, name in ((1, "node"), (2, "host-wide"), (4, "other nodes")) if steps & bit] for steps in range(8)
    )
)
"""By the steps of redeeming that took claims."""

RECALLED_NOTHING = "recalled: nothing"
RECALLED_NODE = "recalled: claims on the node"
RECALLED_NODE_OF_SEVERAL = "recalled: claims on the node, of several domains"
RECALLED_HOST = "recalled: host-wide claims"
RECALLED_HOST_OF_SEVERAL = "recalled: host-wide claims, of several domains"

NO_DOMAIN, EXACT, EXACT_ANYWHERE, REQUESTED, ANYWHERE = (
    "for no domain",
    "exact node",
    "exact without a node",
    "node requested",
    "no node requested",
)
FIRST, IN_AFFINITY, ELSEWHERE, NOWHERE = (
    "first candidate",
    "another node of node_affinity",
    "a node outside node_affinity",
    "none",
)
_SEARCHED = {
    (kind, place): f"search, {kind}: {place}"
    for kind, places in (
        (NO_DOMAIN, (FIRST, IN_AFFINITY, NOWHERE)),
        (EXACT, (FIRST, NOWHERE)),
        (EXACT_ANYWHERE, (FIRST, IN_AFFINITY, NOWHERE)),
        (REQUESTED, (FIRST, IN_AFFINITY, ELSEWHERE, NOWHERE)),
        (ANYWHERE, (FIRST, IN_AFFINITY, ELSEWHERE, NOWHERE)),
    )
    for place in places
}
SEARCHED = tuple(_SEARCHED.values())
"""By kind of request, and by where the search ended. Without a domain every node is in the affinity."""
PASSED_OVER_CLAIMED = "search: passed over a node with a block, for its claims"
PASSED_OVER_EMPTY = "search: passed over a node without a block"
PASSED_OVER = (PASSED_OVER_CLAIMED, PASSED_OVER_EMPTY)

Claims = tuple[list[int], int, int]
"""claims by node, node_claims and global_claims of a domain."""


def claims_of(s: ModelState, domid: int) -> Claims:
    """A domain's claims. A change makes a new list, so this value does not change later."""
    slot = s.slots[domid]
    return s.claims[slot], s.node_claims[slot], s.global_claims[slot]


def count_redeemed(hits: Counter[str], before: Claims, s: ModelState, domid: int, node: int) -> None:
    """Count which steps of redeeming took claims."""
    claims, node_claims, global_claims = before
    slot = s.slots[domid]
    from_node = claims[node] - s.claims[slot][node]
    from_nodes = node_claims - s.node_claims[slot]
    steps = (from_node > 0) + 2 * (global_claims > s.global_claims[slot]) + 4 * (from_nodes > from_node)
    hits[REDEEMED[steps]] += 1


def count_recalled(hits: Counter[str], before: tuple[list[int], list[int]], s: ModelState) -> None:
    """Count whether claims of one or several domains were recalled; ``before``: their node_claims and global_claims."""
    node_claims, global_claims = before
    of_node = _fewer(node_claims, s.node_claims)
    of_host = _fewer(global_claims, s.global_claims)
    if of_node:
        hits[RECALLED_NODE if of_node == 1 else RECALLED_NODE_OF_SEVERAL] += 1
    if of_host:
        hits[RECALLED_HOST if of_host == 1 else RECALLED_HOST_OF_SEVERAL] += 1
    if not of_node and not of_host:
        hits[RECALLED_NOTHING] += 1
    elif s.number_of_domains >= longest.DOMAINS:
        there = [created and not gone for created, gone in zip(s.is_created, s.is_destroyed, strict=True)]
        longest.count_recall(hits, longest.RECALLED_NODE, node_claims, s.node_claims, there)
        longest.count_recall(hits, longest.RECALLED_HOST, global_claims, s.global_claims, there)


def _fewer(before: list[int], after: list[int]) -> int:
    return 0 if before is after else sum(old != new for old, new in zip(before, after, strict=True))


def kind_of_search(domid: int | None, requested: int | None, exact: bool) -> str:
    """The kind of a request."""
    if requested is not None:
        return EXACT if exact else NO_DOMAIN if domid is None else REQUESTED
    if domid is None:
        return NO_DOMAIN
    return EXACT_ANYWHERE if exact else ANYWHERE


def count_search(
    hits: Counter[str], kind: str, candidates: Sequence[int], found: int | None, affinity: frozenset[int]
) -> None:
    """Count where a search ended: at ``found``; None: at no node."""
    if found is None:
        place = NOWHERE
    elif found == candidates[0]:
        place = FIRST
    else:
        place = IN_AFFINITY if found in affinity else ELSEWHERE
    hits[_SEARCHED[kind, place]] += 1
