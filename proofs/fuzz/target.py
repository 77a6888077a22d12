"""What the reference is held against, as a campaign sees it: it tries a seed, shrinks a failure, tells a finding."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from proofs.operations import Event, Events2
from proofs.traces.events import HostShape

from .checker import EVERYTHING, Failure
from .finding import header_of, lines, pytest_of, recorded
from .known import Known
from .model_calls import compiler
from .rerun import as_steps, do
from .smallest import Ways, smallest
from .trial import Trial, random_trial, trial

if TYPE_CHECKING:
    AnyEvent = Event
else:  # a journal is read back: each event is known by its name
    AnyEvent = Events2


class FailingTrace(Struct, frozen=True):
    """A failing trace."""

    host: HostShape
    events: list[AnyEvent]
    failure: Failure
    seed: int


class Told(Struct, frozen=True):
    """A finding as it is stored."""

    trace: str
    test: str


class Target(Protocol):
    """One side of a comparison with the reference."""

    def trial(self, seed: int, wanted: Mapping[str, float]) -> Trial:
        """The random trace of a seed, up to its first failure."""

    def hits(self) -> Counter[str]:
        """The outcome classes counted since the last time."""

    def shrunk(self, found: FailingTrace) -> FailingTrace | None:
        """The smallest trace with that failure; none if it is not seen again."""

    def told(self, found: FailingTrace) -> Told:
        """The finding for others."""


class Model:
    """The model of a semantics, evaluated beside the reference."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._compiler = compiler(known.semantics)
        self._compiler.take_hits()

    def trial(self, seed: int, wanted: Mapping[str, float]) -> Trial:
        """See :class:`Target`."""
        return random_trial(self._known, seed, wanted)

    def hits(self) -> Counter[str]:
        """See :class:`Target`."""
        return self._compiler.take_hits()

    def shrunk(self, found: FailingTrace) -> FailingTrace | None:
        """See :class:`Target`."""
        known = self._known
        steps = as_steps(found.host, found.events, known)
        at_once = do(found.host, steps, known)
        # What is seen at once is shrunk much faster than what only a comparison of everything sees.
        every = EVERYTHING if at_once is not None and at_once.failure is not None else 1
        ways = Ways(
            lambda host, steps: do(host, steps, known, every),
            lambda seed, draw, host, plan: trial(known, seed, draw, host, plan),
            lambda host, events: as_steps(host, events, known),
        )
        small = smallest(found.host, found.events, ways)
        return None if small is None else FailingTrace(small.host, small.events, small.failure, found.seed)

    def told(self, found: FailingTrace) -> Told:
        """The trace is what the reference does: it differs from the model in the last event."""
        header = header_of(found.host, found.failure, found.seed)
        events = recorded(found.host, found.events, found.failure.semantics)
        return Told(lines(header, events).decode(), pytest_of(header, found.events, found.failure))
