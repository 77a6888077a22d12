"""An outside program as the other side: it does what the reference did, and every observation is compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress

from proofs.adapters import Outside, OutsideFailure
from proofs.adapters.against import Against, replay_against
from proofs.adapters.made import GeneratedTrace
from proofs.operations import Boot, Continue, Event
from proofs.operations.draw import Draw
from proofs.replay import TraceResult
from proofs.traces import Header
from proofs.traces.events import HostShape

from .checker import Failure
from .finding import decode, lines, program_test_of
from .generators.plan import TracePlan
from .known import Known
from .model_calls import compiler
from .offered import Offered, offered_by
from .rerun import Redone, as_steps, do
from .smallest import Ways, smallest
from .steps import Steps
from .target import FailingTrace, Told
from .trial import Trial, random_trial, trial

SHRINKING = 60.0
"""Seconds for one finding: a program that hangs takes its time for every trace."""


class Program:
    """The program of a command. It is kept for many traces, and started anew after a failure."""

    def __init__(
        self,
        known: Known,
        command: str,
        step_limit: float,
        start_limit: float,
        shrinking: float | None = SHRINKING,
    ) -> None:
        """``shrinking``: seconds for one finding; none: as long as it takes, so that it repeats exactly."""
        self._known = known
        self._command = command
        self._shrinking = shrinking
        self._outside = Outside(command, step_limit=step_limit, start_limit=start_limit)
        self._compiler = compiler(known.semantics)
        self._compiler.take_hits()

    def trial(self, seed: int, wanted: Mapping[str, float]) -> Trial:
        """The trace is made, and checked against the model, on the reference; then the program does it.

        :raises OutsideFailure: the program cannot be used at all
        """
        return self._asked(random_trial(self._known, seed, wanted, self._offered))

    @property
    def _offered(self) -> Offered:
        return offered_by(self._outside.hello)

    def hits(self) -> Counter[str]:
        """Of the reference: the program's are not known."""
        return self._compiler.take_hits()

    def shrunk(self, found: FailingTrace) -> FailingTrace | None:
        """See :class:`~proofs.fuzz.target.Target`."""
        self._outside.keep = True  # most programs begin each trace anew, and need not be started for it
        try:
            small = self._smallest(found)
        finally:
            self._outside.keep = False
            self._outside.kill()
        if small is None or not self._seen_again(small):
            small = self._smallest(found)
        return small

    def _smallest(self, found: FailingTrace) -> FailingTrace | None:
        ways = Ways(self._redo, self._attempt, self._steps, self._shrinking)
        small = smallest(found.host, found.events, ways)
        return None if small is None else FailingTrace(small.host, small.events, small.failure, found.seed)

    def _steps(self, host: HostShape, events: Sequence[Event]) -> Steps:
        return as_steps(host, events, self._known)

    def _seen_again(self, found: FailingTrace) -> bool:
        """Of a program that has just been started."""
        redone = self._redo(found.host, self._steps(found.host, found.events))
        return redone is not None and redone.failure is not None and redone.failure.symptom == found.failure.symptom

    def told(self, found: FailingTrace) -> Told:
        """The trace is what the program did: a replay on the reference diverges where it did."""
        source = f"claimcheck fuzz --against: {found.failure}"
        header = Header(self._offered.format, self._known.semantics, source, found.host, found.seed)
        done = self._compared(found.host, found.events).done()
        test = program_test_of(header, found.events, found.failure, self._command)
        return Told(lines(header, done).decode(), test)

    def close(self) -> None:
        """End the program."""
        with suppress(OutsideFailure):  # it has nothing to do any more
            self._outside.stop()

    def _compared(self, host: HostShape, events: Sequence[Event]) -> Against:
        header = Header(self._offered.format, self._known.semantics, "claimcheck fuzz", host)
        return replay_against(GeneratedTrace(header, [Boot(), *events]), self._outside, check_properties=False)

    def _asked(self, made: Trial) -> Trial:
        """What the program made of a trace. That the reference and the model differ goes first."""
        if made.failure is not None:
            return made
        result = self._compared(made.host, made.events).result
        made.failure = self._failure(result, made.events)
        made.not_applicable = result.not_applicable
        return made

    def _failure(self, result: TraceResult, events: Sequence[Event]) -> Failure | None:
        divergence = result.divergence
        if divergence is None:
            return None
        field = divergence.field.removeprefix("state.")
        detail = f"expected {divergence.expected}, observed {divergence.observed}"
        return Failure(self._known.semantics, _operation(events, divergence.event), field, detail)

    def _redo(self, host: HostShape, steps: Steps) -> Redone | None:
        redone = do(host, steps, self._known)
        if redone is None or redone.failure is not None:
            return redone
        result = self._compared(host, redone.events).result
        redone.failure = self._failure(result, redone.events)
        if result.divergence is not None:  # what comes behind it is not needed
            redone.events = redone.events[: result.divergence.event]
            redone.steps = Steps(redone.steps.steps[: result.divergence.event])
        return redone

    def _attempt(self, seed: int, draw: Draw, host: HostShape, plan: TracePlan) -> Trial:
        plan.offered = self._offered
        return self._asked(trial(self._known, seed, draw, host, plan))


def _operation(events: Sequence[Event], number: int) -> str:
    """The operation of an event of the trace, boot being 0: of a ``continue``, the one that it goes on with."""
    if not 0 < number <= len(events):
        return "end"
    event = events[number - 1]
    if isinstance(event, Continue):
        for before in reversed(events[: number - 1]):
            if before.builder == event.builder and not isinstance(before, Continue):
                return before.op
    return event.op


def usable(command: str, semantics: Sequence[str], step_limit: float, start_limit: float) -> Offered:
    """What the program can be asked.

    :raises OutsideFailure: it cannot be used at all
    :raises ValueError: it does not have one of the semantics, or creates no domains
    """
    with Outside(command, step_limit=step_limit, start_limit=start_limit) as outside:
        hello = outside.hello
        for name in semantics:
            if name not in hello.semantics:
                raise ValueError(f"the program has no generation {name}; it has: {', '.join(hello.semantics)}")
        if "create_domain" not in hello.operations:
            raise ValueError("the program has no operation create_domain")
        return offered_by(hello)


def divergence_of(command: str, text: str) -> str | None:
    """What a program does otherwise than the reference in a trace: for the tests that a finding brings along."""
    header, events = decode(text)
    with Outside(command) as outside:
        redone = do(header.host, as_steps(header.host, events, _nothing_known(header)), _nothing_known(header))
        assert redone is not None
        replayed = replay_against(GeneratedTrace(header, [Boot(), *redone.events]), outside, check_properties=False)
        result = replayed.result
    return None if result.divergence is None else str(result.divergence)


def _nothing_known(header: Header) -> Known:
    return Known(header.semantics, [], {})
