"""A child process that exchanges lines, with a time limit on every wait.

Nothing here blocks: unread input is buffered, only the end of standard error is kept, and processes that the child
started are killed with it, also when claimcheck itself is killed. POSIX only.
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
"""The most bytes of an answer. The counters of 64 nodes and 4,000 domains fit."""

_CHUNK = 1 << 18
_SLICE = 0.05  # seconds between checks of a silent child
_GRACE = 1.0  # seconds for a child to end after it closed its standard output
_TAIL = 4096  # bytes of its standard error that are kept


def arguments_of(command: str) -> list[str]:
    """The words of a command, split as a shell does.

    :raises OutsideFailure: the command is empty, or a quote is not closed
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


_GUARD = ("/bin/sh", "-c", 'read -r line || kill -s KILL -- "-$1"', "claimcheck-guard")
"""Kills a process group when its own input ends, without a line before."""


class _Guard:
    """A process that kills the child and its children when this process ends, whatever ends it.

    A parent-death signal would reach the child alone, not what it started, and exists on Linux only.
    """

    def __init__(self, group: int) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        with suppress(OSError):  # without a shell there is no guard
            self._process = subprocess.Popen(
                [*_GUARD, str(group)],
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )

    def dismiss(self) -> None:
        """The child is dead; end the guard."""
        if self._process is not None and self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.write(b"\n")
            self._process.stdin.close()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_GRACE)


class LineProcess:
    """The child. Every method that waits raises :class:`OutsideFailure` if the child fails."""

    def __init__(self, arguments: list[str]) -> None:
        try:
            self._child = subprocess.Popen(
                arguments,
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,  # its own process group, so that its children are killed with it
            )
        except (OSError, ValueError) as error:  # ValueError: a NUL in the command
            reason = getattr(error, "strerror", None) or str(error)
            raise OutsideFailure(FailureKind.NOT_STARTED, f"{arguments[0]!r}: {reason}") from None
        self._guard = _Guard(self._child.pid)
        self._stdin = _pipe(self._child.stdin)
        self._stdout = _pipe(self._child.stdout)
        self._stderr = _pipe(self._child.stderr)
        self._unsent = bytearray()
        self._reads = True  # it has not closed its standard input
        self._lines: deque[bytes] = deque()
        self._begun = b""  # the beginning of an incomplete line
        self._tail = b""
        self._poll = select.poll()
        self._poll.register(self._stdout, select.POLLIN)
        self._poll.register(self._stderr, select.POLLIN)
        self._looked = monotonic()

    def put(self, line: bytes) -> None:
        """Queue a line; :meth:`flush` and :meth:`get` write it."""
        self._unsent += line

    def flush(self) -> None:
        """Write as much as the child accepts now."""
        while self._unsent and self._reads:
            try:
                del self._unsent[: os.write(self._stdin, self._unsent)]
            except BlockingIOError:
                return
            except BrokenPipeError:
                self._reads = False

    def get(self, limit: float) -> bytes:
        """The next line, which must be complete within the limit."""
        lines = self._lines
        if not lines:
            deadline = monotonic() + limit
            while not lines:
                self._wait(deadline, limit)
        return lines.popleft()

    def unasked(self) -> bytes:
        """The output of the child after the lines taken, as far as it has arrived."""
        if not self._lines and not self._begun:
            with suppress(BlockingIOError):
                self._begun = os.read(self._stdout, _CHUNK)
        return self._lines[0] if self._lines else self._begun

    def end(self, limit: float) -> None:
        """End the child's input. The child must end within the limit, with status 0 and without further output."""
        deadline = monotonic() + limit
        assert self._child.stdin is not None
        self._child.stdin.close()
        ended = False
        while not ended:
            ended = self._child.poll() is not None  # checked before its output is read, so that no output is missed
            if rest := self.unasked():
                raise OutsideFailure(FailureKind.EXTRA, f"{_quoted(rest)} after the last answer")
            if monotonic() > deadline:
                raise OutsideFailure(
                    FailureKind.ENDED_BADLY, self._described(f"still running {limit:g} s after its input ended")
                )
            self._read_stderr()
            sleep(0 if ended else 0.001)
        if status := self._child.returncode:
            raise OutsideFailure(
                FailureKind.ENDED_BADLY, self._described(f"its input ended, and it ended {_how(status)}")
            )

    def kill(self) -> None:
        """Kill the child and the processes that it started."""
        with suppress(ProcessLookupError, PermissionError):  # PermissionError: only zombies are left (macOS)
            os.killpg(self._child.pid, signal.SIGKILL)
        for stream in (self._child.stdin, self._child.stdout, self._child.stderr):
            assert stream is not None
            stream.close()
        with suppress(subprocess.TimeoutExpired):  # a child that runs as another user cannot be killed
            self._child.wait(_GRACE)
        self._guard.dismiss()

    def _wait(self, deadline: float, limit: float) -> None:
        """Read output; raise if there can be no more, or not in time."""
        self.flush()
        silent = not self._poll_once(deadline)
        if self._lines:
            return
        now = monotonic()
        if silent or now - self._looked > _SLICE:
            self._looked = now
            if self._child.poll() is not None:  # other processes may hold the pipe open
                self._read_rest()
        if now > deadline and not self._lines:
            raise OutsideFailure(FailureKind.HUNG, self._described(f"no answer within {limit:g} s{self._half()}"))

    def _read_rest(self) -> None:
        """Read the last lines of a child that has ended; raise if there are none."""
        with suppress(BlockingIOError):
            while not self._lines:
                self._read_stdout()
        if not self._lines:
            raise OutsideFailure(
                FailureKind.DIED, self._described(f"ended {_how(self._child.returncode)}{self._half()}")
            )

    def _poll_once(self, deadline: float) -> bool:
        """Wait briefly for the child to read or write; returns whether it did."""
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
        """Handle the end of output: the child ended, or closed its standard output."""
        deadline = monotonic() + _GRACE
        while (status := self._child.poll()) is None and monotonic() < deadline:
            self._read_stderr()
            sleep(0.001)
        self._read_stderr()
        if status is None:
            raise OutsideFailure(
                FailureKind.CLOSED, self._described(f"closed its standard output, but is still running{self._half()}")
            )
        raise OutsideFailure(FailureKind.DIED, self._described(f"ended {_how(status)}{self._half()}"))

    def _read_stderr(self) -> None:
        with suppress(BlockingIOError):
            chunk = os.read(self._stderr, _CHUNK)
            if not chunk:
                with suppress(KeyError):
                    self._poll.unregister(self._stderr)
            self._tail = (self._tail + chunk)[-_TAIL:]

    def _half(self) -> str:
        return f", in the middle of the line {_quoted(self._begun)}" if self._begun else ""

    def _described(self, what: str) -> str:
        """The failure with the last line of standard error, and whether the child closed its input."""
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
    """The beginning of the child's output, quoted."""
    shown = text[:80].decode(errors="replace")
    return repr(shown + ("..." if len(text) > 80 else ""))
