"""What a worker of a campaign does: a shard, or the shrinking of a failure."""

from __future__ import annotations

from functools import lru_cache

from msgspec import Struct

from .known import Known
from .shard import ShardResult, run_shard
from .store import Settings, ShrunkDone
from .target import Found, Model, Target, Told


class Job(Struct, frozen=True):
    """One piece of work."""

    settings: Settings
    known: Known
    shard: int
    """The shard to run; of a failure, where it was found."""
    found: Found | None = None
    """The failure to shrink; none: run the shard."""


def do(job: Job) -> ShardResult | ShrunkDone | None:
    """Do it; none if it was interrupted."""
    try:
        target = _target(job)
        if job.found is None:
            settings = job.settings
            return run_shard(target, job.known, settings.seed, job.shard, settings.shard_steps, settings.guided)
        small = target.shrunk(job.found)
        found = job.found if small is None else small
        return ShrunkDone(job.found.failure.kind, found, target.told(found), small is not None)
    except KeyboardInterrupt:
        return None


def told_of(job: Job) -> Told:
    """The failure of a job as it was met.

    :raises ValueError: it has none
    """
    if job.found is None:
        raise ValueError("a shard has nothing to tell")
    return _target(job).told(job.found)


def _target(job: Job) -> Target:
    return _model(job.known.semantics, tuple(job.known.proved), tuple(job.known.classes.items()))


@lru_cache(maxsize=64)
def _model(semantics: str, proved: tuple[str, ...], classes: tuple[tuple[str, str], ...]) -> Target:
    return Model(Known(semantics, list(proved), dict(classes)))
