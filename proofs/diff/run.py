"""Runs the comparison: every operation of every generation on hosts of every size, on several processes."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec
import z3

from model.named import GENERATIONS
from model.properties import PROPERTIES
from proofs.interrupts import interrupts_noted
from proofs.obligations.suite import lacking
from proofs.prover.verdict import Verdict

from .examine import PlanResult, examine
from .explore import Tree, UndecidedError
from .judge import Judge
from .operations import OPERATIONS, applies
from .plan import Plan, Setting
from .smallest import ReferenceDifference, smallest
from .symmetry import same_for
from .trace import trace_of
from .unknowns import Unknowns, may_orphan_on_nodes
from .world import ALL_THERE, MissingDomains, Size

COUNTED = "all-claims-counted"
ASSUMED = (
    "non-negative",
    "aggregates-agree.free",
    "aggregates-agree.node",
    "aggregates-agree.domain",
    COUNTED,
    "unused-ids-empty",
    "host-wide-only",
)
"""Properties of every state considered: every step of every generation keeps them (a test checks this).
A property that does not apply to a generation is not assumed there."""
SIZES = (Size(1, 1), Size(2, 2), Size(3, 2), Size(2, 3), Size(3, 3))


def assumed_of(semantics: str) -> list[str]:
    """The properties assumed for the states of a generation."""
    left_out = {"aggregates-agree.node"} if may_orphan_on_nodes(semantics) else set()
    return [n for n in ASSUMED if n not in left_out and not lacking(PROPERTIES[n], GENERATIONS[semantics])]


class OperationResult(msgspec.Struct):
    """The result for one operation of one generation on hosts of one size."""

    semantics: str
    operation: str
    size: str
    verdict: Verdict
    plans: int = 0
    by_symmetry: int = 0
    """Plans that were not explored, because they equal another one with two domains exchanged."""
    paths: int = 0
    queries: int = 0
    seconds: float = 0.0
    """Seconds of processor time."""
    reason: str = ""
    """The reason, if unknown."""
    difference: ReferenceDifference | None = None
    """If refuted, the smallest input, and a trace if there is one."""


@dataclass
class Space:
    """Shared data of rows of one size: the unknowns, and the results under each precondition."""

    size: Size
    unknowns: dict[MissingDomains, Unknowns] = field(default_factory=dict)
    trees: dict[tuple[int, ...], Tree] = field(default_factory=dict)
    known: dict[tuple[str, MissingDomains, bool], list[Any]] = field(default_factory=dict)
    rlimit: int = 0

    def of(self, there: MissingDomains) -> Unknowns:
        """The unknowns of a host with these domains."""
        if there not in self.unknowns:
            self.unknowns[there] = Unknowns(self.size, there)
        return self.unknowns[there]

    def tree(self, semantics: str, plan: Plan) -> Tree:
        """The tree for the precondition of a generation's states and a plan's arguments."""
        unknowns = self.of(plan.there)
        key = semantics, plan.there, plan.uncounted
        if key not in self.known:
            assumed = [name for name in assumed_of(semantics) if name != COUNTED or not plan.uncounted]
            self.known[key] = unknowns.known(semantics, assumed)
        known = [*self.known[key], *plan.known]
        ids = tuple(formula.get_id() for formula in known)
        if ids not in self.trees:
            self.trees[ids] = Tree(unknowns.terms, known, rlimit=self.rlimit)
        return self.trees[ids]


def row(space: Space, semantics: str, operation: str) -> OperationResult:
    """Examine the plans of an operation, up to the first that differs."""
    result = OperationResult(semantics, operation, str(space.size), Verdict.NOT_APPLICABLE)
    if not applies(operation, semantics):
        return result
    began = time.process_time()
    result.verdict = Verdict.PROVED
    explored: dict[str, tuple[Plan, Judge]] = {}
    try:
        for plan in OPERATIONS[operation](Setting(semantics, space.size, space.of(ALL_THERE).terms)):
            result.plans += 1
            unknowns, tree = space.of(plan.there), space.tree(semantics, plan)
            judge = Judge(semantics, unknowns)
            like = plan.label.replace(f"d{plan.domid}", "d?", 1)
            if plan.domid is not None and like in explored and same_for(plan, *explored[like], judge, unknowns, tree):
                result.by_symmetry += 1
                continue
            found: PlanResult = examine(plan, unknowns, tree, judge)
            result.paths += found.paths
            result.queries += found.queries
            if found.differs:
                shown = smallest(found.differs, unknowns, semantics)
                result.difference = msgspec.structs.replace(shown, trace=trace_of(shown))
                result.verdict = Verdict.REFUTED
                break
            if found.unknown:
                result.verdict, result.reason = Verdict.UNKNOWN, f"{plan.label}: {found.unknown}"
                break
            if plan.domid is not None and found.alone:
                explored.setdefault(like, (plan, judge))
    except UndecidedError as reason:
        result.verdict, result.reason = Verdict.UNKNOWN, str(reason) or "no reason given"
    result.seconds = time.process_time() - began
    return result


class Task(NamedTuple):
    """One operation on hosts of one size for several generations, which share results of queries."""

    size: Size
    operation: str
    semantics: tuple[str, ...]
    rlimit: int = 0


def work(task: Task) -> list[OperationResult]:
    """The rows of a task; after Ctrl-C, the completed ones."""
    z3.set_param("model.compact", False)  # there are thousands of models, of which a few numbers are read
    space = Space(task.size, rlimit=task.rlimit)
    done: list[OperationResult] = []
    with interrupts_noted():
        try:
            for name in task.semantics:
                done.append(row(space, name, task.operation))
        except KeyboardInterrupt:
            pass
    return done


_LONGEST = ("alloc_heap_pages", "install_claim_set", "claim_memory", "free_heap_pages", "populate_physmap")


def tasks(semantics: Sequence[str], operations: Sequence[str], sizes: Sequence[Size], rlimit: int = 0) -> list[Task]:
    """All tasks, the longest first."""
    found = [Task(size, name, tuple(semantics), rlimit) for size in sizes for name in operations]
    longest = {name: -number for number, name in enumerate(_LONGEST[::-1], 1)}
    return sorted(found, key=lambda t: (longest.get(t.operation, 0), -t.size.nodes, -t.size.domains))


def ordered(rows: Iterable[OperationResult]) -> list[OperationResult]:
    """The rows by size, operation and generation, in listed order."""
    sizes, operations = [str(size) for size in SIZES], list(OPERATIONS)
    names = list(GENERATIONS)
    known = {name: number for number, name in enumerate(names)}

    def place(row: OperationResult) -> tuple[Any, ...]:
        size = sizes.index(row.size) if row.size in sizes else len(sizes)
        return size, row.size, operations.index(row.operation), known.get(row.semantics, len(names)), row.semantics

    return sorted(rows, key=place)
