"""A campaign: shards of random traces, spread over processes, and their failures shrunk and stored once a kind.

Which trace stands for a kind does not depend on which process was faster: failures are taken in the order of shards.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from pathlib import Path

from msgspec import Struct, field

from proofs.parallel import Pool, tell, workers

from .finding import slug
from .known import Known
from .shard import ShardResult
from .store import CampaignSettings, ShardDone, ShrunkDone, Store, write_finding
from .target import FailingTrace
from .tasks import Job, do, told_of

LOOK = 1.0
"""Seconds between two looks at the progress, where no shard ends."""
MAY_DIE = 3
"""Deaths of a worker process that a run goes on after."""
Running = Future[ShardResult | ShrunkDone | None]


class Budget(Struct, frozen=True):
    """When to stop: by time, or when so many steps are done in all. One of them is given."""

    seconds: float | None = None
    steps: int | None = None


class Finding(Struct):
    """A kind of failure, after shrinking."""

    found: FailingTrace
    path: str
    traces: int
    """How many failed so."""
    again: bool
    """It was seen again when it was shrunk."""


class Totals(Struct):
    """What the shards of one semantics gave."""

    semantics: str
    known: Known
    shards: int = 0
    traces: int = 0
    steps: int = 0
    seconds: float = 0.0
    hits: Counter[str] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)
    not_applicable: Counter[str] = field(default_factory=Counter)

    def unreached(self) -> list[str]:
        """Classes that can be reached, and were not."""
        return [name for name in self.known.reachable() if not self.hits[name]]

    def add(self, result: ShardResult) -> None:
        """Count a shard."""
        self.shards += 1
        self.traces += result.traces
        self.steps += result.steps
        self.seconds += result.seconds
        self.hits.update(result.hits)
        self.broken.update(result.broken)
        self.not_applicable.update(result.not_applicable)


class Campaign:
    """The state of a campaign; what a journal tells is there from the start."""

    def __init__(
        self, settings: CampaignSettings, known: list[Known], findings: Path, store: Store | None = None
    ) -> None:
        """``findings``: the folder for them; ``store``: where the rest is kept, if it is."""
        self.settings = settings
        self.totals = {one.semantics: Totals(one.semantics, one) for one in known}
        self.interrupted = False
        self._known = known
        self._folder = findings
        self._store = store
        self._shards: dict[int, ShardResult] = {}
        self._frontier = 0  # all shards below are done
        self._first: dict[str, tuple[int, FailingTrace]] = {}
        self._failures: Counter[str] = Counter()
        self._shrunk: dict[str, ShrunkDone] = {}
        for record in [] if store is None else store.records:
            if isinstance(record, ShardDone):
                self._take_shard(record.result)
            else:
                self._take_shrunk(record)

    @property
    def steps(self) -> int:
        """Checked so far."""
        return sum(total.steps for total in self.totals.values())

    def findings(self) -> list[Finding]:
        """Every kind of failure once: shrunk, or as it was met where that is not done."""
        found: dict[str, Finding] = {}
        for kind, (_, first) in sorted(self._first.items(), key=lambda item: (item[1][0], item[0])):
            done = self._shrunk.get(kind)
            one = first if done is None else done.found
            name = slug(one.failure)
            if name not in found:
                path = str(self._folder / f"{name}.jsonl")
                found[name] = Finding(one, path, 0, done is not None and done.again)
            found[name].traces += self._failures[kind]
        return list(found.values())

    def run(
        self,
        budget: Budget,
        jobs: int,
        executor: Executor | None = None,
        progress: Callable[[Campaign], None] = lambda _campaign: None,
    ) -> None:
        """Work until the budget is spent and every kind of failure is shrunk, or Ctrl-C."""
        ends = None if budget.seconds is None else time.monotonic() + budget.seconds
        todo = self._todo(ends, budget.steps)
        waiting: list[Job] = []  # to be done again
        for _ in range(1 + MAY_DIE):
            running: dict[Running, Job] = {}
            try:
                with workers(jobs, executor) as pool:
                    self._work(pool, jobs, todo, waiting, running, progress)
            except BrokenExecutor:
                waiting += [job for future, job in running.items() if not self._took(future)]
                tell("a worker process died: killed, or out of memory; what it was doing is done again")
            else:
                return
        self.interrupted = True

    def _work(
        self,
        pool: Pool,
        jobs: int,
        todo: Iterator[Job | None],
        waiting: list[Job],
        running: dict[Running, Job],
        progress: Callable[[Campaign], None],
    ) -> None:
        """Work on one pool; what runs is kept in ``running``.

        :raises BrokenExecutor: a process died
        """
        try:
            while True:
                while len(running) <= jobs and (job := waiting[0] if waiting else next(todo)) is not None:
                    if not waiting:
                        waiting.append(job)  # it waits as long as the pool may refuse it
                    future = pool.submit(do, job)
                    running[future] = waiting.pop(0)
                if not running:
                    return
                for future in pool.first(running, LOOK):
                    self._take(future.result())
                    del running[future]
                progress(self)
        except KeyboardInterrupt:
            self.interrupted = True
            for future in pool.interrupted(running):
                self._take(future.result())

    def _took(self, future: Running) -> bool:
        """Take what a worker had done before another one died."""
        if future.cancelled() or not future.done() or future.exception() is not None:
            return False
        self._take(future.result())
        return True

    def finish(self) -> None:
        """Store the failures that were not shrunk as they were met."""
        for kind, (shard, found) in self._first.items():
            if kind not in self._shrunk:
                write_finding(self._folder, found, told_of(Job(self.settings, self._known_of(shard), shard, found)))

    def _todo(self, ends: float | None, steps: int | None) -> Iterator[Job | None]:
        """What to do next; none: nothing now."""
        begun_kinds: set[str] = set()
        shard = 0
        while True:
            kind = next((k for k in self._first if k not in self._shrunk and k not in begun_kinds), None)
            if kind is not None:
                begun_kinds.add(kind)
                number, found = self._first[kind]
                yield Job(self.settings, self._known_of(number), number, found)
                continue
            while shard in self._shards:
                shard += 1
            over = ends is not None and time.monotonic() >= ends and shard >= len(self._known)
            if over or (steps is not None and shard * self.settings.shard_steps >= steps):
                yield None
            else:
                yield Job(self.settings, self._known_of(shard), shard)
                shard += 1

    def _known_of(self, shard: int) -> Known:
        return self._known[shard % len(self._known)]

    def _take(self, result: ShardResult | ShrunkDone | None) -> None:
        """Keep what a worker did: in the journal first."""
        if result is None:
            self.interrupted = True
        elif isinstance(result, ShrunkDone):
            if self._store is not None:
                self._store.append(result)
            self._take_shrunk(result)
        else:
            if self._store is not None:
                self._store.append(ShardDone(result))
            self._take_shard(result)

    def _take_shard(self, result: ShardResult) -> None:
        if result.index in self._shards:
            return
        self._shards[result.index] = result
        self.totals[result.semantics].add(result)
        self._failures.update(result.failures)
        while self._frontier in self._shards:
            for found in self._shards[self._frontier].found:
                self._first.setdefault(found.failure.kind, (self._frontier, found))
            self._frontier += 1

    def _take_shrunk(self, done: ShrunkDone) -> None:
        """Write the finding, unless one that was found earlier has the same kind after shrinking."""
        self._shrunk[done.kind] = done
        name = slug(done.found.failure)
        same = [k for k, other in self._shrunk.items() if slug(other.found.failure) == name]
        first = min(same, key=lambda kind: (self._first[kind][0], kind))
        if first == done.kind:
            write_finding(self._folder, done.found, done.told)
