"""Examines one plan: every path of the C function against the model, and all inputs covered."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from proofs.diff.examine import AT_ONCE, ENOUGH, PathDifference, PathEnd, differing
from proofs.diff.explore import Path, PathExplorer, UndecidedError
from proofs.diff.numbers import Count
from proofs.diff.plan import Outcome, Plan
from proofs.diff.terms import Witness
from proofs.diff.unknowns import Unknowns
from proofs.interrupts import raise_if_interrupted

from .arithmetic import Arithmetic, Departure, GrowingTree
from .judge import CJudge
from .machine import Machine
from .memory import EndlessError, LazyValue, UnsupportedError
from .tree import SourcePlace
from .world import CWorld


class RealRun(NamedTuple):
    """An input for which a path is taken, and how the interpreter says that it ends."""

    operation: str
    actor: int
    state: list[int]
    """The counters, in the order of the slots."""
    entries: list[dict[str, int]]
    arguments: list[int]
    asked: list[int]
    """The answers of the functions of stubs."""
    result: str
    returned: int
    after: list[int]
    """The counters afterwards; empty: they are not known."""
    unseen: bool
    """It is undefined for a reason that no sanitizer detects."""


@dataclass
class CPlanResult:
    """The result for one plan."""

    paths: int = 0
    queries: int = 0
    unknown: str = ""
    unsupported: str = ""
    endless: RealRun | None = None
    """An input for which a path may not end; then it is also not supported."""
    differs: list[PathDifference] = field(default_factory=list)
    runs: list[RealRun] = field(default_factory=list)
    departures: dict[Departure, str] = field(default_factory=dict)
    """Values that leave their type on some path, with the result there."""
    alone: bool = True
    """No path read another domain than the plan's own, nor what tells domains apart."""


class Examination(NamedTuple):
    """What a plan is examined with."""

    machine: Machine
    unknowns: Unknowns
    tree: GrowingTree
    arithmetic: Arithmetic
    of_size: CWorld
    semantics: str

    def world(self) -> CWorld:
        """A new path begins."""
        self.machine.begin(self.arithmetic)
        self.of_size.restart()
        return self.of_size


class Extent(NamedTuple):
    """How much of a plan is explored."""

    enough: int = ENOUGH
    """Differing paths after which it ends."""
    at_once: int = AT_ONCE
    """Paths whose ends are checked in one query."""
    real: bool = True
    """An input of every path is kept, for the compiled code."""
    until: float = float("inf")
    """The process's processor time after which it is given up."""


ALL = Extent()
"""Every path, up to the usual number of differing ones."""


def examine(plan: Plan, x: Examination, judge: CJudge, extent: Extent = ALL) -> CPlanResult:
    """Explore a plan, until enough differing paths are found."""
    enough = extent.enough
    found = CPlanResult()
    explorer, asked = PathExplorer(x.tree), x.tree.queries
    paths: list[Path] = []
    ends: list[PathEnd] = []

    def run() -> tuple[CWorld, Outcome, Any]:
        world = x.world()
        outcome = plan.act(world)  # type: ignore[arg-type]  # a host in C
        return world, outcome, judge.goal(plan, world, outcome)

    try:
        for path, (world, outcome, goal) in explorer.paths(run):
            raise_if_interrupted()
            if len(paths) % 50 == 49 and time.process_time() > extent.until:
                found.unknown = "it takes too long"
                break
            paths.append(path)
            found.alone = found.alone and world.alone
            ends.append(PathEnd(path, outcome, explorer.place(goal)))
            if extent.real:
                found.runs.append(real_run(world, outcome, explorer.node.witness))
            for departure in x.arithmetic.departures:
                found.departures.setdefault(departure, outcome.result)
            if len(ends) == extent.at_once:
                found.differs += differing(plan, x.tree, ends, enough)
                ends.clear()
                if len(found.differs) >= enough:
                    break
        else:
            found.differs += differing(plan, x.tree, ends, enough)
            if (not found.differs or len(found.differs) < enough) and not x.tree.covered(paths):
                found.unknown = "the paths do not cover every input"
    except UndecidedError as reason:
        found.unknown = str(reason) or "no reason given"
    except UnsupportedError as reason:
        found.unsupported = str(reason)
        if isinstance(reason, EndlessError):
            found.endless = real_run(x.of_size, Outcome(""), explorer.node.witness)
        if ends:
            found.differs += differing(plan, x.tree, ends, enough)
    found.paths, found.queries = len(paths), x.tree.queries - asked
    return found


def number_of(value: Any, witness: Witness) -> int:
    """A value for one input."""
    if isinstance(value, Count):
        return value.constant + sum(times * witness.number(name) for name, times in value.terms.items())
    return int(value or 0)


def real_run(world: CWorld, outcome: Outcome, witness: Witness) -> RealRun:
    """The input of a witness, and how the path ends for it."""
    before, after = [], []
    for slot in world.slots:
        now = world.cells[slot.name].value
        if slot.name in world.before:
            first: Any = world.before[slot.name]
        else:
            first = world.initial(slot)
            first = 1 if isinstance(first, LazyValue) else first  # nothing depends on it
            now = first if isinstance(now, LazyValue) else now
        before.append(number_of(first, witness))
        after.append(number_of(now, witness))
    returned = 0 if world.ended else number_of(world.returned, witness)
    return RealRun(
        world.operation,
        world.actor,
        before,
        [{name: number_of(value, witness) for name, value in entry.items()} for entry in world.entries],
        [number_of(value, witness) for value in world.arguments],
        [number_of(value, witness) for value in world.asked],
        outcome.result if world.ended else "",
        returned,
        [] if world.ended else after,
        world.unseen,
    )


__all__ = ["CPlanResult", "Examination", "Extent", "RealRun", "SourcePlace", "examine"]
