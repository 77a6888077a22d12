"""One plan: every path of the reference held against the model, and the paths together against all inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import z3

from proofs.interrupts import raise_if_interrupted

from .explore import Path, PathExplorer, Place, Tree, Undecided
from .judge import Judge
from .plan import Outcome, Plan, Table
from .played import played
from .unknowns import Unknowns
from .world import World, searching

ENOUGH = 12
"""Paths that differ, of one plan."""
AT_ONCE = 500
"""Paths whose ends are asked about in one question."""


@dataclass
class Examined:
    """What came of one plan."""

    paths: int = 0
    queries: int = 0
    unknown: str = ""
    """Why it is not decided."""
    differs: list[PathDifference] = field(default_factory=list)
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
class PathDifference:
    """Inputs for which reference and model differ: those of a path that do not satisfy what it should."""

    plan: Plan
    outcome: Outcome
    where: Any
    """The path's condition, what is known of the input, and that the goal does not hold, as a formula."""


class _End(NamedTuple):
    """The end of a path: what has to follow there is still to be proved."""

    path: Path
    outcome: Outcome
    place: Place


def _differing(plan: Plan, tree: Tree, ends: Sequence[_End]) -> list[PathDifference]:
    """The paths that end otherwise than the model says; of many, as many as are enough.

    All are asked about together. Only if one of them differs, or the solver cannot tell, each is asked about alone.
    """
    try:
        if tree.all_follow([end.place for end in ends]):
            return []
    except Undecided:
        pass  # each by itself may be easier; what is not is raised again
    found: list[PathDifference] = []
    for path, outcome, place in ends:
        raise_if_interrupted()
        if len(found) == ENOUGH:
            break
        if not tree.follows(place):
            where = z3.And([*tree.precondition, *path.formulas(tree.terms), z3.Not(place.goal)])
            if tree.possible(where):  # else a choice on the path goes with none of these inputs
                found.append(PathDifference(plan, outcome, where))
    return found


def examine(plan: Plan, unknowns: Unknowns, tree: Tree, judge: Judge) -> Examined:
    """Explore a plan; up to some paths that differ."""
    found = Examined()
    terms, asked = tree.terms, tree.queries
    explorer = PathExplorer(tree)
    semantics = judge.call.semantics.name
    paths: list[Path] = []
    ends: list[_End] = []

    def run() -> tuple[World, Outcome, Any]:
        world = World(semantics, unknowns.size, terms, plan.there)
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
            ends.append(_End(path, outcome, explorer.place(goal)))
            if len(ends) == AT_ONCE:
                found.differs += _differing(plan, tree, ends)
                ends.clear()
                if len(found.differs) >= ENOUGH:
                    break
        else:
            found.differs += _differing(plan, tree, ends)
            if not found.differs and not tree.covered(paths):
                found.unknown = "the paths do not cover every input"
    except Undecided as reason:
        found.unknown = str(reason) or "no reason given"
    found.paths, found.queries = len(paths), tree.queries - asked
    return found
