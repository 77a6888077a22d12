"""Replay against an outside program: it runs the operations of a trace, and the reference checks every observation.

The observations in the trace are not compared, because they may come from another program: they only identify the
blocks that later operations name. Where the program takes other legal blocks, the reference takes them too.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, NoReturn

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from proofs.operations import KINDS, Boot, Continue, Event, State
from proofs.replay.replay import Recording, Replay, TraceResult
from proofs.traces import TraceError
from proofs.traces.reader import shape_problem
from reference.status import HypervisorCrash, MisuseError

from .failure import NOT_AGAIN, FailureKind, HostRefusal, OutsideFailure
from .outside import OutsideProgram
from .placement import NamesBlock, PlacedBlock, Placement, answered
from .protocol import Observation, decode_observation, observed, unsupported

WINDOW = 256
"""The number of operations that are sent before the first of them is answered."""

MAY_BE_LEFT_OUT = frozenset({"nr_done", "preempted", "scrub_index"})
"""Observed fields of ``populate_physmap`` that a program may leave out."""

NO_PAGES = "the program does not have the pages that the operation names"
NOT_POSSIBLE = "no longer possible: an earlier operation had another outcome than in the trace"


class _SentOperation(NamedTuple):
    """An operation that was sent: its place, its arguments, its outcome in the trace, and its recorded blocks.

    ``named`` is its block, if the program's page was unknown when it was sent: ``event`` then has the recorded page.
    """

    line: int
    number: int
    event: Event
    outcome: tuple[object, ...]
    blocks: Sequence[PlacedBlock]
    named: PlacedBlock | None

    def with_pages(self) -> Event | None:
        """The operation with the program's pages, once all earlier ones are answered; None: it does not have them."""
        if self.named is None or not isinstance(self.event, NamesBlock):
            return self.event
        first = self.named.mfn
        return None if first is None else replace(self.event, mfn=first + self.event.mfn - self.named.recorded)


class _EarlyEnd(Exception):  # no error: the trace ends here
    """Why the rest of the trace is left out; empty after a divergence."""


class AdapterReplay(Replay):
    """One trace, run by an outside program and by the reference."""

    def __init__(
        self,
        trace: Recording,
        outside: OutsideProgram,
        result: TraceResult,
        *,
        check_locks: bool,
        check_properties: bool,
    ) -> None:
        super().__init__(trace, result, check_locks=check_locks, check_properties=check_properties)
        self._done: list[tuple[Event, bytes]] = []  # operations and their answers
        self._failure: Event | None = None  # the operation without a valid answer
        self._outside = outside
        self._asked: deque[_SentOperation] = deque()
        self._at: _SentOperation | None = None  # the operation that is being compared
        self._placement = Placement(self.host, self._settle, lambda: len(self._asked))
        self._departed = False  # an operation had another outcome than in the trace
        self._over: str | None = None  # why no more operations are sent
        self._possible: set[type[Event]] = set()
        self._sent = 0  # operations in this trace
        self._left_out: set[str | UnsetType] = set()  # builders whose operation was not sent

    @property
    def name(self) -> str:
        """The program's name for itself."""
        return self._outside.hello.name

    def done(self) -> list[Event]:
        """The program's events as a trace records them; a failure is recorded as a crash."""
        done = [observed(event, decode_observation(type(event), line)) for event, line in self._done]
        return done if self._failure is None else [*done, self._failure]

    def run(self) -> None:
        """Run the trace up to the first difference.

        :raises OutsideFailure: the program cannot be used
        :raises proofs.traces.TraceError: as for a replay
        """
        self._attempt(self._begin)
        for index, event in self._read():
            if self._over is None:
                self._attempt(self._ask, index, event)
            if self._over is not None:
                self._leave_out(self._over)
        if self._over is None:
            self._attempt(self._finish)
        if self.result.divergence is None:
            self.end(compare_expected=self.result.skipped == 0 and not self._departed)

    def where(self) -> tuple[int, int]:
        """Line and index of the event that is being compared."""
        return (self.trace.first_line, 0) if self._at is None else (self._at.line, self._at.number)

    def may_lack(self, field: str) -> bool:
        """A program that cannot be preempted may omit the fields of preemption; all other fields are required."""
        return field in MAY_BE_LEFT_OUT

    def check_shape(self, state: State) -> None:
        """Check that a state has a number for each node.

        :raises OutsideFailure: it does not
        """
        if problem := shape_problem(state, len(self.host.node_pages)):
            raise OutsideFailure(FailureKind.GARBAGE, problem)

    def _attempt(self, step: Callable[..., None], *arguments: object) -> None:
        """Run a step. If the trace is over, count operations that were sent but not compared as left out."""
        try:
            step(*arguments)
        except _EarlyEnd as over:
            self._over = str(over)
            for _ in self._asked:
                self._leave_out(self._over)
            self._asked.clear()
            if self.result.divergence is not None and not self._outside.keep:
                self._outside.kill()

    def _leave_out(self, reason: str) -> None:
        self.result.skipped += 1
        if reason:
            self.result.not_applicable[reason] = self.result.not_applicable.get(reason, 0) + 1

    def _read(self) -> Iterator[tuple[int, Event]]:
        try:
            yield from enumerate(self.trace)
        except TraceError:  # compare the events before the bad line first
            if self._over is None:
                self._attempt(self._settle, 0)
            raise

    def _begin(self) -> None:
        hello = self._outside.hello
        if reason := unsupported(hello, self.trace.header):
            raise _EarlyEnd(reason)
        self._possible = {KINDS[operation] for operation in hello.operations}
        try:
            self._outside.start(self.trace.header)
        except HostRefusal as refused:
            raise _EarlyEnd(f"the program does not support this host: {refused}") from None
        except OutsideFailure as failure:
            self._found(Boot(), failure, "the answer that it is ready")

    def _ask(self, index: int, event: Event) -> None:
        if type(event) not in self._possible:
            self._settle(0)
            raise _EarlyEnd(f"the program has no operation {event.op}")
        line = self.trace.line
        builder = event.builder
        if builder is not UNSET and Continue not in self._possible:
            self._settle(0)
            raise _EarlyEnd("the program has no builders: it does not offer the operation continue")
        if type(event) is Continue and builder in self._left_out:
            self._leave_out(NO_PAGES)
            return
        self._left_out.discard(builder)
        if len(self._asked) >= WINDOW:
            self._settle(WINDOW // 2)
        there: Event | None = event
        block, named = self._placement.named(event) if self._outside.hello.named_blocks else (None, None)
        if block is None:
            try:
                there = self._placement.translated(event)
            except MisuseError as error:
                raise TraceError(self.trace.path, line, f"{event.op}: {error}") from None
        if there is None:
            self._leave_out(NO_PAGES)
            self._left_out.add(builder)
            return
        blocks = self._placement.expect(event, self._sent)
        asked = self._outside.send(there, named)
        self._sent += 1
        self._asked.append(_SentOperation(line, index, asked, _outcome(event), blocks, block))

    def _finish(self) -> None:
        self._settle(0)
        try:
            self._outside.finish()
        except OutsideFailure as failure:
            self.diverged_at(self.where(), "end", "answer", "none", str(failure))
            raise _EarlyEnd from None

    def _settle(self, left: int) -> None:
        """Receive answers and compare them, until ``left`` are outstanding."""
        while len(self._asked) > left:
            self._at = self._asked[0]
            try:
                observation = self._outside.receive()
            except OutsideFailure as failure:
                self._failed_at_first(failure)
            else:
                self._take(observation)

    def _take(self, observation: Observation) -> None:
        """Compare the answer to the oldest outstanding operation."""
        asked = self._asked.popleft()
        there = asked.with_pages()
        if there is None or observation.absent:
            self._take_absent(asked, there, observation)
            return
        event = observed(there, observation)
        answered(asked.blocks, event)
        self._departed = self._departed or _outcome(event) != asked.outcome
        try:
            self.compare(event)
        except MisuseError as error:
            self._misused(asked, error)
        except OutsideFailure as failure:
            self._failed(there, failure)
        self._done.append((there, self._outside.last_line))
        if self.result.divergence is not None or event.crash is not UNSET:
            raise _EarlyEnd("" if self.result.divergence is not None else "the host has crashed")

    def _take_absent(self, asked: _SentOperation, there: Event | None, observation: Observation) -> None:
        """Handle an ``absent`` answer, or a missing one."""
        if there is not None:
            self._failed(there, OutsideFailure(FailureKind.GARBAGE, "`absent`, but the program has these pages"))
        if not observation.absent:
            self._failed(
                asked.event,
                OutsideFailure(FailureKind.GARBAGE, "an observation, but the program does not have these pages"),
            )
        self._leave_out(NO_PAGES)

    def _misused(self, asked: _SentOperation, error: MisuseError) -> NoReturn:
        """The operation is impossible: because of the trace, or because the program diverged from it before."""
        if not self._departed:
            raise TraceError(self.trace.path, asked.line, f"{asked.event.op}: {error}") from None
        self._leave_out(NOT_POSSIBLE)
        raise _EarlyEnd(NOT_POSSIBLE) from None

    def _failed_at_first(self, failure: OutsideFailure) -> NoReturn:
        """Handle a missing answer to the oldest outstanding operation."""
        if failure.kind in (FailureKind.DIED, FailureKind.HUNG, FailureKind.CLOSED) and len(self._asked) > 1:
            failure = self._again(failure)
        asked = self._asked.popleft()
        there = asked.with_pages()
        expected = "an observation"
        try:
            if there is not None:
                self.runner.do(there)
        except MisuseError as error:
            self._misused(asked, error)
        except HypervisorCrash as crash:
            expected = f"crash: {crash}"
        self._failed(there or asked.event, failure, expected)

    def _again(self, failure: OutsideFailure) -> OutsideFailure:
        """Run the trace again step by step to find the operation that fails, because answers may have been lost."""
        first, done = self._asked[0], len(self._done)
        try:
            self._outside.start(self.trace.header)
            for event, _ in self._done[:]:
                self._outside.step(event)
            while self._asked:
                self._at = self._asked[0]
                there = self._at.with_pages()
                self._take(Observation(absent=True) if there is None else self._outside.step(there))
        except OutsideFailure as again:
            if again.finding:
                failure = again
        except HostRefusal as refused:
            failure = OutsideFailure(
                failure.kind, f"{failure.detail}; when run again, it does not support the host: {refused}"
            )
        if not self._asked:
            self._at = first
            del self._done[done:]
            failure = OutsideFailure(failure.kind, f"{failure.detail}; {NOT_AGAIN}")
            self._found(first.with_pages() or first.event, failure, "an observation")
        return failure

    def _failed(self, event: Event, failure: OutsideFailure, expected: str = "an observation") -> NoReturn:
        """Record that an operation has no valid answer, and end the trace."""
        self.result.events += 1
        self._found(event, failure, expected)

    def _found(self, event: Event, failure: OutsideFailure, expected: str) -> NoReturn:
        if not failure.finding:
            raise failure
        self._failure = replace(event, crash=str(failure))
        self.diverged(event, "answer", expected, str(failure))
        raise _EarlyEnd from None


def _outcome(event: Event) -> tuple[object, ...]:
    return tuple([getattr(event, name) for name in event.observed])


def replay_against(
    trace: Recording,
    outside: OutsideProgram,
    *,
    check_locks: bool = False,
    check_properties: bool = True,
    result: TraceResult | None = None,
) -> AdapterReplay:
    """Replay one trace against an outside program; returns the result, with the program's events.

    A failure of the program is a divergence of the field ``answer``; the program is then restarted for the next trace.

    :param result: filled during the replay, for a caller that needs the partial result after an error
    :raises OutsideFailure: the program cannot be used; this is no finding
    :raises proofs.traces.TraceError: the trace is malformed, or has an impossible operation
    """
    if result is None:
        result = TraceResult(trace.first_line, trace.header.seed)
    replay = AdapterReplay(trace, outside, result, check_locks=check_locks, check_properties=check_properties)
    replay.run()
    return replay
