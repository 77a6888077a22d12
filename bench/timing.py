"""Timing on a machine that others use too: many rounds, subject and baseline in turn, so that noise hits both.

What runs in this process is timed by what it takes of a processor: waiting for a busy one is not the code's cost.

pytest-benchmark times one function after the other and cannot do that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import median
from time import process_time


class Times:
    """Seconds of each round."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    @property
    def best(self) -> float:
        return min(self.seconds)

    @property
    def median(self) -> float:
        return median(self.seconds)

    def over(self, baseline: Times) -> float:
        """How many times as long as the baseline: the median of the rounds' ratios."""
        return median(own / base for own, base in zip(self.seconds, baseline.seconds, strict=True))


def in_turn(
    subjects: Mapping[str, Callable[[], object]],
    rounds: int,
    *,
    before: Mapping[str, Callable[[], object]] | None = None,
    clock: Callable[[], float] = process_time,
) -> dict[str, Times]:
    """Time each subject once a round, after one round that does not count.

    :param before: called, untimed, before the subject of that name
    :param clock: another one than processor time, for what runs in other processes
    """
    times = {name: Times() for name in subjects}
    for counts in [False] + [True] * rounds:
        for name, subject in subjects.items():
            if before and name in before:
                before[name]()
            start = clock()
            subject()
            taken = clock() - start
            if counts:
                times[name].seconds.append(taken)
    return times
