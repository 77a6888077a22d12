"""Work spread over processes; Ctrl-C keeps what is done."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from functools import partial
from typing import TypeVar

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


def in_processes(
    work: Callable[[Item], Result],
    items: Sequence[Item],
    jobs: int,
    executor: Executor | None = None,
    prepare: Callable[[], None] | None = None,
) -> Iterator[tuple[int, Result]]:
    """(index, result) of ``work(item)`` as they end, on ``jobs`` processes (or the given executor).

    On Ctrl-C what has not begun is dropped; what runs gets the interrupt too, and its result is still given. ``work``
    must therefore return at a KeyboardInterrupt. ``prepare`` is called once in each process.
    """
    pool: Executor
    if executor is None:
        pool = ProcessPoolExecutor(
            max_workers=min(jobs, len(items)), initializer=_ignore_interrupts, initargs=(prepare,)
        )
        work = partial(_interruptible, work)
    else:
        pool = executor
    try:
        futures: dict[Future[Result], int] = {pool.submit(work, item): index for index, item in enumerate(items)}
        given: set[Future[Result]] = set()
        try:
            for future in as_completed(futures):
                given.add(future)
                yield futures[future], future.result()
        except KeyboardInterrupt:
            for future in futures:
                future.cancel()
            for future, index in futures.items():
                if future not in given and not future.cancelled():
                    yield index, future.result()
    finally:
        if executor is None:
            pool.shutdown(cancel_futures=True)
