"""What an allocation or a recall did, beyond which case of the model it was: for coverage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from .compiled import ModelState

REDEEMED = tuple(
    f"redeemed: {' and '.join(parts) if parts else 'nothing'}"
    for parts in (
        [name for bit, name in ((1, "node"), (2, "host-wide"), (4, "other nodes")) if steps & bit] for steps in range(8)
    )
)
"""By the steps of redeeming that took something."""

RECALLED_NOTHING = "recalled: nothing"
RECALLED_NODE = "recalled: claims on the node"
RECALLED_NODE_OF_SEVERAL = "recalled: claims on the node, of several domains"
RECALLED_HOST = "recalled: host-wide claims"
RECALLED_HOST_OF_SEVERAL = "recalled: host-wide claims, of several domains"
RECALLED = (RECALLED_NOTHING, RECALLED_NODE, RECALLED_NODE_OF_SEVERAL, RECALLED_HOST, RECALLED_HOST_OF_SEVERAL)

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
"""By what was asked for, and where the search ended. For no domain every node is in the affinity."""
PASSED_OVER_CLAIMED = "search: passed over a node with a block, for its claims"
PASSED_OVER_EMPTY = "search: passed over a node without a block"
PASSED_OVER = (PASSED_OVER_CLAIMED, PASSED_OVER_EMPTY)

Claims = tuple[list[int], int, int]
"""claims by node, node_claims and global_claims of a domain."""


def claims_of(s: ModelState, domid: int) -> Claims:
    """What a domain claims. A change makes a new list, so that the old one stays as it was."""
    return s.claims[domid], s.node_claims[domid], s.global_claims[domid]


def count_redeemed(hits: Counter[str], before: Claims, s: ModelState, domid: int, node: int) -> None:
    """Which steps of redeeming took something."""
    claims, node_claims, global_claims = before
    from_node = claims[node] - s.claims[domid][node]
    from_nodes = node_claims - s.node_claims[domid]
    steps = (from_node > 0) + 2 * (global_claims > s.global_claims[domid]) + 4 * (from_nodes > from_node)
    hits[REDEEMED[steps]] += 1


def count_recalled(hits: Counter[str], before: tuple[list[int], list[int]], s: ModelState) -> None:
    """From how many domains something was recalled; ``before``: all domains' node_claims and global_claims."""
    node_claims, global_claims = before
    of_node = _fewer(node_claims, s.node_claims)
    of_host = _fewer(global_claims, s.global_claims)
    if of_node:
        hits[RECALLED_NODE if of_node == 1 else RECALLED_NODE_OF_SEVERAL] += 1
    if of_host:
        hits[RECALLED_HOST if of_host == 1 else RECALLED_HOST_OF_SEVERAL] += 1
    if not of_node and not of_host:
        hits[RECALLED_NOTHING] += 1


def _fewer(before: list[int], after: list[int]) -> int:
    return 0 if before is after else sum(old != new for old, new in zip(before, after, strict=True))


def kind_of_search(domid: int | None, requested: int | None, exact: bool) -> str:
    """What was asked for."""
    if requested is not None:
        return EXACT if exact else NO_DOMAIN if domid is None else REQUESTED
    if domid is None:
        return NO_DOMAIN
    return EXACT_ANYWHERE if exact else ANYWHERE


def count_search(
    hits: Counter[str], kind: str, candidates: Sequence[int], found: int | None, affinity: frozenset[int]
) -> None:
    """Where a search ended: at ``found``, or nowhere."""
    if found is None:
        place = NOWHERE
    elif found == candidates[0]:
        place = FIRST
    else:
        place = IN_AFFINITY if found in affinity else ELSEWHERE
    hits[_SEARCHED[kind, place]] += 1
