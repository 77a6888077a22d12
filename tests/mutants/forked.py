"""Work done in forked processes, one a piece: each begins with all that this process has loaded, and may spoil it.

A piece reports its progress; one that runs too long, or takes too much memory, is ended by its own limits or by ours.
"""

from __future__ import annotations

import gc
import os
import resource
import selectors
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

import msgspec

Item = TypeVar("Item")

MEMORY = 3 << 30
"""Bytes of address space beyond what is there when a piece begins."""
_WALL = 60.0
"""Seconds by the clock for each second of processor time that a stage may take, and as many more at least."""


class Report:
    """What a piece of work says while it runs; written whole, a line at a time."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def stage(self, name: str, seconds: float) -> None:
        """The next stage begins: it may take so much processor time from now on."""
        self._write({"stage": name, "seconds": seconds})
        used = resource.getrusage(resource.RUSAGE_SELF)
        limit = int(used.ru_utime + used.ru_stime + seconds) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))

    def end(self, answer: object) -> None:
        """The last thing said."""
        self._write({"answer": answer})

    def _write(self, said: dict[str, object]) -> None:
        data = msgspec.json.encode(said) + b"\n"
        while data:
            data = data[os.write(self._handle, data) :]


class WorkOutcome(msgspec.Struct):
    """How a piece of work ended."""

    answer: msgspec.Raw | None
    """None: it was ended before it had one."""
    stage: str
    """The last that began."""
    seconds: float
    """Seconds of processor time."""
    by_limit: bool
    """It took more processor time than it may. Ended by the clock, it says nothing: the machine may have been busy."""


class _RunningWork(Generic[Item]):
    def __init__(self, item: Item, pid: int, handle: int) -> None:
        self.item, self.pid, self.handle = item, pid, handle
        self.said = b""
        self.ends = time.monotonic() + 60


def forked(
    work: Callable[[Item, Report], object], items: Iterable[Item], jobs: int
) -> Iterator[tuple[Item, WorkOutcome]]:
    """Each item's ending, as they end; ``work`` is called in a process of its own for each."""
    gc.collect()
    gc.freeze()
    waiting = iter(items)
    running: dict[int, _RunningWork[Item]] = {}
    with selectors.DefaultSelector() as selector:
        try:
            while True:
                while len(running) < jobs and (item := next(waiting, None)) is not None:
                    one = _begin(work, item)
                    running[one.handle] = one
                    selector.register(one.handle, selectors.EVENT_READ)
                if not running:
                    return
                for key, _ in selector.select(timeout=0.5):
                    one = running[int(key.fd)]
                    data = os.read(one.handle, 1 << 16)
                    if data:
                        _heard(one, data)
                    else:
                        selector.unregister(one.handle)
                        del running[one.handle]
                        yield one.item, _ended(one)
                for one in running.values():
                    if time.monotonic() > one.ends:
                        os.kill(one.pid, signal.SIGKILL)
        finally:
            for one in running.values():
                os.kill(one.pid, signal.SIGKILL)
                _ended(one)


def _begin(work: Callable[[Item, Report], object], item: Item) -> _RunningWork[Item]:
    sys.stdout.flush()
    sys.stderr.flush()
    read, write = os.pipe()
    pid = os.fork()
    if pid:
        os.close(write)
        return _RunningWork(item, pid, read)
    status = 1
    try:  # the child must not continue the work of its parent
        os.close(read)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()  # noqa: SIM115
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
        report = Report(write)
        report.end(work(item, report))
        status = 0
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def _heard(one: _RunningWork[Item], data: bytes) -> None:
    one.said += data
    for line in data.splitlines():
        if line.startswith(b'{"stage"') and line.endswith(b"}"):
            seconds = msgspec.json.decode(line)["seconds"]
            one.ends = time.monotonic() + max(60.0, seconds * _WALL)


def _ended(one: _RunningWork[Item]) -> WorkOutcome:
    os.close(one.handle)
    _, status, used = os.wait4(one.pid, 0)
    answer, stage = None, ""
    for line in one.said.splitlines(keepends=True):
        if not line.endswith(b"\n"):
            break  # it was ended in the middle of a word
        said = msgspec.json.decode(line, type=dict[str, msgspec.Raw])
        if "answer" in said:
            answer = said["answer"]
        else:
            stage = msgspec.json.decode(said["stage"], type=str)
    return WorkOutcome(
        answer, stage, used.ru_utime + used.ru_stime, os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU
    )
