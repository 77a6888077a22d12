"""Compares an outside program with the reference: it runs the same events, and every observation is compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from time import monotonic

from msgspec import UNSET
from msgspec.structs import replace

from proofs.adapters import OutsideFailure, OutsideProgram
from proofs.adapters.against import AdapterReplay, replay_against
from proofs.adapters.kinds import few_values
from proofs.adapters.made import GeneratedTrace
from proofs.operations import Boot, Continue, Event
from proofs.operations.draw import Draw
from proofs.replay import TraceResult
from proofs.traces import Header
from proofs.traces.events import HostShape

from .checker import Failure
from .finding import decode, lines, program_test_of
from .generators.plan import TracePlan
from .known import GenerationFacts
from .model_calls import compiler
from .offered import ProgramCapabilities, offered_by
from .rerun import RerunResult, as_steps, do
from .smallest import TrialFunctions, smallest
from .steps import Steps
from .target import FailingTrace, StoredFinding
from .trial import Trial, random_trial, trial

SHRINKING = 60.0
"""Seconds to shrink one finding, because a program that hangs uses its time limit for every trace."""
HANG_LIMIT = 0.5
"""Seconds for an answer while a hang is shrunk. The smallest trace must hang with the full limit, too."""


class Program:
    """The program of a command. It runs many traces, and is started again after a failure."""

    def __init__(
        self,
        known: GenerationFacts,
        command: str,
        step_limit: float,
        start_limit: float,
        shrinking: float | None = SHRINKING,
    ) -> None:
        """``shrinking``: seconds to shrink one finding; None: no limit, so that the run repeats exactly."""
        self._known = known
        self._command = command
        self._shrinking = shrinking
        self._outside = OutsideProgram(command, step_limit=step_limit, start_limit=start_limit)
        self._compiler = compiler(known.semantics)
        self._compiler.take_hits()

    def trial(self, seed: int, wanted: Mapping[str, float]) -> Trial:
        """Make a trace on the reference and check it against the model, then run it on the program.

        :raises OutsideFailure: the program cannot be used
        """
        return self._asked(random_trial(self._known, seed, wanted, self._offered))

    @property
    def _offered(self) -> ProgramCapabilities:
        return offered_by(self._outside.hello)

    def hits(self) -> Counter[str]:
        """The classes of the reference; those of the program are not known."""
        return self._compiler.take_hits()

    def shrunk(self, found: FailingTrace) -> FailingTrace | None:
        """See :class:`~proofs.fuzz.target.Target`."""
        outside, limit = self._outside, self._outside.step_limit
        ends = None if self._shrinking is None else monotonic() + self._shrinking
        for outside.restart in (False, True):  # most programs reset at each trace, and need not be started for it
            outside.kill()
            outside.keep = not outside.restart
            if found.failure.hangs:
                outside.step_limit, outside.on_hang = min(limit, HANG_LIMIT), None
            try:
                small = self._smallest(found, None if ends is None else max(0.0, ends - monotonic()))
            finally:
                outside.keep, outside.step_limit = False, limit
                outside.kill()
            small = None if small is None else self._seen_again(small)
            if small is not None:
                break
        outside.restart = False
        return small

    def _smallest(self, found: FailingTrace, seconds: float | None) -> FailingTrace | None:
        ways = TrialFunctions(self._redo, self._attempt, self._steps, seconds)
        small = smallest(found.host, found.events, found.failure, ways)
        return None if small is None else FailingTrace(small.host, small.events, small.failure, found.seed)

    def _steps(self, host: HostShape, events: Sequence[Event]) -> Steps:
        return as_steps(host, events, self._known)

    def _seen_again(self, found: FailingTrace) -> FailingTrace | None:
        """The trace with the failure that a newly started program shows, within the full limit; None: another one."""
        redone = self._redo(found.host, self._steps(found.host, found.events))
        if redone is None or redone.failure is None or redone.failure.symptom != found.failure.symptom:
            return None
        return replace(found, failure=redone.failure)

    def failure_on(self, host: HostShape, events: Sequence[Event]) -> Failure | None:
        """The program's failure on a trace; None: it agrees with the reference.

        :raises OutsideFailure: the program cannot be used
        """
        redone = self._redo(host, self._steps(host, events))
        return None if redone is None else redone.failure

    def replayed(self, header: Header, events: Sequence[Event]) -> str | None:
        """The first difference on a recording, with its blocks mapped to the program's; None: there is none."""
        trace = GeneratedTrace(header, [Boot(), *events], header.source)
        divergence = replay_against(trace, self._outside, check_properties=False).result.divergence
        return None if divergence is None else str(divergence)

    def told(self, found: FailingTrace) -> StoredFinding:
        """The finding, with the program's results: a replay on the reference diverges at the same place."""
        source = f"claimcheck fuzz --against: {found.failure}"
        header = Header(self._offered.format, self._known.semantics, source, found.host, found.seed)
        done = self._compared(found.host, found.events).done()
        test = program_test_of(header, found.events, found.failure, self._command)
        return StoredFinding(lines(header, done).decode(), test)

    def close(self) -> None:
        """End the program."""
        with suppress(OutsideFailure):  # its end does not matter any more
            self._outside.stop()

    def _compared(self, host: HostShape, events: Sequence[Event]) -> AdapterReplay:
        header = Header(self._offered.format, self._known.semantics, "claimcheck fuzz", host)
        return replay_against(GeneratedTrace(header, [Boot(), *events]), self._outside, check_properties=False)

    def _asked(self, made: Trial) -> Trial:
        """The program's result for a trace. A difference between reference and model has priority."""
        if made.failure is not None:
            return made
        result = self._compared(made.host, made.events).result
        made.failure = self._failure(result, made.events, made.decided)
        made.not_applicable = result.not_applicable
        return made

    def _failure(self, result: TraceResult, events: Sequence[Event], decided: Sequence[str]) -> Failure | None:
        divergence = result.divergence
        if divergence is None:
            return None
        field = divergence.field.removeprefix("state.")
        detail = f"expected {divergence.expected}, observed {divergence.observed}"
        case = decided[divergence.event - 1] if 0 < divergence.event <= len(decided) else ""
        values = few_values(divergence, case.partition(": ")[2])
        return Failure(self._known.semantics, _operation(events, divergence.event), field, detail, values)

    def _redo(self, host: HostShape, steps: Steps) -> RerunResult | None:
        redone = do(host, steps, self._known)
        if redone is None or redone.failure is not None:
            return redone
        result = self._compared(host, redone.events).result
        redone.failure = self._failure(result, redone.events, redone.decided)
        if result.divergence is not None:  # later events are not needed
            redone.events = redone.events[: result.divergence.event]
            redone.steps = Steps(redone.steps.steps[: result.divergence.event])
        return redone

    def _attempt(self, seed: int, draw: Draw, host: HostShape, plan: TracePlan) -> Trial:
        plan.offered = offered = self._offered
        if not offered.builders:
            plan.interleaving = 0.0
        if not offered.extended:
            host = replace(host, last_alloc_node=UNSET)
        return self._asked(trial(self._known, seed, draw, host, plan))


def _operation(events: Sequence[Event], number: int) -> str:
    """The operation of an event of the trace (boot is 0); for a ``continue``, the operation that it continues."""
    if not 0 < number <= len(events):
        return "end"
    event = events[number - 1]
    if isinstance(event, Continue):
        for before in reversed(events[: number - 1]):
            if before.builder == event.builder and not isinstance(before, Continue):
                return before.op
    return event.op


def usable(command: str, semantics: Sequence[str], step_limit: float, start_limit: float) -> ProgramCapabilities:
    """What the program offers.

    :raises OutsideFailure: the program cannot be used
    :raises ValueError: the program lacks one of the generations, or does not create domains
    """
    with OutsideProgram(command, step_limit=step_limit, start_limit=start_limit) as outside:
        hello = outside.hello
        for name in semantics:
            if name not in hello.semantics:
                raise ValueError(f"the program has no generation {name}; choose one of: {', '.join(hello.semantics)}")
        if "create_domain" not in hello.operations:
            raise ValueError("the program does not offer the operation create_domain, which every trace needs")
        return offered_by(hello)


def divergence_of(command: str, text: str) -> str | None:
    """The first difference between a program and the reference in a trace; None: they agree. For findings' tests."""
    header, events = decode(text)
    with OutsideProgram(command) as outside:
        redone = do(header.host, as_steps(header.host, events, _nothing_known(header)), _nothing_known(header))
        assert redone is not None
        replayed = replay_against(GeneratedTrace(header, [Boot(), *redone.events]), outside, check_properties=False)
        result = replayed.result
    return None if result.divergence is None else str(result.divergence)


def _nothing_known(header: Header) -> GenerationFacts:
    return GenerationFacts(header.semantics, [], {})
