"""Many runs together: the mean of each measure, with the interval in which a second set of runs would have it."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from statistics import fmean

from msgspec import Struct

from proofs.simulate.run import RunOutcome

RESAMPLES = 1000
CONFIDENCE = 0.95


class Measure(Struct, frozen=True):
    """The mean over the seeds, and its 95 % confidence interval."""

    mean: float
    low: float
    high: float


class ScenarioResult(Struct, frozen=True):
    """One scenario under one policy."""

    scenario: str
    policy: str
    runs: int
    measures: dict[str, Measure]
    broken: list[str]
    """What the state checker found broken after any of the runs."""
    crashes: int


def measure(values: Sequence[float]) -> Measure:
    """Mean and percentile bootstrap; the same values give the same interval."""
    rng = Random(len(values))
    means = sorted(fmean(rng.choices(values, k=len(values))) for _ in range(RESAMPLES))
    tail = int(RESAMPLES * (1 - CONFIDENCE) / 2)
    return Measure(fmean(values), means[tail], means[-1 - tail])


def rows(outcomes: Sequence[RunOutcome]) -> list[ScenarioResult]:
    """One row a scenario and policy, in the order first seen."""
    groups: dict[tuple[str, str], list[RunOutcome]] = {}
    for outcome in outcomes:
        groups.setdefault((outcome.scenario, outcome.policy), []).append(outcome)
    found = []
    for (scenario, policy), group in groups.items():
        group.sort(key=lambda outcome: outcome.seed)
        names = dict.fromkeys(name for outcome in group for name in outcome.values)
        measures = {n: measure([o.values[n] for o in group if n in o.values]) for n in names}
        broken = sorted({text.partition(":")[0] for outcome in group for text in outcome.broken})
        crashes = sum(bool(outcome.crash) for outcome in group)
        found.append(ScenarioResult(scenario, policy, len(group), measures, broken, crashes))
    return found
