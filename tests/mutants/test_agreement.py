"""Every transition is possible exactly where its call succeeds, and leaves the same counters."""

import pytest

from model.named import GENERATIONS
from proofs.prover.verdict import Verdict
from tests.mutants.agreement import disagreement

PLAIN = ("claim-sets", "per-node-v8", "single-node-v4", "legacy-2013")
STANDS_BESIDE_NO_CALL = {
    "free_anonymous_pages",
    "free_marked_stash_page",
    "redemption_crashes",
    # Of a destroyed domain transitions have the sum of its claims, and calls have the domain's own counters.
    "alloc_for_destroyed",
    "claim_for_destroyed",
    "claim_on_node_for_destroyed",
    "release_for_destroyed",
}


@pytest.mark.parametrize(
    "semantics", [s if s in PLAIN else pytest.param(s, marks=pytest.mark.long) for s in GENERATIONS]
)
def test_transitions_and_calls_agree(semantics: str) -> None:
    rules = GENERATIONS[semantics]
    found = {t: disagreement(semantics, list(rules.invariants[2:]), t)[0] for t in rules.transitions}
    assert {t for t, verdict in found.items() if verdict is Verdict.NOT_APPLICABLE} <= STANDS_BESIDE_NO_CALL
    assert {t: v for t, v in found.items() if v not in (Verdict.PROVED, Verdict.NOT_APPLICABLE)} == {}
