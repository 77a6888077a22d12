"""Shrinks a failing trace: fewer events, then a smaller host, then smaller numbers, until no reduction helps.

Events name pages that earlier events were given. In a shorter trace these are other pages, so a step names its pages as
"those given to that event". A step whose pages do not exist is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

from msgspec import Struct

from proofs.operations import Event
from proofs.traces.events import HostShape

from .checker import Failure
from .reductions import of_events, of_hosts, of_numbers, together
from .rerun import RerunResult
from .steps import Steps

Run = Callable[[HostShape, Steps], RerunResult | None]
"""Runs the steps; returns None if they do not fail, or fail differently."""


class ShrunkTrace(Struct):
    """The smallest trace found."""

    host: HostShape
    events: list[Event]
    failure: Failure
    tried: int


def shrink(host: HostShape, steps: Steps, run: Run, most: int = 20_000) -> ShrunkTrace:
    """Reduce while the same failure remains; ``most``: the most traces to try.

    :raises ValueError: the given steps do not fail
    """
    return _Shrinker(host, steps, run, most).shrink()


class _Shrinker:
    def __init__(self, host: HostShape, steps: Steps, run: Run, most: int) -> None:
        self._run, self._most, self._tried = run, most, 0
        self._host = host
        found = run(host, steps)
        if found is None:
            raise ValueError("cannot shrink a trace that does not fail")
        self._found = found

    def shrink(self) -> ShrunkTrace:
        changed = True
        while changed and self._tried < self._most:
            changed = self._fewer_events()
            for reductions in (of_events, of_hosts, together, of_numbers):
                changed |= self._any_of(reductions)
        assert self._found.failure is not None  # `run` returns failing steps only
        return ShrunkTrace(self._host, self._found.events, self._found.failure, self._tried)

    @property
    def _steps(self) -> Steps:
        return self._found.steps

    def _try(self, host: HostShape, steps: Steps) -> bool:
        if self._tried >= self._most:
            return False
        self._tried += 1
        found = self._run(host, steps)
        if found is None:
            return False
        self._host, self._found = host, found
        return True

    def _fewer_events(self) -> bool:
        """Leave out halves, quarters, ... single events, while the failure remains."""
        changed = False
        size = max(1, len(self._steps) // 2)
        while True:
            start, removed = 0, False
            while start < len(self._steps):
                if self._try(self._host, self._steps.without(start, start + size)):
                    removed = changed = True
                else:
                    start += size
            if size == 1 and not removed:
                return changed
            size = max(1, size // 2)

    def _any_of(self, reductions: Callable[[HostShape, Steps], Iterator[tuple[HostShape, Steps]]]) -> bool:
        """Apply each reduction that helps and skip the others, which the next round tries again."""
        changed, failed = False, 0
        while True:
            for candidate in islice(reductions(self._host, self._steps), failed, None):
                if self._try(*candidate):
                    changed = True
                    break
                failed += 1
            else:
                return changed
