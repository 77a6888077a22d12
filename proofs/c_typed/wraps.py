"""A replay that tells wraps from divergences: where only C's numbers give what was recorded, it continues on them."""

from __future__ import annotations

from model.c_code.allocating import LOW_MEMORY_ALARM
from proofs.c_typed.cint import NOTES
from proofs.c_typed.replay import CTypedReplay, wraps_of
from proofs.c_typed.runs import noting
from proofs.operations import Event
from proofs.replay.replay import Replay, TraceResult
from proofs.traces import Trace, TraceError
from reference.status import MisuseError


class ReplayWithWraps(Replay):
    """One trace of a file. It is done on the reference and, from where that differs and C's numbers do not, on those.

    The values by which C leads elsewhere are noted: those of comparisons that the reference itself states as C does
    them, and from the first difference on every one but the low-memory alarm's, which nothing observes.
    """

    trace: Trace
    _in_c: CTypedReplay | None = None

    def run(self) -> None:
        """Replay every event up to the first difference that C's numbers do not explain."""
        NOTES.clear()
        with noting():
            super().run()

    def compare(self, event: Event) -> None:
        """As ever, or on C's numbers."""
        if self._in_c is not None:
            self._in_c.compare(event)
            return
        number = self.result.events
        super().compare(event)
        if self.result.divergence is not None:
            self._in_c = self._on_c_numbers()
        elif NOTES:
            self.result.wraps += wraps_of(NOTES, self.trace, number, event.op)
            NOTES.clear()

    def _on_c_numbers(self) -> CTypedReplay | None:
        """The trace so far on C's numbers; none if these do not give what was recorded either."""
        result, found = self.result, self.result.divergence
        assert found is not None
        in_c = CTypedReplay(
            self.trace, TraceResult(result.first_line, result.seed), unbounded=False, leave_out=LOW_MEMORY_ALARM
        )
        try:
            for event in self.trace.read_so_far():
                in_c.compare(event)
                if in_c.result.divergence is not None:
                    return None
        except (MisuseError, TraceError):  # it cannot be done on these numbers: no explanation of the difference
            return None
        at = result.events - 1
        result.wraps += [wrap for wrap in in_c.result.wraps if wrap.event == at]
        result.comparisons, result.not_observed = in_c.result.comparisons, in_c.result.not_observed
        result.parted = (
            f"event {at} {found.op}: {found.field} is {found.expected} on unbounded numbers, {found.observed} in C"
        )
        result.divergence = None
        in_c.result = result
        return in_c

    def end(self, *, compare_expected: bool = True) -> None:
        """On C's numbers no properties are checked."""
        if self._in_c is None:
            super().end(compare_expected=compare_expected)
