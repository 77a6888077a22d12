"""Runs a failing trace again, to shrink it and to check whether it still fails."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy

from msgspec import UNSET, Struct
from msgspec.structs import replace

from proofs.operations import Continue, Event
from proofs.traces.events import HostShape

from .checker import EVERYTHING, Checker, Failure, ImpossibleEventError
from .known import GenerationFacts
from .steps import GivenBlocks, Steps, TraceStep, named
from .trial import answer


class RerunResult(Struct):
    """The result of running steps again."""

    events: list[Event]
    """The events with the reference's results."""
    steps: Steps
    """The steps that were possible."""
    failure: Failure | None
    decided: list[str]
    """For every event, the model's case that decided it, as ``call: case``."""


def first_failure(host: HostShape, events: Sequence[Event], known: GenerationFacts, every: int = 1) -> Failure | None:
    """The first failure of a trace, with a complete comparison every ``every`` critical sections; None: no failure.

    :raises ImpossibleEventError: an event is impossible at its place
    """
    checker = Checker(host, known, every=every)
    for event in events:
        failure = checker.do(event)
        if failure is not None or checker.crashed:
            return failure
    return checker.end()


def as_steps(host: HostShape, events: Sequence[Event], known: GenerationFacts) -> Steps:
    """The events up to the first failure, with pages named by the event that was given them."""
    checker = Checker(host, known)
    given = GivenBlocks()
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


def do(host: HostShape, steps: Steps, known: GenerationFacts, every: int = EVERYTHING) -> RerunResult | None:
    """Run the possible steps, up to the first failure. None: an operation in flight cannot be continued.

    :param every: critical sections between two complete comparisons; there is none at the end of the trace
    """
    checker = Checker(host, known, every=every)
    given = GivenBlocks()
    done: list[Event] = []
    kept: list[TraceStep] = []
    decided: list[str] = []
    failure = None
    for step in steps.steps:
        named_here = given.event(step, host)
        if named_here is None:
            continue
        event = copy(named_here)  # the copy gets the result
        given.begins(step.number, event)
        try:
            failure = checker.do(event)
        except ImpossibleEventError:
            if isinstance(event, Continue) and event.builder in checker.runner.in_flight:
                return None
            continue
        answer(event, checker.outcome)
        done.append(event)
        kept.append(step)
        decided.append(checker.decided)
        if failure is not None or checker.crashed:
            break
        if checker.outcome is not None:
            given.ended(event, checker.outcome)
    return RerunResult(done, Steps(kept), failure, decided)


def unanswered(event: Event) -> Event:
    """An event without observations."""
    return replace(event, state=UNSET, crash=UNSET, **dict.fromkeys(event.observed, UNSET))
