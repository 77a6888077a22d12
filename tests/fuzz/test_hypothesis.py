"""The generators of `claimcheck fuzz` under Hypothesis: its shrinking and its database, for CI."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test

from proofs.fuzz.generators import operations_of
from proofs.fuzz.generators.plan import TracePlan
from proofs.fuzz.hosts import draw_host
from proofs.fuzz.known import GenerationFacts
from proofs.fuzz.trial import Trial, trial
from proofs.operations.draw import Draw
from reference.generations import GENERATIONS
from tests.fuzz.spoiled import spoil
from tests.fuzz.state_machine import RANDOMS, machine_of

FEW = settings(max_examples=15, suppress_health_check=list(HealthCheck), deadline=None)


@st.composite
def trials(draw: st.DrawFn, semantics: str, length: int = 12) -> Trial:
    """A short trace, made and checked; Hypothesis knows every random number in it."""
    source = Draw(draw(RANDOMS))
    weighted = [(kind, kind.weight) for kind in operations_of(GENERATIONS[semantics])]
    plan = TracePlan(weighted, length, 0.1, source.pick((0.0, 0.5, 0.9)), domids=source.domids())
    return trial(GenerationFacts(semantics, [], {}), 0, source, draw_host(source), plan)


@pytest.mark.parametrize("semantics", ["claim-sets", "per-node-v8"])
def test_the_reference_and_the_model_agree(semantics: str) -> None:
    @FEW
    @given(trials(semantics))
    def agree(made: Trial) -> None:
        assert made.failure is None, made.failure

    agree()


@pytest.mark.long
def test_hypothesis_finds_and_shrinks_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    spoil("own-claims-not-credited", monkeypatch.setattr)
    smallest: list[Trial] = []

    @settings(FEW, max_examples=400, database=None)
    @given(trials("claim-sets"))
    def agree(made: Trial) -> None:
        if made.failure is not None:
            smallest.append(made)
        assert made.failure is None, made.failure

    with pytest.raises(AssertionError, match=r"install_claim_set|claim_memory"):
        agree()
    assert len(smallest[-1].events) <= min(6, len(smallest[0].events))


def test_the_state_machine_runs_clean() -> None:
    checked = [0]
    run_state_machine_as_test(
        machine_of(GenerationFacts("claim-sets", [], {}), checked), settings=settings(FEW, stateful_step_count=20)
    )
    assert checked[0] > 100


@pytest.mark.long
def test_the_state_machine_finds_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    spoil("offline-not-counted", monkeypatch.setattr)
    with pytest.raises(AssertionError, match="offline_page: total_avail_pages"):
        run_state_machine_as_test(
            machine_of(GenerationFacts("claim-sets", [], {})), settings=settings(FEW, max_examples=100, database=None)
        )
