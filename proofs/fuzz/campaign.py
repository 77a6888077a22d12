"""A campaign runs shards of random traces on several processes, and shrinks and stores one failure of each kind.

Which trace represents a kind does not depend on the speed of processes: failures are taken in the order of shards.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from pathlib import Path

from msgspec import Struct, field

from proofs.adapters import OutsideFailure
from proofs.parallel import Pool, tell, workers

from .finding import slug
from .known import GenerationFacts
from .shard import ShardResult
from .store import CampaignSettings, ShardRecord, ShrinkRecord, Store, write_finding
from .target import FailingTrace
from .tasks import Job, do, told_of

LOOK = 1.0
"""Seconds between two reports of progress, if no shard ends."""
MAY_DIE = 3
"""Deaths of worker processes after which a run still continues."""
ShardFuture = Future[ShardResult | ShrinkRecord | None]


class Budget(Struct, frozen=True):
    """When to stop: after a time or a total number of steps. One of them is given."""

    seconds: float | None = None
    steps: int | None = None


class Finding(Struct):
    """A kind of failure, after shrinking."""

    found: FailingTrace
    path: str
    traces: int
    """The number of failures of this kind."""
    again: bool
    """The failure occurred again when the trace was shrunk."""


class Totals(Struct):
    """The totals of the shards of one generation."""

    semantics: str
    known: GenerationFacts
    shards: int = 0
    traces: int = 0
    steps: int = 0
    seconds: float = 0.0
    hits: Counter[str] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)
    not_applicable: Counter[str] = field(default_factory=Counter)

    def unreached(self) -> list[str]:
        """Reachable classes that were not reached."""
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
    """The state of a campaign, initialised from the journal if there is one."""

    def __init__(
        self, settings: CampaignSettings, known: list[GenerationFacts], findings: Path, store: Store | None = None
    ) -> None:
        """``findings``: the folder for findings; ``store``: the folder of the campaign; None: it is not stored."""
        self.settings = settings
        self.totals = {one.semantics: Totals(one.semantics, one) for one in known}
        self.interrupted = False
        self.unusable = ""
        """Why the outside program could not be used any more, which ended the run; empty: it could."""
        self._known = known
        self._folder = findings
        self._store = store
        self._shards: dict[int, ShardResult] = {}
        self._frontier = 0  # all shards with a lower number are done
        self._first: dict[str, tuple[int, FailingTrace]] = {}
        self._failures: Counter[str] = Counter()
        self._shrunk: dict[str, ShrinkRecord] = {}
        for record in [] if store is None else store.records:
            if isinstance(record, ShardRecord):
                self._take_shard(record.result)
            else:
                self._take_shrunk(record)

    @property
    def steps(self) -> int:
        """Steps checked so far."""
        return sum(total.steps for total in self.totals.values())

    def findings(self) -> list[Finding]:
        """One failure of each kind: shrunk, or as it occurred if it is not shrunk yet."""
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
        """Run until the budget is spent and every kind of failure is shrunk, or until Ctrl-C."""
        ends = None if budget.seconds is None else time.monotonic() + budget.seconds
        todo = self._todo(ends, budget.steps)
        waiting: list[Job] = []  # jobs to repeat
        for _ in range(1 + MAY_DIE):
            running: dict[ShardFuture, Job] = {}
            try:
                with workers(jobs, executor) as pool:
                    self._work(pool, jobs, todo, waiting, running, progress)
            except BrokenExecutor:
                waiting += [job for future, job in running.items() if not self._took(future)]
                tell("a worker process died (killed, or out of memory); its work is repeated")
            else:
                return
        self.interrupted = True

    def _work(
        self,
        pool: Pool,
        jobs: int,
        todo: Iterator[Job | None],
        waiting: list[Job],
        running: dict[ShardFuture, Job],
        progress: Callable[[Campaign], None],
    ) -> None:
        """Run jobs on one pool; ``running`` holds the jobs in progress.

        :raises BrokenExecutor: a process died
        """
        try:
            while True:
                while len(running) <= jobs and (job := waiting[0] if waiting else next(todo)) is not None:
                    if not waiting:
                        waiting.append(job)  # repeated if the pool refuses it
                    future = pool.submit(do, job)
                    running[future] = waiting.pop(0)
                if not running:
                    return
                for future in pool.first(running, LOOK):
                    self._take(future.result())
                    del running[future]
                progress(self)
        except (KeyboardInterrupt, OutsideFailure) as stopped:
            self.interrupted = True
            self.unusable = str(stopped) if isinstance(stopped, OutsideFailure) else ""
            for future in pool.interrupted(running):
                if not isinstance(future.exception(), OutsideFailure):
                    self._take(future.result())

    def _took(self, future: ShardFuture) -> bool:
        """Take the result of a worker that finished before another one died."""
        if future.cancelled() or not future.done() or future.exception() is not None:
            return False
        self._take(future.result())
        return True

    def finish(self) -> None:
        """Store failures that were not shrunk as they occurred."""
        for kind, (shard, found) in self._first.items():
            if kind not in self._shrunk:
                write_finding(self._folder, found, told_of(Job(self.settings, self._known_of(shard), shard, found)))

    def _todo(self, ends: float | None, steps: int | None) -> Iterator[Job | None]:
        """The next jobs; None: there is no job now."""
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

    def _known_of(self, shard: int) -> GenerationFacts:
        return self._known[shard % len(self._known)]

    def _take(self, result: ShardResult | ShrinkRecord | None) -> None:
        """Record a worker's result, first in the journal."""
        if result is None:
            self.interrupted = True
        elif isinstance(result, ShrinkRecord):
            if self._store is not None:
                self._store.append(result)
            self._take_shrunk(result)
        else:
            if self._store is not None:
                self._store.append(ShardRecord(result))
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

    def _take_shrunk(self, done: ShrinkRecord) -> None:
        """Write the finding, unless an earlier finding is of the same kind after shrinking."""
        self._shrunk[done.kind] = done
        name = slug(done.found.failure)
        same = [k for k, other in self._shrunk.items() if slug(other.found.failure) == name]
        first = min(same, key=lambda kind: (self._first[kind][0], kind))
        if first == done.kind:
            write_finding(self._folder, done.found, done.told)
