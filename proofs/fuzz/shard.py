"""A part of a campaign: traces of consecutive seeds, up to a number of steps. The same shard gives the same result."""

from __future__ import annotations

import gc
import hashlib
import time
from collections import Counter

from msgspec import Struct

from proofs.operations import OPERATIONS

from .known import Known
from .leads import favourable
from .target import FailingTrace, Target

STEPS = 20_000
"""Critical sections of a shard, about: it ends with the trace that reaches them."""

_FAVOUR = 3.0
_LOOK = 8
"""Traces between two looks at which classes are missing."""


class ShardResult(Struct):
    """What a shard gave."""

    index: int
    semantics: str
    traces: int = 0
    steps: int = 0
    seconds: float = 0.0
    """Of one processor."""
    hits: dict[str, int] = {}
    broken: dict[str, int] = {}
    failures: dict[str, int] = {}
    """Kind of failure -> how many traces."""
    found: list[FailingTrace] = []
    """The first trace of each kind."""
    not_applicable: dict[str, int] = {}
    """Why events, or whole traces, were not asked of an outside program."""


def seed_of(campaign: int, shard: int, number: int) -> int:
    """The seed of a trace: of 64 bits, none like another."""
    return int.from_bytes(hashlib.sha256(f"{campaign}/{shard}/{number}".encode()).digest()[:8])


def run_shard(
    target: Target, known: Known, seed: int, index: int, steps: int = STEPS, guided: bool = True
) -> ShardResult:
    """Try the traces of a shard.

    :param guided: favour operations that lead to classes not yet seen in this shard
    """
    started = time.process_time()
    result = ShardResult(index, known.semantics)
    hits: Counter[str] = Counter()
    broken: Counter[str] = Counter()
    not_applicable: Counter[str] = Counter()
    missing = set(known.reachable())
    wanted: dict[str, float] = {}
    target.hits()  # what shrinking did before, in the same process, is not this shard's
    was_enabled = gc.isenabled()
    gc.disable()  # the compiled calls are many objects, and a trace leaves no cycles (tested)
    try:
        while result.steps < steps:
            if result.traces % _LOOK == 0:
                hits.update(target.hits())
                missing -= hits.keys()
                wanted = favoured(missing) if guided else {}
            trial = target.trial(seed_of(seed, index, result.traces), wanted)
            result.traces += 1
            result.steps += trial.sections
            broken.update(trial.broken)
            not_applicable.update(trial.not_applicable)
            if trial.failure is not None:
                kind = trial.failure.kind
                result.failures[kind] = result.failures.get(kind, 0) + 1
                if result.failures[kind] == 1:
                    result.found.append(FailingTrace(trial.host, trial.events, trial.failure, trial.seed))
            if not trial.sections:
                result.steps += 1  # a trace that could not be tried: the shard ends all the same
    finally:
        if was_enabled:
            gc.enable()
    hits.update(target.hits())
    result.hits, result.broken, result.not_applicable = dict(hits), dict(broken), dict(not_applicable)
    result.seconds = time.process_time() - started
    return result


def favoured(missing: set[str]) -> dict[str, float]:
    """Factors for the operations that lead to missing classes; none when most are missing."""
    wanted: dict[str, float] = {}
    for name in missing:
        for operation in favourable(name):
            if operation in OPERATIONS:
                wanted[operation] = _FAVOUR
    return wanted if len(wanted) < len(OPERATIONS) / 2 else {}
