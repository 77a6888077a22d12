"""Is each known mistake of ``claimcheck serve --mistake`` found, how soon, and how small does its trace become?"""

from __future__ import annotations

import shlex
import sys
import time
from itertools import count

from msgspec import Struct

from .known import known_of
from .program import Program
from .shard import seed_of
from .target import FailingTrace


class Hunt(Struct, frozen=True):
    """What became of looking for a mistake."""

    bug: str
    semantics: str
    found: FailingTrace | None
    """As small as it became; none: nothing was found in time."""
    steps: int
    """Critical sections until it was found."""
    events_before: int
    """Of the trace in which it was found."""
    seconds_to_find: float
    seconds_to_shrink: float


def serve_with(bug: str) -> str:
    """The command of the reference with a mistake."""
    return shlex.join([sys.executable, "-m", "proofs.cli.main", "serve", "--mistake", bug])


def hunt(bug: str, seed: int = 0, seconds: float = 60.0, semantics: str = "claim-sets") -> Hunt:
    """Look for a mistake in a generation that it fits, and shrink what is found."""
    known = known_of(semantics)
    program = Program(known, serve_with(bug), 60.0, 60.0, shrinking=None)
    begun = time.monotonic()
    steps = 0
    try:
        for number in count():
            trial = program.trial(seed_of(seed, 0, number), {})
            steps += trial.sections
            found_at = time.monotonic() - begun
            if trial.failure is not None:
                first = FailingTrace(trial.host, trial.events, trial.failure, trial.seed)
                small = program.shrunk(first)
                shrunk_at = time.monotonic() - begun
                return Hunt(bug, semantics, small, steps, len(first.events), found_at, shrunk_at - found_at)
            if found_at > seconds:
                return Hunt(bug, semantics, None, steps, 0, found_at, 0.0)
    finally:
        program.close()
    raise AssertionError("seeds are without end")
