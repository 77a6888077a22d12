"""The claim-set generations: several nodes and host-wide, installed in one step."""

from dataclasses import replace

from model.generations.generation import Semantics, transitions_without
from model.generations.legacy import CRASHES, SINGLE
from model.rules import Rules, recall_nothing

CLAIM_SETS = Semantics(
    Rules("claim-sets", "2026-04: sets of claims on nodes and the host, redeemed in the allocator, recalled"),
    transitions_without("release_claims", *SINGLE, *CRASHES),
    conditional={
        "entitlement": ("limit-not-lowered", "no-claim-in-flight", "requests-within-limit"),
        "entitlement-without-limbo": ("limit-not-lowered", "no-claim-in-flight"),
        "dead-hold-nothing": ("legacy-check-in-lock",),
    },
    follows=("claim-sets-no-recall",),
)

NO_RECALL = replace(
    CLAIM_SETS,
    rules=replace(
        CLAIM_SETS.rules,
        name="claim-sets-no-recall",
        summary="2026-04, before recall: offlining leaves the claims as they are",
        recall=recall_nothing,
    ),
    follows=("single-node-v4",),
)

V3 = replace(
    CLAIM_SETS,
    rules=replace(
        CLAIM_SETS.rules,
        name="claim-sets-v3",
        summary="2026-05: the same rules; outstanding_pages is the domain's total, and global_claims derived from it",
        keeps_total=True,
        folds_legacy=True,
    ),
    follows=("claim-sets",),
)

HARDENED = replace(
    CLAIM_SETS,
    rules=replace(
        CLAIM_SETS.rules,
        name="claim-sets-hardened",
        summary="claim sets with the smallest changes that make what fails there hold: charged at allocation",
        charges_at_alloc=True,
        checks_dying_in_lock=True,
    ),
    conditional={},
    follows=("claim-sets",),
)
