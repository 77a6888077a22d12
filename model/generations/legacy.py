"""Mainline's generations: host-wide claims only; a domain's `outstanding_pages` is kept in `global_claims`."""

from dataclasses import replace

from model.encoding import Encoding
from model.generations.generation import Generation, transitions_without
from model.interfaces import AS_BEFORE_2025_12, Interface
from model.logic import Term, minimum
from model.rules import Redemption, Rules, host_permits_either, node_permits_all, recall_nothing
from model.state import State

SETS = ("claim_memory", "claim_memory_refused", "release_claims")
"""Transitions of claim sets."""
SINGLE = ("claim_on_node",)
"""Transitions of single-node claims."""
CRASHES = ("allocation_crashes", "claim_crashes")
"""Transitions of single-node-v4's own BUG_ONs."""
REDEMPTION_CRASHES = ("redemption_crashes",)
"""Mainline's BUG_ON where claims are redeemed."""
ORPHANED_ON_NODE = ("claim_on_node_for_destroyed",)
"""Where a memory op claims on a node."""
STASH = ("free_stash", "free_marked_stash_page")
"""Where populate_physmap may stash an extent."""
OUTSIDE_THE_LOCK = ("claim_pages_check",)
"""The check of is_dying before the lock; absent where is_dying is not checked."""


def redeem_host_wide(h: Encoding, s: State, domid: Term, _node: Term, pages: Term) -> Redemption:
    """Redeems the host-wide claim; there are no other claims."""
    return Redemption(h.combined([], s.claims.row(domid)), minimum(pages, s.global_claims[domid]))


REDEEM_AT_ALLOC = Generation(
    Rules(
        "legacy-redeem-at-alloc",
        "mainline from 2025-12 (4.20, 4.21): host-wide claims, redeemed in the allocator; dying domains cannot claim",
        redeem=redeem_host_wide,
        targets="host",
        host_permits=host_permits_either,
        node_permits=node_permits_all,
        recall=recall_nothing,
        bug_on_redeem=True,
    ),
    transitions_without(*SETS, *SINGLE, *CRASHES, *ORPHANED_ON_NODE, *STASH),
    follows=("legacy-redeem-at-assign",),
)

MAINLINE_422 = replace(
    REDEEM_AT_ALLOC,
    rules=replace(
        REDEEM_AT_ALLOC.rules,
        name="mainline-4.22",
        summary="mainline from 2026-02: the same, and populate_physmap may stash an extent that it is scrubbing",
        interface=Interface(stashes=True, kill_always_frees_stash=True),
        counter_type="uint64",
    ),
    transitions=transitions_without(*SETS, *SINGLE, *CRASHES, *ORPHANED_ON_NODE),
    follows=("legacy-redeem-at-alloc",),
)

REDEEM_AT_ASSIGN = Generation(
    replace(
        REDEEM_AT_ALLOC.rules,
        name="legacy-redeem-at-assign",
        summary="2025-03 to 2025-12: host-wide claims, redeemed when the pages are assigned",
        interface=AS_BEFORE_2025_12,
        redeems_at_assign=True,
        refuses_dying=False,
    ),
    transitions_without(*SETS, *SINGLE, *CRASHES, *OUTSIDE_THE_LOCK, *ORPHANED_ON_NODE, *STASH),
    follows=("legacy-2013",),
)

LEGACY_2013 = replace(
    REDEEM_AT_ASSIGN,
    rules=replace(
        REDEEM_AT_ASSIGN.rules,
        name="legacy-2013",
        summary="until 2025-03: host-wide claims, redeemed at assignment, growing back when pages are freed",
        frees_restore_claims=True,
    ),
    follows=(),
)
