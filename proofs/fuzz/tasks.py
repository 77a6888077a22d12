"""The work of a worker process: run a shard, or shrink a failure."""

from __future__ import annotations

import atexit
from contextlib import AbstractContextManager, nullcontext

from msgspec import Struct

from proofs.mistakes.planted import planted

from .known import GenerationFacts
from .program import Program
from .shard import ShardResult, run_shard
from .store import CampaignSettings, ShrinkRecord
from .target import FailingTrace, Model, StoredFinding, Target


class Job(Struct, frozen=True):
    """A shard to run, or a failure to shrink."""

    settings: CampaignSettings
    known: GenerationFacts
    shard: int
    """The shard to run, or in which the failure was found."""
    found: FailingTrace | None = None
    """The failure to shrink; None: run the shard."""


def do(job: Job) -> ShardResult | ShrinkRecord | None:
    """Run the job; None: it was interrupted."""
    try:
        with _reference(job):
            return _done(job)
    except KeyboardInterrupt:
        return None


def _done(job: Job) -> ShardResult | ShrinkRecord:
    target = _target(job)
    if job.found is None:
        settings = job.settings
        return run_shard(target, job.known, settings.seed, job.shard, settings.shard_steps, settings.guided)
    small = target.shrunk(job.found)
    found = job.found if small is None else small
    return ShrinkRecord(job.found.failure.kind, found, target.told(found), small is not None)


def _reference(job: Job) -> AbstractContextManager[None]:
    """The reference of the job: right, or with a deliberate mistake."""
    return planted(job.settings.mistake) if job.settings.mistake else nullcontext()


def told_of(job: Job) -> StoredFinding:
    """The files of a job's failure as it occurred, before shrinking.

    :raises ValueError: the job has no failure
    """
    if job.found is None:
        raise ValueError("this job runs a shard and has no failure")
    with _reference(job):
        return _target(job).told(job.found)


def _target(job: Job) -> Target:
    """The target, shared by all jobs of a campaign in this process."""
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
    """End the programs that this process started."""
    for target in _TARGETS.values():
        if isinstance(target, Program):
            target.close()
