"""Checked steps a second of `claimcheck fuzz`, by generation, over a Hypothesis state machine with the same checks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from proofs.fuzz.known import GenerationFacts
from proofs.fuzz.shard import run_shard
from proofs.fuzz.target import Model
from tests.fuzz.state_machine import machine_of

from .effort import Effort
from .report import Section, Target, rate
from .timing import in_turn

WANTED, WANTED_RATIO = 30_000, 20
JUDGED = "claim-sets"
BASELINE = "Hypothesis state machine (baseline)"


class Shards:
    """Shards of a campaign, one after the other; what they count is kept of the last."""

    def __init__(self, known: GenerationFacts, steps: int) -> None:
        self._known, self._target, self._wanted = known, Model(known), steps
        self._next = 0
        self.steps: list[int] = []

    def __call__(self) -> None:
        result = run_shard(self._target, self._known, 0, self._next, self._wanted)
        if result.found:
            raise ValueError(str(result.found[0].failure))
        self._next += 1
        self.steps.append(result.steps)


class StateMachine:
    """A run of the Hypothesis state machine of a generation, without a database."""

    def __init__(self, known: GenerationFacts, examples: int) -> None:
        self._counts = [0]
        self._machine = machine_of(known, self._counts)
        quick = list(HealthCheck)
        self._settings = settings(max_examples=examples, database=None, deadline=None, suppress_health_check=quick)
        self.steps: list[int] = []

    def __call__(self) -> None:
        before = self._counts[0]
        run_state_machine_as_test(self._machine, settings=self._settings)
        self.steps.append(self._counts[0] - before)


def measure(effort: Effort) -> Section:
    """All generations in turn, and the state machine of claim sets."""
    subjects: dict[str, Shards | StateMachine] = {
        BASELINE: StateMachine(_unproved(JUDGED), max(1, effort.fuzz_steps // 100))
    }
    subjects |= {f"`{name}`": Shards(_unproved(name), effort.fuzz_steps) for name in effort.fuzz_generations}
    called: dict[str, Callable[[], object]] = {name: partial(subject) for name, subject in subjects.items()}
    times = in_turn(called, effort.fuzz_rounds)
    rates = {
        name: [n / s for n, s in zip(subject.steps[1:], times[name].seconds, strict=True)]
        for name, subject in subjects.items()
    }
    judged = rates[f"`{JUDGED}`"]
    ratios = sorted(own / base for own, base in zip(judged, rates[BASELINE], strict=True))
    ratio = ratios[len(ratios) // 2]
    best, wanted = max(judged), f"fuzzing `{JUDGED}`, checked steps a second and core"
    machine = _median(rates[BASELINE])
    return Section(
        title="Random differential testing",
        text=(
            "Critical sections a second and core, each done by the reference and by the compiled model, every counter\n"
            "compared and every property computed; that traces are made and classes counted is in it.\n"
            f"{effort.fuzz_rounds} rounds of {effort.fuzz_steps:,} steps, with other seeds each. The baseline is a\n"
            f"Hypothesis state machine of `{JUDGED}`, with the same generators and checks\n"
            "(`tests/fuzz/state_machine.py`)."
        ),
        header=["what", "steps a second, best", "median", "times the baseline's"],
        rows=[[name, rate(max(r)), rate(_median(r)), f"{_median(r) / machine:.0f}"] for name, r in rates.items()],
        targets=[
            Target(wanted, f"{WANTED:,}", rate(best), best >= WANTED),
            Target(
                "the same, times a Hypothesis state machine", f"{WANTED_RATIO}", f"{ratio:.0f}", ratio >= WANTED_RATIO
            ),
        ],
    )


def _unproved(semantics: str) -> GenerationFacts:
    """To prove what holds is not what is measured."""
    return GenerationFacts(semantics, [], {})


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]
