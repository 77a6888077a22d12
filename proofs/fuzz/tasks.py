"""What a worker of a campaign does: a shard, or the shrinking of a failure."""

from __future__ import annotations

import atexit

from msgspec import Struct

from .known import Known
from .program import Program
from .shard import ShardResult, run_shard
from .store import CampaignSettings, ShrunkDone
from .target import FailingTrace, Model, Target, Told


class Job(Struct, frozen=True):
    """One piece of work."""

    settings: CampaignSettings
    known: Known
    shard: int
    """The shard to run; of a failure, where it was found."""
    found: FailingTrace | None = None
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
    """The same for all jobs of a campaign in this process."""
    settings, known = job.settings, job.known
    key = (known.semantics, tuple(known.proved), settings.against, settings.step_limit, settings.start_limit)
    if key not in _TARGETS:
        _TARGETS[key] = (
            Model(known)
            if settings.against is None
            else Program(known, settings.against, settings.step_limit, settings.start_limit)
        )
    return _TARGETS[key]


_TARGETS: dict[object, Target] = {}


@atexit.register
def _close() -> None:
    """Programs are not left behind."""
    for target in _TARGETS.values():
        if isinstance(target, Program):
            target.close()
