"""A shard of a campaign: traces of consecutive seeds, up to a number of steps. A shard always has the same result."""

from __future__ import annotations

import gc
import hashlib
import time
from collections import Counter

from msgspec import Struct

from proofs.operations import OPERATIONS

from .known import GenerationFacts
from .leads import favourable
from .target import FailingTrace, Target

STEPS = 20_000
"""The approximate number of critical sections in a shard: it ends with the trace that reaches it."""

MOST_HANGS = 3
"""Traces in which an outside program hangs, after which a shard ends: each takes the limit twice."""

_FAVOUR = 3.0
_LOOK = 8
"""Traces between two updates of the missing classes."""


class ShardResult(Struct):
    """The result of a shard."""

    index: int
    semantics: str
    traces: int = 0
    steps: int = 0
    seconds: float = 0.0
    """Processor seconds."""
    hits: dict[str, int] = {}
    broken: dict[str, int] = {}
    failures: dict[str, int] = {}
    """Kind of failure -> number of traces."""
    found: list[FailingTrace] = []
    """The first trace of each kind."""
    not_applicable: dict[str, int] = {}
    """Reasons why events or whole traces were not sent to an outside program -> number."""


def seed_of(campaign: int, shard: int, number: int) -> int:
    """The seed of a trace: 64 bits, unique."""
    return int.from_bytes(hashlib.sha256(f"{campaign}/{shard}/{number}".encode()).digest()[:8])


def run_shard(
    target: Target, known: GenerationFacts, seed: int, index: int, steps: int = STEPS, guided: bool = True
) -> ShardResult:
    """Run the traces of a shard.

    :param guided: favour operations that reach classes not yet seen in this shard
    """
    started = time.process_time()
    result = ShardResult(index, known.semantics)
    hits: Counter[str] = Counter()
    broken: Counter[str] = Counter()
    not_applicable: Counter[str] = Counter()
    missing = set(known.reachable())
    hangs = 0
    wanted: dict[str, float] = {}
    target.hits()  # drop counts of earlier shrinking in this process
    was_enabled = gc.isenabled()
    gc.disable()  # the compiled calls are many objects, and a trace leaves no cycles (tested)
    try:
        while result.steps < steps and hangs < MOST_HANGS:
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
                hangs += trial.failure.hangs
                result.failures[kind] = result.failures.get(kind, 0) + 1
                if result.failures[kind] == 1:
                    result.found.append(FailingTrace(trial.host, trial.events, trial.failure, trial.seed))
            if not trial.sections:
                result.steps += 1  # a trace that was not run also counts, so that the shard ends
    finally:
        if was_enabled:
            gc.enable()
    if hangs == MOST_HANGS:
        not_applicable[f"the rest of a shard, in {MOST_HANGS} traces of which the program hung"] += 1
    hits.update(target.hits())
    result.hits, result.broken, result.not_applicable = dict(hits), dict(broken), dict(not_applicable)
    result.seconds = time.process_time() - started
    return result


def favoured(missing: set[str]) -> dict[str, float]:
    """Factors for the operations that reach missing classes; empty when most classes are missing."""
    wanted: dict[str, float] = {}
    for name in missing:
        for operation in favourable(name):
            if operation in OPERATIONS:
                wanted[operation] = _FAVOUR
    return wanted if len(wanted) < len(OPERATIONS) / 2 else {}
