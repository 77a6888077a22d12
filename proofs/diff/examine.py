"""One plan: every path of the reference held against the model, and the paths together against all inputs."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any

import z3

from .explore import Explorer, Path, Tree, Undecided
from .interrupts import raise_if_interrupted
from .judge import Judge
from .plan import Outcome, Plan, Table
from .scripts import played
from .unknowns import Unknowns
from .world import World, searching

ENOUGH = 12
"""Paths that differ, of one plan."""


@dataclass
class Examined:
    """What came of one plan."""

    paths: int = 0
    queries: int = 0
    unknown: str = ""
    """Why it is not decided."""
    differs: list[Difference] = field(default_factory=list)
    """Paths that end otherwise than the model says; at most so many that one with a plain input is among them."""
    alone: bool = True
    """On no path a domain was looked at but the plan's own."""


def _asked(plan: Plan, world: World) -> Outcome:
    try:
        return plan.act(world)
    except Undecided:
        raise
    except Exception as error:  # the reference stops with something that is no answer: that is told, and no pass
        raise Undecided(f"{type(error).__name__}: {error}") from error


@dataclass(frozen=True)
class Difference:
    """Inputs for which reference and model differ: those of a path that do not satisfy what it should."""

    plan: Plan
    outcome: Outcome
    where: Any
    """The path's condition, what is known of the input, and that the goal does not hold, as a formula."""


def examine(plan: Plan, unknowns: Unknowns, tree: Tree, judge: Judge) -> Examined:
    """Explore a plan; up to some paths that differ."""
    found = Examined()
    terms, known, asked = tree.terms, tree.precondition, tree.queries
    explorer = Explorer(tree)
    semantics = judge.call.semantics.name
    paths: list[Path] = []

    def run() -> tuple[World, Outcome, Any]:
        world = World(semantics, unknowns.size, terms, plan.absent)
        with searching(world):
            outcome = _asked(plan, world)
        if plan.script is None:
            return world, outcome, None
        table = Table(plan.script.blocks(world))
        return world, outcome, played(plan.script.script(table), table, world, unknowns, semantics)

    try:
        for path, (world, outcome, modelled) in explorer.paths(run):
            raise_if_interrupted()
            paths.append(path)
            found.alone = found.alone and world.alone(plan.domid)
            if modelled is None:
                key = (plan.operation, tuple(world.searches))
                goal = judge.agrees(outcome, world, judge.cases(plan.operation, partial(plan.arguments, world), key))
            else:
                goal = judge.agrees_with_script(outcome, world, modelled)
            if not explorer.follows(goal):
                where = z3.And([*known, *path.formulas(terms), z3.Not(goal)])
                if tree.possible(where):  # else a choice on the path goes with none of these inputs
                    found.differs.append(Difference(plan, outcome, where))
                    if len(found.differs) == ENOUGH:
                        break
        else:
            if not tree.covered(paths):
                found.unknown = "the paths do not cover every input"
    except Undecided as reason:
        found.unknown = str(reason) or "no reason given"
    found.paths, found.queries = len(paths), tree.queries - asked
    return found
