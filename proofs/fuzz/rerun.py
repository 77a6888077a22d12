"""A trace that failed, done again: to shrink it, and to see whether it still fails."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy

from msgspec import UNSET, Struct
from msgspec.structs import replace

from proofs.operations import Continue, Event
from proofs.traces.events import HostShape

from .checker import EVERYTHING, Checker, Failure, Impossible
from .known import Known
from .steps import Given, Steps, TraceStep, named
from .trial import answer


class Redone(Struct):
    """What became of steps that were done again."""

    events: list[Event]
    """With what the reference answered."""
    steps: Steps
    """Those that could be done."""
    failure: Failure | None


def first_failure(host: HostShape, events: Sequence[Event], known: Known, every: int = 1) -> Failure | None:
    """The first failure of a trace; everything is compared after every critical section.

    :raises Impossible: an event cannot stand where it stands
    """
    checker = Checker(host, known, every=every)
    for event in events:
        failure = checker.do(event)
        if failure is not None or checker.crashed:
            return failure
    return checker.end()


def as_steps(host: HostShape, events: Sequence[Event], known: Known) -> Steps:
    """The events, each naming pages by who was given them, up to the first failure."""
    checker = Checker(host, known)
    given = Given()
    steps: list[TraceStep] = []
    for number, seen in enumerate(events):
        event = unanswered(seen)
        frames = tuple(given.find(mfn, host.node_span) for mfn in named(event))
        steps.append(TraceStep(number, event, frames))
        given.begins(number, event)
        if checker.do(event) is not None or checker.crashed:
            break
        if checker.outcome is not None:
            given.ended(event, checker.outcome)
    return Steps(steps)


def do(host: HostShape, steps: Steps, known: Known, every: int = EVERYTHING) -> Redone | None:
    """Do the steps that can be done, up to the first failure. None: one of them cannot be gone on with.

    :param every: critical sections between two comparisons of everything; the end of a trace is not one
    """
    checker = Checker(host, known, every=every)
    given = Given()
    done: list[Event] = []
    kept: list[TraceStep] = []
    failure = None
    for step in steps.steps:
        named_here = given.event(step, host)
        if named_here is None:
            continue
        event = copy(named_here)  # it gets an answer of its own
        given.begins(step.number, event)
        try:
            failure = checker.do(event)
        except Impossible:
            if isinstance(event, Continue) and event.builder in checker.machine.running:
                return None
            continue
        answer(event, checker.outcome)
        done.append(event)
        kept.append(step)
        if failure is not None or checker.crashed:
            break
        if checker.outcome is not None:
            given.ended(event, checker.outcome)
    return Redone(done, Steps(kept), failure)


def unanswered(event: Event) -> Event:
    """An event without anything observed."""
    return replace(event, state=UNSET, crash=UNSET, **dict.fromkeys(event.observed, UNSET))
