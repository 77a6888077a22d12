"""Measures whether and how soon fuzzing finds each deliberate mistake, and how small its trace becomes."""

from __future__ import annotations

import shlex
import sys
import time
from itertools import count

from msgspec import Struct

from proofs.mistakes.edits import Edit
from proofs.mistakes.planted import planted

from .known import known_of
from .program import Program
from .shard import seed_of
from .target import FailingTrace, Model, Target


class Hunt(Struct, frozen=True):
    """The result of searching for one mistake."""

    bug: str
    semantics: str
    found: FailingTrace | None
    """The shrunk trace; None: the mistake was not found in time."""
    steps: int
    """Critical sections run until it was found."""
    events_before: int
    """The seed of the trace in which it was found."""
    seconds_to_find: float
    seconds_to_shrink: float


def serve_with(bug: str) -> str:
    """The command of the reference with a mistake."""
    return shlex.join([sys.executable, "-m", "proofs.cli.main", "serve", "--mistake", bug])


def hunt(bug: str, seed: int = 0, seconds: float = 60.0, semantics: str = "claim-sets") -> Hunt:
    """Search for a mistake of a program, in a generation to which it applies, and shrink the trace."""
    program = Program(known_of(semantics), serve_with(bug), 60.0, 60.0, shrinking=None)
    try:
        return _hunted(program, bug, semantics, seed, seconds)
    finally:
        program.close()


def hunt_in_reference(edit: Edit, seed: int = 0, seconds: float = 60.0) -> Hunt:
    """Search for a mistake of the reference, compared with the model, as ``claimcheck fuzz --mistake`` does."""
    known = known_of(edit.semantics)
    with planted(edit.name):
        return _hunted(Model(known), edit.name, edit.semantics, seed, seconds)


def _hunted(target: Target, bug: str, semantics: str, seed: int, seconds: float) -> Hunt:
    begun = time.monotonic()
    steps = 0
    for number in count():
        trial = target.trial(seed_of(seed, 0, number), {})
        steps += trial.sections
        found_at = time.monotonic() - begun
        if trial.failure is not None:
            first = FailingTrace(trial.host, trial.events, trial.failure, trial.seed)
            small = target.shrunk(first)
            shrunk_at = time.monotonic() - begun
            return Hunt(bug, semantics, small, steps, len(first.events), found_at, shrunk_at - found_at)
        if found_at > seconds:
            return Hunt(bug, semantics, None, steps, 0, found_at, 0.0)
    raise AssertionError("unreachable: the sequence of seeds has no end")
