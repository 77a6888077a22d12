"""Work spread over processes; Ctrl-C keeps what is done."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager, suppress
from typing import TypeVar

from proofs import interrupts, rules

Item = TypeVar("Item")
Result = TypeVar("Result")

GRACE = 1.0
"""Seconds after Ctrl-C for what runs to end with what it has done. What runs longer is killed, and not done."""
HOPELESS = 5
"""Deaths of a process in a row, without a result, after which no other is begun."""
_LOOK = 0.5
"""Seconds between two checks of a process whether its parent is still there."""
_HEAR = 0.1
"""Seconds between two checks whether Ctrl-C was noted."""


class InterruptedWorkError(Exception):
    """Ctrl-C came before the work was done."""


def default_jobs() -> int:
    """As many processes as this process may use processors."""
    return len(os.sched_getaffinity(0))


class Pool:
    """Processes, or an executor, that work is submitted to piece by piece."""

    def __init__(self, executor: Executor, own: bool) -> None:
        self._executor, self._own = executor, own
        self._not_ours = set(multiprocessing.active_children())

    def submit(self, work: Callable[[Item], Result], item: Item) -> Future[Result]:
        """The result to come."""
        if self._own:
            return self._executor.submit(_begun, work, item)
        return self._executor.submit(_with_rules, rules.files(), work, item)

    def first(self, running: Collection[Future[Result]], timeout: float | None = None) -> set[Future[Result]]:
        """Those that are done, as soon as there is one; none after so many seconds.

        :raises KeyboardInterrupt: Ctrl-C was noted
        """
        ends = None if timeout is None else time.monotonic() + timeout
        while True:
            interrupts.raise_if_interrupted()
            done = wait(running, _HEAR, FIRST_COMPLETED).done
            if any(isinstance(future.exception(), InterruptedWorkError) for future in done):
                raise KeyboardInterrupt  # a terminal's reaches all processes, and another one was faster
            if done or (ends is not None and time.monotonic() >= ends):
                return done

    def interrupted(self, running: Collection[Future[Result]]) -> list[Future[Result]]:
        """After Ctrl-C: those that end within the time of grace, with what was done. Nothing else is begun."""
        self.send(signal.SIGINT)  # a terminal's has reached them already, that of another process has not
        if not self._own:  # our own begin nothing; where a process is killed, Python fails at a cancelled future
            for future in running:
                future.cancel()
        done = wait([future for future in running if future.running() or future.done()], GRACE).done
        return [
            f for f in running if f in done and not isinstance(f.exception(), InterruptedWorkError | BrokenExecutor)
        ]

    def send(self, number: signal.Signals) -> None:
        """Send a signal to each process, where they are our own."""
        for process in set(multiprocessing.active_children()) - self._not_ours if self._own else ():
            with suppress(ProcessLookupError):
                os.kill(process.pid or 0, number)


@contextmanager
def workers(
    jobs: int, executor: Executor | None = None, prepare: Callable[[], None] | None = None, each_apart: bool = False
) -> Iterator[Pool]:
    """A pool of processes, or the given executor.

    Until the end Ctrl-C is noted, for `Pool.first`. It reaches what runs: ``work`` should return then with what it has
    done, or raise KeyboardInterrupt. The processes end with this one, even if it is killed. ``prepare`` is called once
    in each; with ``each_apart`` every piece of work gets a new process that has done nothing before.
    """
    with interrupts.interrupts_noted():
        if executor is not None:
            yield Pool(executor, own=False)
            return
        processes = ProcessPoolExecutor(
            jobs,
            multiprocessing.get_context("forkserver" if each_apart else None),
            initializer=_begin,
            initargs=(None if each_apart else os.getpid(), prepare, rules.files()),
            max_tasks_per_child=1 if each_apart else None,
        )
        pool = Pool(processes, own=True)
        whole = False
        try:
            yield pool
            whole = not interrupts.is_interrupted()
        finally:
            if not whole:
                pool.send(signal.SIGKILL)
            processes.shutdown(cancel_futures=True)


def _begin(parent: int | None, prepare: Callable[[], None] | None, files: Sequence[rules.RulesFile]) -> None:
    """``parent``: none where another process forks for it."""
    threading.Thread(target=_end_with, args=(parent or os.getppid(),), daemon=True).start()
    interrupts.begin_worker()
    rules.add_all(files)
    if prepare is not None:
        prepare()


def _with_rules(files: Sequence[rules.RulesFile], work: Callable[[Item], Result], item: Item) -> Result:
    """The work in a process that is not ours, which does not know the rules that are loaded here."""
    rules.add_all(files)
    return work(item)


def _begun(work: Callable[[Item], Result], item: Item) -> Result:
    """Run the work so that Ctrl-C reaches it. A process that waits for work only notes it, and then begins nothing."""
    if interrupts.is_interrupted():
        raise InterruptedWorkError
    try:
        signal.signal(signal.SIGINT, interrupts.note_and_raise)
        return work(item)
    except BaseException:  # raised inside of ctypes Ctrl-C is another exception
        if interrupts.is_interrupted():
            raise InterruptedWorkError from None
        raise
    finally:
        signal.signal(signal.SIGINT, interrupts.note)


def _end_with(parent: int) -> None:
    """A pool's process would wait for work for ever if its parent was killed."""
    while os.getppid() == parent:
        time.sleep(_LOOK)
    os._exit(1)


def in_processes(
    work: Callable[[Item], Result],
    items: Sequence[Item],
    jobs: int,
    executor: Executor | None = None,
    prepare: Callable[[], None] | None = None,
    lost: Callable[[int], None] | None = None,
    each_apart: bool = False,
) -> Iterator[tuple[int, Result]]:
    """(index, result) of ``work(item)`` as they end, on ``jobs`` processes (or the given executor).

    On Ctrl-C what has not begun is dropped; what runs gets the interrupt too, and its result is still given if it
    returns within `GRACE`. ``prepare`` is called once in each process; ``each_apart`` is as in `workers`.

    If a process dies, killed or out of memory, what is not done is re-run by one process alone. An item at which
    that dies as well has no result: ``lost`` is called with it, or a line goes to standard error.
    """
    todo: dict[int, Item] = dict(enumerate(items))
    in_a_row = 0  # deaths of the process that works alone, without a result
    alone = False
    while todo:
        try:
            with workers(1 if alone else min(jobs, len(items)), executor, prepare, each_apart) as pool:
                for index, result in _as_they_end(pool, work, dict(todo)):
                    del todo[index]
                    in_a_row = 0
                    yield index, result
            todo.clear()  # what Ctrl-C dropped is not done
        except BrokenExecutor:
            if alone:  # it takes the items in order: it died at the first that is not done
                in_a_row += 1
                for index in list(todo)[: None if in_a_row == HOPELESS else 1]:
                    del todo[index]
                    (lost or _say_lost)(index)
            alone = True


def _say_lost(index: int) -> None:
    tell(f"a worker process died twice at part {index + 1}: killed, or out of memory")


def tell(what: str) -> None:
    """A line on standard error about what went wrong around a run, and not with what it found."""
    sys.stderr.write(f"claimcheck: {what}\n")


def _as_they_end(pool: Pool, work: Callable[[Item], Result], items: Mapping[int, Item]) -> Iterator[tuple[int, Result]]:
    """The same on one pool.

    :raises BrokenExecutor: a process died; what others had done was given before
    """
    broken: BrokenExecutor | None = None
    running: dict[Future[Result], int] = {}
    try:
        for index, item in items.items():
            running[pool.submit(work, item)] = index
        while running:
            for future in pool.first(running):
                index = running.pop(future)
                try:
                    result = future.result()
                except (BrokenExecutor, MemoryError) as error:
                    broken = error if isinstance(error, BrokenExecutor) else BrokenExecutor("out of memory")
                    continue
                yield index, result
    except KeyboardInterrupt:
        for future in pool.interrupted(running):
            yield running[future], future.result()
        return
    if broken is not None:
        raise broken
