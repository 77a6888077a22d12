"""What a campaign compares with the reference: a target runs a seed, shrinks a failure, and describes a finding."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from proofs.operations import Event, Events2
from proofs.traces.events import HostShape

from .checker import EVERYTHING, Failure
from .finding import header_of, lines, pytest_of, recorded
from .known import GenerationFacts
from .model_calls import compiler
from .rerun import as_steps, do
from .smallest import TrialFunctions, smallest
from .trial import Trial, random_trial, trial

if TYPE_CHECKING:
    AnyEvent = Event
else:  # to read a journal, msgspec needs the types of events, found by name
    AnyEvent = Events2


class FailingTrace(Struct, frozen=True):
    """A failing trace."""

    host: HostShape
    events: list[AnyEvent]
    failure: Failure
    seed: int


class StoredFinding(Struct, frozen=True):
    """The files of a finding."""

    trace: str
    test: str


class Target(Protocol):
    """The other side of a comparison with the reference."""

    def trial(self, seed: int, wanted: Mapping[str, float]) -> Trial:
        """Run the random trace of a seed, up to its first failure."""

    def hits(self) -> Counter[str]:
        """Return and clear the counts of outcome classes."""

    def shrunk(self, found: FailingTrace) -> FailingTrace | None:
        """The smallest trace with that failure; None: it does not occur again."""

    def told(self, found: FailingTrace) -> StoredFinding:
        """The files of the finding."""


class Model:
    """The model of a generation as the target."""

    def __init__(self, known: GenerationFacts) -> None:
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
        # A failure that every section's check detects shrinks much faster than one that needs a complete comparison.
        every = EVERYTHING if at_once is not None and at_once.failure is not None else 1
        ways = TrialFunctions(
            lambda host, steps: do(host, steps, known, every),
            lambda seed, draw, host, plan: trial(known, seed, draw, host, plan),
            lambda host, events: as_steps(host, events, known),
        )
        small = smallest(found.host, found.events, found.failure, ways)
        return None if small is None else FailingTrace(small.host, small.events, small.failure, found.seed)

    def told(self, found: FailingTrace) -> StoredFinding:
        """The files of the finding: a trace with the reference's results, whose last event differs from the model."""
        header = header_of(found.host, found.failure, found.seed)
        events = recorded(found.host, found.events, found.failure.semantics)
        return StoredFinding(lines(header, events).decode(), pytest_of(header, found.events, found.failure))
