"""A replay on the reference with C's numbers: `claimcheck replay --c-types`."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import UNSET

from proofs.c_typed.cint import NOTES, WrappedValue
from proofs.c_typed.runs import CTypedRun, EventOutcome, arithmetic, as_c, as_integers, parting, plain
from proofs.operations import Event, Outcome
from proofs.replay.observe import differences, observe
from proofs.replay.replay import Recording, Replay, TraceResult, Wrap
from reference.status import MisuseError


def wraps_of(notes: Iterable[WrappedValue], trace: Recording, number: int, op: str) -> list[Wrap]:
    """What was noted at the event that was read last."""
    return [Wrap(trace.line, trace.header.seed, number, op, *note) for note in notes]


class CTypedReplay(Replay):
    """One trace on a host that computes as C does; alongside it one with unbounded numbers, until the two part."""

    def __init__(
        self, trace: Recording, result: TraceResult, *, unbounded: bool = True, leave_out: str | None = None
    ) -> None:
        """:param unbounded: also run the trace on unbounded numbers
        :param leave_out: an expression that is not noted
        """
        super().__init__(trace, result, check_locks=False, check_properties=False)
        as_c(self.host)
        header = trace.header
        self._exact: CTypedRun | None = CTypedRun(header.semantics, header.host, c_types=False) if unbounded else None
        self._leave_out = leave_out
        self._outcome: Outcome = {}
        """What came of the event that was done last."""

    def compare(self, event: Event) -> None:
        """As ever; and what left its type is noted, and the first difference from unbounded numbers."""
        NOTES.clear()
        number = self.result.events
        with arithmetic(c_types=True):
            super().compare(event)
        noted = [note for note in NOTES if note.expression != self._leave_out]
        self.result.wraps += wraps_of(noted, self.trace, number, event.op)
        if self.result.divergence is not None:
            self._exact = None  # what is observed is not what C's numbers give
        if self._exact is not None:
            self._look_beside(number, event)

    def _look_beside(self, number: int, event: Event) -> None:
        assert self._exact is not None
        try:
            exact = self._exact.do(event)
        except MisuseError as error:
            self.result.parted, self._exact = f"event {number} {event.op}: unbounded, it cannot be done: {error}", None
            return
        crash = "" if event.crash is UNSET else event.crash
        state = None if crash else plain(observe(self.host))
        found = parting(number, event, exact, EventOutcome(self._outcome, state, crash, []))
        if found is not None:
            self.result.parted, self._exact = str(found), None

    def _compare_outcome(self, event: Event, outcome: Outcome) -> None:
        if event.crash is not UNSET:
            self.diverged(event, "crash", "no crash", event.crash)
            return
        self._outcome = as_integers(outcome)
        if not self.compare_fields(event, self._outcome):
            return
        here, state = plain(observe(self.host)), event.state
        if state is UNSET:
            self.compare_partly(event, here)
            return
        self.check_shape(state)
        for field, expected, observed in differences(here, state):
            self.diverged(event, field, expected, observed)
            return
        self.result.comparisons += self.numbers(state)
