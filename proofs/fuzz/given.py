"""Shrinks a trace that was found elsewhere, for example by in-process fuzzing: a program still fails on it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from msgspec import UNSET

from proofs.operations import Boot, Continue, Event
from proofs.traces import read_traces
from proofs.traces.events import Header, HostShape

from .known import GenerationFacts
from .program import Program
from .rerun import do, unanswered
from .steps import GivenBlocks, Steps, TraceStep, named
from .store import write_finding
from .target import FailingTrace


class ShrunkFinding(NamedTuple):
    """The failure of a program on a given trace."""

    failure: str
    path: Path | None
    """The file of the shrunk trace; None: it fails only with the blocks of the given trace."""


def shrink_given(path: str, command: str, step_limit: float, start_limit: float, folder: Path) -> ShrunkFinding | None:
    """The failure of a program on the first trace of a file; None: the program agrees with the reference.

    :raises proofs.traces.TraceError: the file is not a trace
    :raises proofs.adapters.OutsideFailure: the program cannot be used
    """
    header, events = _first(path)
    known = GenerationFacts(header.semantics, [], {})
    program = Program(known, command, step_limit, start_limit)
    try:
        redone = do(header.host, steps_of(header.host, events), known)
        failure = None if redone is None else program.failure_on(header.host, redone.events)
        if redone is not None and failure is not None:
            found = FailingTrace(header.host, redone.events, failure, header.seed)
            small = program.shrunk(found) or found
            return ShrunkFinding(str(small.failure), write_finding(folder, small, program.told(small)))
        divergence = program.replayed(header, events)
        return None if divergence is None else ShrunkFinding(divergence, None)
    finally:
        program.close()


def _first(path: str) -> tuple[Header, list[Event]]:
    """Header and events of the first trace of a file, without boot."""
    for trace in read_traces(path):
        return trace.header, [event for event in trace if not isinstance(event, Boot)]
    raise AssertionError("a file without a trace is an error of the reader")


def steps_of(host: HostShape, events: Sequence[Event]) -> Steps:
    """The events of a recording as steps: their pages are named by the event that was given them there."""
    given = GivenBlocks()
    steps = []
    for number, seen in enumerate(events):
        frames = tuple(given.find(mfn, host.node_span) for mfn in named(seen))
        steps.append(TraceStep(number, unanswered(seen), frames))
        given.begins(number, seen)
        outcome = {name: value for name in seen.observed if (value := getattr(seen, name)) is not UNSET}
        if outcome or (seen.builder is UNSET and not isinstance(seen, Continue)):
            given.ended(seen, outcome)
    return Steps(steps)
