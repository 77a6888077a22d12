"""A trace that failed, done again: to shrink it, and to see whether it still fails."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

from proofs.traces.events import Event, HostShape
from proofs.traces.own_events import Continue

from .checker import Checker, Failure, Impossible
from .draw import Draw
from .generators import MAKERS
from .generators.plan import Plan
from .known import Known
from .shrink import Shrunk, shrink
from .steps import Given, Step, Steps, named
from .trial import Trial, trial


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
    """The smallest trace found with the same failure; none if it fails no more.

    What is left when no reduction helps may still be a long way to a failure that has a short one. So short random
    traces of the same operations on the smallest hosts are tried, too.
    """
    first = first_failure(host, events, known)
    if first is None:
        return None
    field = _field(first)

    def reduced(host: HostShape, events: Sequence[Event]) -> Shrunk[Failure]:
        return shrink(host, as_steps(host, events, known), lambda h, steps: _if_same(do(h, steps, known), field))

    def tiny(of: Sequence[Event], length: int, tries: int) -> Iterator[Trial]:
        tried = (_tiny(known, seed, of, length) for seed in range(tries))
        return (one for one in tried if one.failure is not None and _field(one.failure) == field)

    begin = next(tiny(events, _LONG, _FIRST_TRIALS), None)
    best = reduced(host, events) if begin is None else reduced(begin.host, begin.events)
    in_vain = 0
    for one in tiny(best.events, len(best.events) + 4, _TINY_TRIALS):
        if len(best.events) <= _SHORT or in_vain == _MOST_IN_VAIN:
            break
        other = reduced(one.host, one.events)
        in_vain += 1
        if _size(other) < _size(best):
            best, in_vain = other, 0
    return best


_FIRST_TRIALS, _LONG = 200, 30
_TINY_TRIALS = 1500
_MOST_IN_VAIN = 8
"""Short traces that failed and did not become smaller than what there is."""
_SHORT = 2


def _field(failure: Failure) -> str:
    return failure.kind.split(" ")[2]


def _if_same(found: tuple[Failure, list[Event]] | None, field: str) -> tuple[Failure, list[Event]] | None:
    return found if found is not None and _field(found[0]) == field else None


def _size(found: Shrunk[Failure]) -> tuple[int, int, int]:
    return len(found.events), len(found.host.nodes), sum(found.host.nodes)


def _tiny(known: Known, seed: int, of: Sequence[Event], length: int) -> Trial:
    """A trace of the operations of another one, on one or two nodes of a few pages."""
    draw = Draw(Random(seed))
    host = HostShape(4, [1 + draw.below(3) for _ in range(1 + draw.below(2))])
    makers = [(MAKERS[name], 1.0) for name in dict.fromkeys(event.op for event in of) if name in MAKERS]
    return trial(known, seed, draw, host, Plan(makers, length, 0.02, draw.pick((0.0, 0.9))))
