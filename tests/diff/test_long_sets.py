"""Claim sets longer than those of the usual sizes: known but for the last three entries, on any counters."""

from __future__ import annotations

import pytest

from proofs.diff.run import Space, row
from proofs.diff.world import Size
from proofs.mistakes.planted import planted
from proofs.prover.verdict import Verdict
from tests.sampled import sampled

GENERATIONS = ("claim-sets", "claim-sets-v7", "per-node-v8")


@pytest.mark.parametrize("semantics", sampled(GENERATIONS, 3))
def test_model_matches_at_the_end_of_a_set_of_12_entries(semantics: str) -> None:
    found = row(Space(Size(10, 1)), semantics, "install_claim_set")
    assert (found.verdict, found.plans) == (Verdict.PROVED, 1)


@pytest.mark.long
@pytest.mark.parametrize("semantics", GENERATIONS)
def test_model_matches_at_the_end_of_a_set_of_66_entries(semantics: str) -> None:
    assert row(Space(Size(64, 1)), semantics, "install_claim_set").verdict is Verdict.PROVED


@pytest.mark.parametrize(
    "mistake",
    [
        "room-unchecked-from-the-sixth-entry",
        pytest.param("duplicate-unseen-after-six-entries", marks=pytest.mark.long),
        pytest.param("sum-stops-after-eight-entries", marks=pytest.mark.long),
    ],
)
def test_mistake_near_the_end_of_a_set_is_found(mistake: str) -> None:
    with planted(mistake):
        assert row(Space(Size(10, 1)), "claim-sets", "install_claim_set").verdict is Verdict.REFUTED
