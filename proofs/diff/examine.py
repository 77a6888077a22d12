"""Examines one plan: compares every path of the reference with the model, and checks that paths cover all inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import z3

from proofs.interrupts import raise_if_interrupted
from proofs.rules import error_in_rules

from .explore import Path, PathExplorer, Place, Tree, UndecidedError
from .judge import Judge
from .plan import Outcome, Plan, Table
from .played import played
from .unknowns import Unknowns
from .world import World, searching

ENOUGH = 12
"""The most differing paths to collect for one plan."""
AT_ONCE = 500
"""The number of paths whose ends are checked in one query."""


@dataclass
class PlanResult:
    """The result for one plan."""

    paths: int = 0
    queries: int = 0
    unknown: str = ""
    """Why the plan is undecided; empty: it is decided."""
    differs: list[PathDifference] = field(default_factory=list)
    """Paths whose end differs from the model; a few, so that one with a simple input is among them."""
    alone: bool = True
    """No path read a domain other than the plan's own."""


def _asked(plan: Plan, world: World) -> Outcome:
    try:
        return plan.act(world)
    except UndecidedError:
        raise
    except Exception as error:  # an unexpected exception of the reference is reported as undecided, not as a pass
        raise UndecidedError(str(error_in_rules(error) or f"{type(error).__name__}: {error}")) from error


@dataclass(frozen=True)
class PathDifference:
    """Inputs for which reference and model differ: those of a path for which its goal fails."""

    plan: Plan
    outcome: Outcome
    where: Any
    """A formula: the path's condition, the precondition, and the negated goal."""


class PathEnd(NamedTuple):
    """The end of a path, with a goal that is still to be proved."""

    path: Path
    outcome: Outcome
    place: Place


def differing(plan: Plan, tree: Tree, ends: Sequence[PathEnd], most: int = ENOUGH) -> list[PathDifference]:
    """The paths whose end differs from the model, up to the limit.

    One query covers all paths. Each path gets a query of its own only if that query fails or is undecided.
    """
    try:
        if tree.all_follow([end.place for end in ends]):
            return []
    except UndecidedError:
        pass  # single queries may be easier; one that is undecided raises again
    found: list[PathDifference] = []
    for path, outcome, place in ends:
        raise_if_interrupted()
        if len(found) >= min(most, ENOUGH):
            break
        if not tree.follows(place):
            where = z3.And([*tree.precondition, *path.formulas(tree.terms), z3.Not(place.goal)])
            if tree.possible(where):  # else a choice on the path is impossible for these inputs
                found.append(PathDifference(plan, outcome, where))
    return found


def examine(plan: Plan, unknowns: Unknowns, tree: Tree, judge: Judge) -> PlanResult:
    """Explore a plan, until enough differing paths are found."""
    found = PlanResult()
    terms, asked = tree.terms, tree.queries
    explorer = PathExplorer(tree)
    semantics = judge.call.semantics.name
    paths: list[Path] = []
    ends: list[PathEnd] = []

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
            ends.append(PathEnd(path, outcome, explorer.place(goal)))
            if len(ends) == AT_ONCE:
                found.differs += differing(plan, tree, ends)
                ends.clear()
                if len(found.differs) >= ENOUGH:
                    break
        else:
            found.differs += differing(plan, tree, ends)
            if not found.differs and not tree.covered(paths):
                found.unknown = "the paths do not cover every input"
    except UndecidedError as reason:
        found.unknown = str(reason) or "no reason given"
    found.paths, found.queries = len(paths), tree.queries - asked
    return found
