"""One random trace: made, done and checked; and what a failing one needs to be told to others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from random import Random

from msgspec import Struct

from proofs.operations import Event, Outcome
from proofs.operations.draw import Draw
from proofs.traces.events import HostShape
from reference.generations import GENERATIONS

from .checker import Checker, Failure
from .generators.plan import TracePlan, draw_plan
from .generators.source import Source
from .hosts import draw_host
from .known import Known
from .offered import Offered
from .world import RandomWorld


class Trial(Struct):
    """What one trace gave."""

    seed: int
    host: HostShape
    events: list[Event]
    """If one failed, or an outside program is to be asked: with what the reference answered, without its counters."""
    sections: int
    broken: Counter[str]
    failure: Failure | None
    not_applicable: dict[str, int] = {}
    """Of an outside program: why events were not asked -> how many."""


def random_trial(
    known: Known, seed: int, wanted: Mapping[str, float] | None = None, offered: Offered | None = None
) -> Trial:
    """Make and check the trace of a seed, up to its first failure.

    :param wanted: operations to favour, as factors
    :param offered: what can be asked; none: everything that the semantics has
    """
    draw = Draw(Random(seed))
    host = draw_host(draw, offered is None or offered.extended)
    plan = draw_plan(draw, GENERATIONS[known.semantics], wanted or {}, offered)
    return trial(known, seed, draw, host, plan)


def trial(known: Known, seed: int, draw: Draw, host: HostShape, plan: TracePlan) -> Trial:
    """Make and check a trace of a plan on a host."""
    checker = Checker(host, known)
    world = RandomWorld(checker.machine, draw, plan.wild, plan.offered, checker.killing)
    source = Source(world, plan)
    events: list[Event] = []
    outcomes: list[Outcome | None] = []
    failure = None
    while failure is None and not checker.crashed and (event := source.next()) is not None:
        failure = checker.do(event)
        outcome = checker.outcome
        if outcome is not None:
            world.note(event, outcome)
        events.append(event)
        outcomes.append(outcome)
    if failure is None:
        failure = checker.end()
    if failure is not None or plan.offered is not None:  # somebody will be told, or asked the same
        for event, outcome in zip(events, outcomes, strict=True):
            answer(event, outcome)
    return Trial(seed, host, events, checker.sections, checker.broken, failure)


def answer(event: Event, outcome: Outcome | None) -> None:
    """Note on an event what came out."""
    if outcome:
        for name in event.observed:
            if name in outcome:
                setattr(event, name, outcome[name])
