"""A child process that is spoken to in lines, and is never waited for beyond a limit.

Nothing here blocks: what the child does not read is kept, what it writes beside its answers is kept short, and whoever
it started goes with it. POSIX only.
"""

from __future__ import annotations

import os
import select
import shlex
import signal
import subprocess
from collections import deque
from contextlib import suppress
from time import monotonic, sleep
from typing import IO

from .failure import FailureKind, OutsideFailure

LONGEST_LINE = 1 << 22
"""Bytes of an answer. The counters of 64 nodes and 4,000 domains fit."""

_CHUNK = 1 << 18
_SLICE = 0.05  # seconds; how often the child is looked at while nothing comes from it
_GRACE = 1.0  # seconds; how long a child may take to end after it closed its standard output
_TAIL = 4096  # bytes of its standard error that are kept


def arguments_of(command: str) -> list[str]:
    """The words of a command, split as a shell does.

    :raises OutsideFailure: there is none, or a quote is not closed
    """
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise OutsideFailure(FailureKind.NOT_STARTED, f"{command!r}: {str(error).lower()}") from None
    if not words:
        raise OutsideFailure(FailureKind.NOT_STARTED, "the command is empty")
    return words


def _pipe(stream: IO[bytes] | None) -> int:
    assert stream is not None
    os.set_blocking(stream.fileno(), False)
    return stream.fileno()


class LineProcess:
    """The child. Every method that waits raises :class:`OutsideFailure` where the child does not do its part."""

    def __init__(self, arguments: list[str]) -> None:
        try:
            self._child = subprocess.Popen(
                arguments,
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,  # a group of its own: it is ended with all its children
            )
        except (OSError, ValueError) as error:  # ValueError: a NUL in the command
            reason = getattr(error, "strerror", None) or str(error)
            raise OutsideFailure(FailureKind.NOT_STARTED, f"{arguments[0]!r}: {reason}") from None
        self._stdin = _pipe(self._child.stdin)
        self._stdout = _pipe(self._child.stdout)
        self._stderr = _pipe(self._child.stderr)
        self._unsent = bytearray()
        self._reads = True  # it has not closed its standard input
        self._lines: deque[bytes] = deque()
        self._begun = b""  # of a line that has not ended
        self._tail = b""
        self._poll = select.poll()
        self._poll.register(self._stdout, select.POLLIN)
        self._poll.register(self._stderr, select.POLLIN)
        self._looked = monotonic()

    def put(self, line: bytes) -> None:
        """Write that line as soon as the child takes it; :meth:`flush` or :meth:`get` begin with that."""
        self._unsent += line

    def flush(self) -> None:
        """Write as much as the child takes now."""
        while self._unsent and self._reads:
            try:
                del self._unsent[: os.write(self._stdin, self._unsent)]
            except BlockingIOError:
                return
            except BrokenPipeError:
                self._reads = False

    def get(self, limit: float) -> bytes:
        """The next line. It must be complete within the limit, however slowly it comes."""
        lines = self._lines
        if not lines:
            deadline = monotonic() + limit
            while not lines:
                self._wait(deadline, limit)
        return lines.popleft()

    def unasked(self) -> bytes:
        """What the child has written beyond the lines taken, as far as it is there."""
        if not self._lines and not self._begun:
            with suppress(BlockingIOError):
                self._begun = os.read(self._stdout, _CHUNK)
        return self._lines[0] if self._lines else self._begun

    def end(self, limit: float) -> None:
        """End the child's input. It must end within the limit, with status 0 and without another word."""
        deadline = monotonic() + limit
        assert self._child.stdin is not None
        self._child.stdin.close()
        ended = False
        while not ended:
            ended = self._child.poll() is not None  # asked first: what it wrote before is there by then
            if rest := self.unasked():
                raise OutsideFailure(FailureKind.EXTRA, f"{_quoted(rest)} behind the last answer")
            if monotonic() > deadline:
                raise OutsideFailure(FailureKind.ENDED_BADLY, self._told(f"goes on {limit:g} s after its input ended"))
            self._read_stderr()
            sleep(0 if ended else 0.001)
        if status := self._child.returncode:
            raise OutsideFailure(FailureKind.ENDED_BADLY, self._told(f"its input ended, and it ended {_how(status)}"))

    def kill(self) -> None:
        """End the child, and whoever it started, at once."""
        with suppress(ProcessLookupError, PermissionError):  # PermissionError: only zombies are left (macOS)
            os.killpg(self._child.pid, signal.SIGKILL)
        for stream in (self._child.stdin, self._child.stdout, self._child.stderr):
            assert stream is not None
            stream.close()
        with suppress(subprocess.TimeoutExpired):  # one that runs as another user cannot be killed
            self._child.wait(_GRACE)

    def _wait(self, deadline: float, limit: float) -> None:
        """Read what comes; raise where nothing can come any more, or not in time."""
        self.flush()
        silent = not self._poll_once(deadline)
        if self._lines:
            return
        now = monotonic()
        if silent or now - self._looked > _SLICE:
            self._looked = now
            if self._child.poll() is not None:  # others may still hold the pipe: it never ends then
                self._read_rest()
        if now > deadline and not self._lines:
            raise OutsideFailure(FailureKind.HUNG, self._told(f"no answer within {limit:g} s{self._half()}"))

    def _read_rest(self) -> None:
        """The child has ended: its last lines, or that there are none."""
        with suppress(BlockingIOError):
            while not self._lines:
                self._read_stdout()
        if not self._lines:
            raise OutsideFailure(FailureKind.DIED, self._told(f"ended {_how(self._child.returncode)}{self._half()}"))

    def _poll_once(self, deadline: float) -> bool:
        """Wait a little for the child to read or write; whether anything came of it."""
        if self._unsent and self._reads:
            self._poll.register(self._stdin, select.POLLOUT)
        ready = self._poll.poll(1000 * max(0.0, min(deadline - monotonic(), _SLICE)))
        with suppress(KeyError):
            self._poll.unregister(self._stdin)
        for descriptor, _ in ready:
            if descriptor == self._stdout:
                self._read_stdout()
            elif descriptor == self._stderr:
                self._read_stderr()
            else:
                self.flush()
        return bool(ready)

    def _read_stdout(self) -> None:
        chunk = os.read(self._stdout, _CHUNK)
        if not chunk:
            self._closed()
        *lines, begun = chunk.split(b"\n")
        if lines:
            lines[0] = self._begun + lines[0]
            self._lines.extend(lines)
            self._begun = begun
        else:
            self._begun += begun
        if len(self._begun) > LONGEST_LINE:
            raise OutsideFailure(
                FailureKind.TOO_LONG, f"a line of more than {LONGEST_LINE:,} bytes: {_quoted(self._begun)}"
            )

    def _closed(self) -> None:
        """Nothing more will come: because the child ended, or because it closed its end."""
        deadline = monotonic() + _GRACE
        while (status := self._child.poll()) is None and monotonic() < deadline:
            self._read_stderr()
            sleep(0.001)
        self._read_stderr()
        if status is None:
            raise OutsideFailure(
                FailureKind.CLOSED, self._told(f"closed its standard output, and goes on{self._half()}")
            )
        raise OutsideFailure(FailureKind.DIED, self._told(f"ended {_how(status)}{self._half()}"))

    def _read_stderr(self) -> None:
        with suppress(BlockingIOError):
            chunk = os.read(self._stderr, _CHUNK)
            if not chunk:
                with suppress(KeyError):
                    self._poll.unregister(self._stderr)
            self._tail = (self._tail + chunk)[-_TAIL:]

    def _half(self) -> str:
        return f", in the middle of the line {_quoted(self._begun)}" if self._begun else ""

    def _told(self, what: str) -> str:
        """With the last line of its standard error, and what it did to its input."""
        if not self._reads and self._unsent:
            what += "; it closed its standard input"
        said = self._tail.decode(errors="replace").split("\n")
        last = next((line for line in reversed(said) if line.strip()), "")
        return f"{what}; its standard error ends: {last.strip()}" if last else what


def _how(status: int) -> str:
    if status >= 0:
        return f"with status {status}"
    try:
        return f"by {signal.Signals(-status).name}"
    except ValueError:  # a real-time signal has no name
        return f"by signal {-status}"


def _quoted(text: bytes) -> str:
    """The beginning of what it wrote."""
    shown = text[:80].decode(errors="replace")
    return repr(shown + ("..." if len(text) > 80 else ""))
