"""A replay on the reference with C's numbers: `claimcheck replay --c-types`."""

from __future__ import annotations

from msgspec import UNSET

from proofs.c_typed.cint import NOTES, CInt
from proofs.c_typed.runs import Run, arithmetic, as_c, parting, plain
from proofs.replay.execution import Execution
from proofs.replay.observe import differences, observe
from proofs.replay.operations import Outcome
from proofs.replay.replay import Recording, Replay, TraceResult
from proofs.traces.events import Event
from reference.status import MisuseError


class CTypedReplay(Replay):
    """One trace on a host that computes as C does. Beside it one with unbounded numbers, until the two part."""

    def __init__(self, trace: Recording, result: TraceResult) -> None:
        super().__init__(trace, result, check_locks=False, check_properties=False)
        as_c(self.host)
        self.execution = Execution(self.host)
        self._exact: Run | None = Run(trace.header.semantics, trace.header.host, c_types=False)

    def compare(self, event: Event) -> None:
        """As ever; and what left its type is noted, and the first difference from unbounded numbers."""
        NOTES.clear()
        number = self.result.events
        with arithmetic(c_types=True):
            super().compare(event)
        self.result.wrapped += [f"event {number} {event.op}: {note}" for note in NOTES]
        if self._exact is not None:
            self._look_beside(number, event)

    def _look_beside(self, number: int, event: Event) -> None:
        assert self._exact is not None
        try:
            exact = self._exact.do(event)
        except MisuseError as error:
            self.result.parted, self._exact = f"event {number} {event.op}: unbounded, it cannot be done: {error}", None
            return
        found = parting(number, event, exact, self._seen(event))
        if found is not None:
            self.result.parted, self._exact = str(found), None

    def _seen(self, event: Event):  # type: ignore[no-untyped-def]
        from proofs.c_typed.runs import Seen

        outcome = {name: getattr(event, name) for name in event.observed if getattr(event, name) is not UNSET}
        crash = "" if event.crash is UNSET else event.crash
        return Seen(outcome, None if crash else plain(observe(self.host)), crash, [])

    def _compare_outcome(self, event: Event, outcome: Outcome) -> None:
        if event.crash is not UNSET:
            self.diverged(event, "crash", "no crash", event.crash)
            return
        for field in event.observed:
            expected = outcome.get(field, UNSET)
            if getattr(event, field) != (int(expected) if isinstance(expected, CInt) else expected):
                self.diverged(event, field, expected, getattr(event, field))
                return
        self.result.comparisons += len(outcome)
        self.check_shape(event.state)  # type: ignore[arg-type]  # no crash: it has a state
        for field, expected, observed in differences(plain(observe(self.host)), event.state):  # type: ignore[arg-type]  # likewise
            self.diverged(event, field, expected, observed)
            return
        self.result.comparisons += self._numbers(event.state)  # type: ignore[arg-type]  # likewise
