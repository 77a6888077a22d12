"""Replay against an outside program: it does the operations of a trace, the reference follows, all is compared.

What the trace itself observed is not compared, it may be of another program: it tells which blocks the later operations
mean. Where the program takes other blocks, the reference takes them too, if they are legal choices.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, NoReturn

import msgspec
from msgspec import UNSET

from proofs.replay.replay import Recording, Replay, TraceResult
from proofs.traces import TraceError
from proofs.traces.events import Boot, Event, State
from proofs.traces.reader import shape_problem
from reference.status import HypervisorCrash, MisuseError

from .failure import HostRefused, Kind, OutsideFailure
from .outside import Outside
from .placement import Block, Placement, answered
from .protocol import Observation, observed, unsupported

WINDOW = 256
"""Operations that are sent before the first of them is answered."""

NO_PAGES = "the program does not have the pages that are named"
NOT_POSSIBLE = "not possible any more: an operation before came out otherwise than in the trace"


class _Asked(NamedTuple):
    """An operation that was sent: where it stands, as it was recorded, as it was sent, and its recorded blocks."""

    line: int
    number: int
    recorded: Event
    sent: Event
    blocks: Sequence[Block]


class _Over(Exception):  # no error: nothing more is asked in this trace
    """Why the rest of the trace is left out; nothing behind a divergence."""


class Against(Replay):
    """One trace, done by an outside program and by the reference."""

    def __init__(
        self, trace: Recording, outside: Outside, result: TraceResult, *, check_locks: bool, check_properties: bool
    ) -> None:
        super().__init__(trace, result, check_locks=check_locks, check_properties=check_properties)
        self.done: list[Event] = []
        """What the program did, as a trace records it; a failure is recorded as a crash."""
        self._outside = outside
        self._asked: deque[_Asked] = deque()
        self._at: _Asked | None = None  # the one that is being compared
        self._placement = Placement(self.host, self._settle, lambda: len(self._asked))
        self._departed = False  # an operation came out otherwise than in the trace
        self._over: str | None = None  # why nothing more is asked

    def run(self) -> None:
        """Do the trace up to the first difference.

        :raises OutsideFailure: the program cannot be used at all
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

    def check_shape(self, state: State) -> None:
        """A state without a number for each node is no answer.

        :raises OutsideFailure: it is not
        """
        if problem := shape_problem(state, len(self.host.node_pages)):
            raise OutsideFailure(Kind.GARBAGE, problem)

    def _attempt(self, step: Callable[..., None], *arguments: object) -> None:
        """Go on, up to where the trace is over; what was asked and not compared by then is left out."""
        try:
            step(*arguments)
        except _Over as over:
            self._over = str(over)
            for _ in self._asked:
                self._leave_out(self._over)
            self._asked.clear()
            if self.result.divergence is not None:
                self._outside.kill()

    def _leave_out(self, reason: str) -> None:
        self.result.skipped += 1
        if reason:
            self.result.not_applicable[reason] = self.result.not_applicable.get(reason, 0) + 1

    def _read(self) -> Iterator[tuple[int, Event]]:
        try:
            yield from enumerate(self.trace)
        except TraceError:  # what came before the bad line is compared first
            if self._over is None:
                self._attempt(self._settle, 0)
            raise

    def _begin(self) -> None:
        if reason := unsupported(self._outside.hello, self.trace.header):
            raise _Over(reason)
        try:
            self._outside.start(self.trace.header)
        except HostRefused as refused:
            raise _Over(f"the program cannot have such a host: {refused}") from None
        except OutsideFailure as failure:
            self._failed(Boot(), failure)

    def _ask(self, index: int, event: Event) -> None:
        if event.op not in self._outside.hello.operations:
            self._settle(0)
            raise _Over(f"the program has no operation {event.op}")
        line = self.trace.line
        if len(self._asked) >= WINDOW:
            self._settle(WINDOW // 2)
        try:
            sent = self._placement.translated(event)
        except MisuseError as error:
            raise TraceError(self.trace.path, line, f"{event.op}: {error}") from None
        if sent is None:
            self._leave_out(NO_PAGES)
            return
        blocks = self._placement.expect(event)
        self._outside.send(sent)
        self._asked.append(_Asked(line, index, event, sent, blocks))

    def _finish(self) -> None:
        self._settle(0)
        try:
            self._outside.finish()
        except OutsideFailure as failure:
            self.diverged_at(self.where(), "end", "answer", "none", str(failure))
            raise _Over from None

    def _settle(self, left: int) -> None:
        """Wait for answers and compare them, until that many are left."""
        while len(self._asked) > left:
            self._at = self._asked[0]
            try:
                observation = self._outside.receive()
            except OutsideFailure as failure:
                self._failed_at_first(failure)
            else:
                self._take(observation)

    def _take(self, observation: Observation) -> None:
        """The answer to the first operation that was asked."""
        asked = self._asked.popleft()
        event = observed(asked.sent, observation)
        answered(asked.blocks, event)
        self._departed = self._departed or any(
            getattr(event, name) != getattr(asked.recorded, name) for name in event.observed
        )
        self.done.append(event)
        try:
            self.compare(event)
        except MisuseError as error:
            self.done.pop()
            self._misused(asked, error)
        except OutsideFailure as failure:
            self.done.pop()
            self._failed(asked.sent, failure)
        if self.result.divergence is not None or event.crash is not UNSET:
            raise _Over("" if self.result.divergence is not None else "the host has crashed")

    def _misused(self, asked: _Asked, error: MisuseError) -> NoReturn:
        """The operation cannot be done. Is it the trace, or has the program brought it there?"""
        if not self._departed:
            raise TraceError(self.trace.path, asked.line, f"{asked.recorded.op}: {error}") from None
        self._leave_out(NOT_POSSIBLE)
        raise _Over(NOT_POSSIBLE) from None

    def _failed_at_first(self, failure: OutsideFailure) -> NoReturn:
        """No answer to the first operation that was asked."""
        if failure.kind in (Kind.DIED, Kind.HUNG, Kind.CLOSED) and len(self._asked) > 1:
            failure = self._again(failure)
        asked = self._asked.popleft()
        expected = "an observation"
        try:
            self.execution.do(asked.sent)
        except MisuseError as error:
            self._misused(asked, error)
        except HypervisorCrash as crash:
            expected = f"crash: {crash}"
        self._failed(asked.sent, failure, expected)

    def _again(self, failure: OutsideFailure) -> OutsideFailure:
        """Answers may have been lost with the program: again, step by step, to see at which operation it fails."""
        first, done = self._asked[0], len(self.done)
        try:
            self._outside.start(self.trace.header)
            for event in self.done[:]:
                self._outside.step(event)
            while self._asked:
                self._at = self._asked[0]
                self._take(self._outside.step(self._at.sent))
        except OutsideFailure as again:
            if again.finding:
                failure = again
        except HostRefused as refused:
            failure = OutsideFailure(failure.kind, f"{failure.detail}; asked again, it cannot have the host: {refused}")
        if not self._asked:
            self._at = first
            del self.done[done:]
            self._failed(first.sent, OutsideFailure(failure.kind, f"{failure.detail}; not seen again, asked singly"))
        return failure

    def _failed(self, event: Event, failure: OutsideFailure, expected: str = "an observation") -> NoReturn:
        if not failure.finding:
            raise failure
        self.done.append(msgspec.structs.replace(event, crash=str(failure)))
        self.diverged(event, "answer", expected, str(failure))
        raise _Over from None


def replay_against(
    trace: Recording,
    outside: Outside,
    *,
    check_locks: bool = False,
    check_properties: bool = True,
    result: TraceResult | None = None,
) -> tuple[TraceResult, list[Event]]:
    """Replay one trace against an outside program; gives also what the program did, as a trace records it.

    A failure of the program is a divergence of the field ``answer``, and the program runs anew for the next trace.

    :param result: filled as the replay goes on, for a caller that wants what was done before an error
    :raises OutsideFailure: the program cannot be used at all; no finding
    :raises proofs.traces.TraceError: the trace is malformed, or does what cannot be done
    """
    if result is None:
        result = TraceResult(trace.first_line, trace.header.seed)
    replay = Against(trace, outside, result, check_locks=check_locks, check_properties=check_properties)
    replay.run()
    return result, replay.done
