"""Work spread over processes; Ctrl-C keeps what is done."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from functools import partial
from typing import Protocol, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def default_jobs() -> int:
    """As many processes as this process may use processors."""
    return len(os.sched_getaffinity(0))


def _ignore_interrupts(also: Callable[[], None] | None = None) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if also is not None:
        also()


def _interruptible(work: Callable[[Item], Result], item: Item) -> Result:
    """Run the work so that Ctrl-C reaches it, and only it: a process that waits for work is not disturbed."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return work(item)
    finally:
        _ignore_interrupts()


class Submit(Protocol):
    """Gives work to a pool."""

    def __call__(self, work: Callable[[Item], Result], item: Item) -> Future[Result]:
        """The result to come."""


@contextmanager
def workers(jobs: int, executor: Executor | None = None, prepare: Callable[[], None] | None = None) -> Iterator[Submit]:
    """A pool of processes, or the given executor, that work is submitted to piece by piece.

    Ctrl-C reaches what runs: ``work`` must return at a KeyboardInterrupt. The processes end with this one, even if it
    is killed. ``prepare`` is called once in each.
    """
    if executor is not None:
        yield lambda work, item: executor.submit(work, item)  # noqa: PLW0108  # of exactly this type
        return
    pool = ProcessPoolExecutor(max_workers=jobs, initializer=_begin, initargs=(os.getpid(), prepare))
    try:
        yield lambda work, item: pool.submit(partial(_interruptible, work), item)
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(parent: int, prepare: Callable[[], None] | None) -> None:
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    _ignore_interrupts(prepare)


def _end_with(parent: int) -> None:
    """A pool's process would wait for work for ever if its parent was killed."""
    while os.getppid() == parent:
        time.sleep(_LOOK)
    os._exit(1)


_LOOK = 0.5  # seconds


HOPELESS = 5
"""Deaths of a process in a row, without a result, after which no other is begun."""


def in_processes(
    work: Callable[[Item], Result],
    items: Sequence[Item],
    jobs: int,
    executor: Executor | None = None,
    prepare: Callable[[], None] | None = None,
    lost: Callable[[int], None] | None = None,
) -> Iterator[tuple[int, Result]]:
    """(index, result) of ``work(item)`` as they end, on ``jobs`` processes (or the given executor).

    On Ctrl-C what has not begun is dropped; what runs gets the interrupt too, and its result is still given. ``work``
    must therefore return at a KeyboardInterrupt. ``prepare`` is called once in each process.

    If a process dies, killed or out of memory, what is not done is done again by one process alone. An item at which
    that dies as well has no result: ``lost`` is told, or else a line on standard error.
    """
    todo: dict[int, Item] = dict(enumerate(items))
    in_a_row = 0  # deaths of the process that works alone, without a result
    alone = False
    while todo:
        try:
            with workers(1 if alone else min(jobs, len(items)), executor, prepare) as submit:
                for index, result in _as_they_end(submit, work, dict(todo)):
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


def _as_they_end(
    submit: Submit, work: Callable[[Item], Result], items: Mapping[int, Item]
) -> Iterator[tuple[int, Result]]:
    """The same on one pool.

    :raises BrokenExecutor: a process died; what others had done was given before
    """
    futures: dict[Future[Result], int] = {submit(work, item): index for index, item in items.items()}
    given: set[Future[Result]] = set()
    broken: BrokenExecutor | None = None
    try:
        for future in as_completed(futures):
            given.add(future)
            try:
                result = future.result()
            except (BrokenExecutor, MemoryError) as error:
                broken = error if isinstance(error, BrokenExecutor) else BrokenExecutor("out of memory")
                continue
            yield futures[future], result
    except KeyboardInterrupt:
        for future in futures:
            future.cancel()
        for future, index in futures.items():
            if future not in given and not future.cancelled():
                yield index, future.result()
        return
    if broken is not None:
        raise broken
