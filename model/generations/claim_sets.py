"""The claim-set generations: several nodes and host-wide, installed in one step."""

from dataclasses import replace

from model.generations.generation import Generation, transitions_without
from model.generations.legacy import CRASHES, ORPHANED_ON_NODE, REDEMPTION_CRASHES, SINGLE
from model.generations.parts import HARDENING, changed
from model.interfaces import SETS, SETS_WITH_MODES
from model.rules import Rules, host_permits_either, recall_nothing

CLAIM_SETS = Generation(
    Rules(
        "claim-sets",
        "2026-04: sets of claims on nodes and the host, redeemed in the allocator, recalled",
        interface=SETS,
    ),
    transitions_without("release_claims", *SINGLE, *CRASHES, *REDEMPTION_CRASHES, *ORPHANED_ON_NODE),
    conditional={
        "host-backed": ("legacy-check-in-lock",),
        "aggregates-agree.host": ("legacy-check-in-lock",),
        "entitlement": ("limit-not-lowered", "no-claim-in-flight", "requests-within-limit"),
        "entitlement-without-limbo": ("limit-not-lowered", "no-claim-in-flight"),
        "limbo-within-limit": ("limit-not-lowered", "requests-within-limit"),
        "no-claims-lost": ("limit-not-lowered", "requests-within-limit", "stash-not-dropped"),
        "claims-fulfilled.granted-on-node": ("legacy-check-in-lock",),
        "claims-fulfilled.granted": ("legacy-check-in-lock",),
        "claims-fulfilled.delivered": ("limit-not-lowered", "no-claim-in-flight"),
        "dead-hold-nothing": ("legacy-check-in-lock",),
        "claims-protected.backed": ("legacy-check-in-lock",),
        "atomic-install.own-claims-credited": ("legacy-check-in-lock",),
        "recall-minimal": ("legacy-check-in-lock",),
        "offline-mark-kept": ("limbo-not-marked",),
        "no-wrap.intermediate": ("legacy-check-in-lock",),
        "legacy-compatible.host-wide": ("legacy-check-in-lock",),
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
        interface=SETS_WITH_MODES,
        keeps_total=True,
        folds_legacy=True,
        counter_type="uint64",
    ),
    follows=("claim-sets",),
)

V7 = replace(
    V3,
    rules=replace(
        V3.rules,
        name="claim-sets-v7",
        summary="2026-05, as posted: the host check does not mix, no check of 32 bits, empty sets release first",
        host_permits=host_permits_either,
        checks_sum=False,
        releases_before_limits=True,
        legacy_compares_signed=True,
    ),
    follows=("claim-sets-v3",),
)

_HARDENED = changed(CLAIM_SETS, HARDENING)
HARDENED = replace(
    _HARDENED,
    rules=replace(
        _HARDENED.rules,
        name="claim-sets-hardened",
        summary="claim sets with the smallest changes that make what fails there hold: charged at allocation",
    ),
    invariants=(
        *_HARDENED.invariants,
        "host-backed",
        "aggregates-agree.host",
        "dead-hold-nothing",
        "limbo-within-limit",
        "charged-within-limit",
        "entitlement",
        "entitlement-without-limbo.pages-and-claims",
        "entitlement-without-limbo.claimants",
    ),
)
