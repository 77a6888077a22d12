"""Makes, runs and checks one random trace."""

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
from .known import GenerationFacts
from .offered import ProgramCapabilities
from .world import RandomWorld


class Trial(Struct):
    """The result of one trace."""

    seed: int
    host: HostShape
    events: list[Event]
    """The events with the reference's results, without counters; only after a failure or for an outside program."""
    sections: int
    broken: Counter[str]
    failure: Failure | None
    not_applicable: dict[str, int] = {}
    """Reasons why events were not sent to an outside program -> number."""
    decided: list[str] = []
    """For every event, the model's case that decided it, as ``call: case``."""


def random_trial(
    known: GenerationFacts,
    seed: int,
    wanted: Mapping[str, float] | None = None,
    offered: ProgramCapabilities | None = None,
) -> Trial:
    """Make and check the trace of a seed, up to its first failure.

    :param wanted: factors for operations to favour
    :param offered: what the program offers; None: everything that the generation has
    """
    draw = Draw(Random(seed))
    host = draw_host(draw, offered is None or offered.extended)
    plan = draw_plan(draw, GENERATIONS[known.semantics], wanted or {}, offered)
    return trial(known, seed, draw, host, plan)


def trial(known: GenerationFacts, seed: int, draw: Draw, host: HostShape, plan: TracePlan) -> Trial:
    """Make and check a trace of a plan on a host."""
    checker = Checker(host, known)
    world = RandomWorld(checker.runner, draw, plan.wild, plan.offered, checker.killing, plan.domids)
    source = Source(world, plan)
    events: list[Event] = []
    decided: list[str] = []
    outcomes: list[Outcome | None] = []
    failure = None
    while failure is None and not checker.crashed and (event := source.next()) is not None:
        failure = checker.do(event)
        outcome = checker.outcome
        if outcome is not None:
            world.note(event, outcome)
        events.append(event)
        decided.append(checker.decided)
        outcomes.append(outcome)
    if failure is None:
        failure = checker.end()
    if failure is not None or plan.offered is not None:  # needed for a finding, or for the program
        for event, outcome in zip(events, outcomes, strict=True):
            answer(event, outcome)
    return Trial(seed, host, events, checker.sections, checker.broken, failure, decided=decided)


def answer(event: Event, outcome: Outcome | None) -> None:
    """Record the outcome on an event."""
    if outcome:
        for name in event.observed:
            if name in outcome:
                setattr(event, name, outcome[name])
