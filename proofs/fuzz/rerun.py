"""A trace that failed, done again: to shrink it, and to see whether it still fails."""

from __future__ import annotations

from collections.abc import Sequence

from proofs.traces.events import Event, HostShape
from proofs.traces.own_events import Continue

from .checker import Checker, Failure, Impossible
from .known import Known
from .shrink import Shrunk, shrink
from .steps import Given, Step, Steps, named


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
    steps: list[Step] = []
    for number, event in enumerate(events):
        frames = tuple(given.find(mfn, host.node_span) for mfn in named(event))
        steps.append(Step(number, event, frames))
        given.begins(number, event)
        if checker.do(event) is not None or checker.crashed:
            break
        if checker.outcome is not None:
            given.ended(event, checker.outcome)
    return Steps(steps)


def do(host: HostShape, steps: Steps, known: Known) -> tuple[Failure, list[Event]] | None:
    """Do the steps that can be done: the first failure, and the events up to it."""
    checker = Checker(host, known, every=1)
    given = Given()
    steps.begin()
    done: list[Event] = []
    for step in steps.steps:
        event = given.event(step, host)
        if event is None:
            continue
        given.begins(step.number, event)
        try:
            failure = checker.do(event)
        except Impossible:
            if isinstance(event, Continue) and event.builder in checker.machine.running:
                return None
            continue
        done.append(event)
        steps.note(step)
        if failure is not None:
            return failure, done
        if checker.crashed:
            return None
        if checker.outcome is not None:
            given.ended(event, checker.outcome)
    return None


def shrunk(host: HostShape, events: Sequence[Event], known: Known) -> Shrunk[Failure] | None:
    """The smallest trace with the same failure; none if it fails no more."""
    first = first_failure(host, events, known)
    if first is None:
        return None
    field = first.kind.split(" ")[2]

    def same(candidate: HostShape, steps: Steps) -> tuple[Failure, list[Event]] | None:
        found = do(candidate, steps, known)
        return found if found is not None and found[0].kind.split(" ")[2] == field else None

    return shrink(host, as_steps(host, events, known), same)
