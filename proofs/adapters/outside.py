"""An outside implementation: a program that runs operations and answers with its observations."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType

from msgspec import UNSET
from msgspec.structs import replace

from proofs.operations import KINDS, Event, name_of
from proofs.parallel import tell
from proofs.time_limits import START_LIMIT, STEP_LIMIT
from proofs.traces.events import Header

from .failure import FailureKind, HostRefusal, OutsideFailure
from .process import LineProcess, arguments_of
from .protocol import (
    PROTOCOL,
    Decoder,
    Greeting,
    HeaderAnswer,
    Hello,
    HelloRefusal,
    MalformedLineError,
    NamedPage,
    Observation,
    decode_observation,
    message,
    question,
)

DROP_LIMIT = 1.0
"""Seconds to wait for an answer that is no longer needed."""

_HELLO: Decoder[Hello] = Decoder(Hello)
_HELLO_REFUSED: Decoder[HelloRefusal] = Decoder(HelloRefusal)
_READY: Decoder[HeaderAnswer] = Decoder(HeaderAnswer)


class OutsideProgram:
    """The program of a command: started on first use, and restarted after a failure or a crash.

    A context manager: it kills the program at its end. Failures are :class:`OutsideFailure`; they end the program, and
    the next :meth:`start` restarts it.

    >>> import sys
    >>> from proofs.traces import read_traces
    >>> with OutsideProgram(f"{sys.executable} -m proofs.cli.main serve") as outside:
    ...     for trace in read_traces("tests/data/examples/redeem.jsonl"):
    ...         outside.start(trace.header)
    ...         for event in trace:
    ...             print(event.op, outside.step(event).state.total_avail_pages)
    ...         outside.finish()
    ...     outside.stop()
    boot 8
    create_domain 8
    install_claim_set 8
    alloc_domheap_pages 6
    """

    def __init__(self, command: str, *, step_limit: float = STEP_LIMIT, start_limit: float = START_LIMIT) -> None:
        """
        :param command: the program and its arguments, split as a shell does
        :param step_limit: seconds for one answer, and for the program's end after the end of its input
        :param start_limit: seconds until the handshake is complete
        :raises OutsideFailure: the command cannot be split
        """
        self.command = command
        self.step_limit = step_limit
        self.start_limit = start_limit
        self.keep = False
        """Keep the program after a difference. By default it is ended, because its state may be wrong."""
        self.restart = False
        """Restart the program for every trace, as one does that can boot only once."""
        self.on_hang: Callable[[str], None] | None = tell
        """Is given a line at the first answer that does not come in time, because the next one may take as long."""
        self._arguments = arguments_of(command)
        self._process: LineProcess | None = None
        self._hello: Hello | None = None
        self._asked: deque[type[Event]] = deque()
        self._fresh = False
        self._hung = False
        self.last_line = b""
        """The last answer to an operation, as it was read."""

    @property
    def hello(self) -> Hello:
        """The program's answer to the greeting; starts it if necessary."""
        if self._hello is None:
            self._run()
        assert self._hello is not None
        return self._hello

    @property
    def unanswered(self) -> int:
        """The number of operations that were sent and are not answered yet."""
        return len(self._asked)

    def start(self, header: Header) -> None:
        """Begin a trace on a host before boot.

        :raises HostRefusal: the program does not support the host
        :raises OutsideFailure: the program gives no valid answer
        """
        if self._asked:
            self._drop_answers()
        if (self.restart or self.hello.restart) and not self._fresh:
            self.kill()
        process = self._run()
        self._fresh = False
        process.put(message(header))
        line = self._line()
        try:
            ready = _READY.decode(line)
        except MalformedLineError as error:
            raise self._garbage(line, error) from None
        if ready.error is not UNSET:
            raise HostRefusal(ready.error)
        if not ready.ready:
            raise self._failed(FailureKind.GARBAGE, 'neither `"ready": true` nor `error`, for a header')

    def send(self, event: Event, mfn: NamedPage | None = None) -> Event:
        """Send an operation without waiting; returns it as sent, without the observed fields of the event.

        :param mfn: the name of its page, for a program with ``named_blocks``; None: the event's own
        """
        if self._process is None:
            raise ValueError("call start() before send()")
        asked = question(event)
        self._process.put(message(asked if mfn is None else replace(asked, mfn=mfn)))
        self._asked.append(type(event))
        return asked

    def flush(self) -> None:
        """Write what the program accepts now, so that it works while the caller continues."""
        if self._process is not None:
            self._process.flush()

    def receive(self) -> Observation:
        """The answer to the oldest unanswered operation.

        After an observation with ``crash`` the program is ended, and later operations get no answer.
        """
        kind = self._asked[0]
        self.last_line = line = self._line()
        try:
            observation = decode_observation(kind, line)
        except MalformedLineError as error:
            raise self._garbage(line, error) from None
        self._asked.popleft()
        if observation.error is not UNSET:
            raise self._failed(FailureKind.REFUSED, observation.error)
        if observation.crash is not UNSET:
            self.kill()
        return observation

    def step(self, event: Event) -> Observation:
        """Send an operation and wait for its answer."""
        self.send(event)
        return self.receive()

    def batch(self, events: Iterable[Event]) -> Iterator[Observation]:
        """The answers to operations that are sent all at once, which is much faster. Ends at a crash."""
        for event in events:
            self.send(event)
        while self._asked:
            yield self.receive()

    def finish(self) -> None:
        """End the trace: the program must not have written anything after the last answer."""
        if self._process is not None and not self._asked and (rest := self._process.unasked()):
            raise self._failed(FailureKind.EXTRA, f"after the last answer: {rest[:80].decode(errors='replace')!r}")

    def stop(self) -> None:
        """End the program's input; the program must then end with status 0."""
        if self._asked:
            self._drop_answers()
        process = self._process
        if process is None:
            return
        try:
            process.end(self.step_limit)
        finally:
            self.kill()

    def kill(self) -> None:
        """Kill the program and all its children, if it runs."""
        process, self._process = self._process, None
        self._asked.clear()
        if process is not None:
            process.kill()

    def __enter__(self) -> OutsideProgram:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, where: TracebackType | None
    ) -> None:
        self.kill()

    def _drop_answers(self) -> None:
        """Read answers that are no longer needed, which is faster than a restart of the program.

        A program that does not give them soon, or writes anything else, is ended.
        """
        process, asked = self._process, self._asked
        self._asked = deque()
        if process is None or self.restart or self.hello.restart:
            self.kill()
            return
        limit = min(self.step_limit, DROP_LIMIT)
        try:
            for kind in asked:
                if decode_observation(kind, process.get(limit)).crash is not UNSET:
                    self.kill()
                    return
            if process.unasked():
                self.kill()
        except (OutsideFailure, MalformedLineError):
            self.kill()

    def _run(self) -> LineProcess:
        """The program, started and greeted."""
        if self._process is None:
            self._process = LineProcess(self._arguments)
            try:
                self._process.put(message(Greeting([PROTOCOL])))
                self._hello = self._greeted()
            except BaseException:
                self.kill()
                raise
            self._fresh = True
        return self._process

    def _greeted(self) -> Hello:
        assert self._process is not None
        try:
            line = self._process.get(self.start_limit)
        except OutsideFailure as failure:
            raise OutsideFailure(FailureKind.NO_HELLO, f"{failure.kind}: {failure.detail}") from None
        try:
            hello = _HELLO.decode(line)
        except MalformedLineError as error:
            try:
                refused = _HELLO_REFUSED.decode(line)
            except MalformedLineError:
                refused = HelloRefusal()
            if refused.error is not UNSET:
                raise OutsideFailure(FailureKind.OTHER_VERSION, f"{PROTOCOL} is refused: {refused.error}") from None
            raise OutsideFailure(FailureKind.NO_HELLO, f"{error}, in {_shown(line)}") from None
        if hello.hello != PROTOCOL:
            raise OutsideFailure(
                FailureKind.OTHER_VERSION, f"the program supports {hello.hello!r}; supported here: {PROTOCOL}"
            )
        for operation in hello.operations:
            if operation not in KINDS:
                raise OutsideFailure(
                    FailureKind.NO_HELLO, f"unknown operation {operation!r}; known: {', '.join(KINDS)}"
                )
        return hello

    def _line(self) -> bytes:
        assert self._process is not None
        try:
            return self._process.get(self.step_limit)
        except BaseException as error:
            if isinstance(error, OutsideFailure) and error.kind is FailureKind.HUNG:
                self._tell_hang()
            self.kill()
            raise

    def _tell_hang(self) -> None:
        """Report the first hang at once: which operation hangs is known if only one has no answer."""
        many = len(self._asked) > 1
        if self.on_hang is None or (many and self._hung):
            return
        self._hung = True
        what = f"to {name_of(self._asked[0])} " if len(self._asked) == 1 else ""
        rest = "; the trace is run again, one operation at a time" if many else "; later hangs are only counted"
        self.on_hang(f"{self.command}: no answer {what}within {self.step_limit:g} s{rest}")
        if not many:
            self.on_hang = None

    def _garbage(self, line: bytes, error: MalformedLineError) -> OutsideFailure:
        return self._failed(FailureKind.GARBAGE, f"{error}, in {_shown(line)}")

    def _failed(self, kind: FailureKind, detail: str) -> OutsideFailure:
        self.kill()
        return OutsideFailure(kind, detail)


def _shown(line: bytes) -> str:
    return repr(line[:120].decode(errors="replace") + ("..." if len(line) > 120 else ""))
