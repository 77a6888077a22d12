"""Finds a small trace with the same failure: by reductions, and by trying short random traces.

A trace that no reduction makes smaller may still be longer than necessary. So short random traces of the same
operations on the smallest hosts are tried, too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from random import Random

from msgspec import Struct

from proofs.operations import OPERATIONS, Event
from proofs.operations.draw import Draw
from proofs.traces.events import HostShape

from .checker import Failure
from .generators.plan import TracePlan
from .rerun import RerunResult
from .shrink import ShrunkTrace, shrink
from .steps import Steps
from .trial import Trial

_FIRST_TRIALS, _LONG = 200, 30
_TINY_TRIALS = 1500
_MOST_IN_VAIN = 8
"""The search ends after this many short failing traces that do not become smaller than the best one."""
_SHORT = 3
"""A trace of at most this many events is small enough."""


class TrialFunctions(Struct, frozen=True):
    """The functions that run traces, and the time limit."""

    redo: Callable[[HostShape, Steps], RerunResult | None]
    attempt: Callable[[int, Draw, HostShape, TracePlan], Trial]
    as_steps: Callable[[HostShape, Sequence[Event]], Steps]
    seconds: float | None = None
    """Seconds after which the search for a smaller trace ends; None: no limit, so that it repeats exactly."""


def smallest(host: HostShape, events: Sequence[Event], failure: Failure, ways: TrialFunctions) -> ShrunkTrace | None:
    """The smallest trace found with that failure; None: the trace does not fail so any more."""
    search = _SmallestSearch(ways, failure)
    first = ways.redo(host, ways.as_steps(host, events))
    return None if first is None or not search.is_same(first.failure) else search.of(host, first.events)


class _SmallestSearch:
    def __init__(self, ways: TrialFunctions, failure: Failure) -> None:
        self._ways = ways
        self._failure = failure
        self._ends = None if ways.seconds is None else time.monotonic() + ways.seconds

    def of(self, host: HostShape, events: Sequence[Event]) -> ShrunkTrace:
        """The smallest trace found, from one that fails."""
        begin = next(self._tiny(events, _LONG, _FIRST_TRIALS), None)
        best = None if begin is None else self._reduced(begin.host, begin.events)
        best = best or self._reduced(host, events) or ShrunkTrace(host, list(events), self._failure, 0)
        in_vain = 0
        for one in self._tiny(best.events, len(best.events) + 4, _TINY_TRIALS):
            if len(best.events) <= _SHORT or in_vain == _MOST_IN_VAIN:
                break
            other = self._reduced(one.host, one.events)
            in_vain += 1
            if other is not None and _size(other) < _size(best):
                best, in_vain = other, 0
        return best

    def _over(self) -> bool:
        return self._ends is not None and time.monotonic() >= self._ends

    def is_same(self, failure: Failure | None) -> bool:
        """Whether it is the failure whose trace is made smaller."""
        return failure is not None and failure.symptom == self._failure.symptom

    def _reduced(self, host: HostShape, events: Sequence[Event]) -> ShrunkTrace | None:
        """The reduced trace; None: it does not fail so again, or time is over."""
        try:
            return shrink(host, self._ways.as_steps(host, events), self._redo)
        except ValueError:
            return None

    def _redo(self, host: HostShape, steps: Steps) -> RerunResult | None:
        redone = None if self._over() else self._ways.redo(host, steps)
        return redone if redone is not None and self.is_same(redone.failure) else None

    def _tiny(self, of: Sequence[Event], length: int, tries: int) -> Iterator[Trial]:
        """Failing random traces of the operations of the given trace, on one or two nodes of a few pages."""
        names = dict.fromkeys(event.op for event in of)
        weighted = [(OPERATIONS[name], 1.0) for name in names if name in OPERATIONS]
        for seed in range(tries if weighted else 0):
            if self._over():
                return
            draw = Draw(Random(seed))
            host = HostShape(4, [1 + draw.below(3) for _ in range(1 + draw.below(2))], last_alloc_node=0)
            tried = self._ways.attempt(seed, draw, host, TracePlan(weighted, length, 0.02, draw.pick((0.0, 0.9))))
            if self.is_same(tried.failure):
                yield tried


def _size(found: ShrunkTrace) -> tuple[int, int, int]:
    return len(found.events), len(found.host.nodes), sum(found.host.nodes)
