"""The whole of it: every operation of every generation on hosts of every size, spread over processes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from model.semantics import SEMANTICS
from proofs.prover.verdict import Verdict

from .examine import Difference, Examined, examine
from .explore import Tree, Undecided
from .judge import Judge
from .operations import OPERATIONS, applies
from .plan import Plan, Setting
from .symmetry import same_for
from .world import Size, Unknowns

ASSUMED = (
    "non-negative",
    "aggregates-agree.free",
    "aggregates-agree.node",
    "aggregates-agree.domain",
    "aggregates-agree.host",
    "unused-ids-empty",
)
"""Properties that every state in question has: each is kept by every step of every generation (a test asks)."""
SIZES = (Size(1, 1), Size(2, 2), Size(3, 2), Size(2, 3), Size(3, 3))


@dataclass
class Row:
    """What came of one operation of one generation on hosts of one size."""

    semantics: str
    operation: str
    size: str
    verdict: Verdict
    plans: int = 0
    by_symmetry: int = 0
    """Plans that need not be explored: they are another's with two domains exchanged."""
    paths: int = 0
    queries: int = 0
    seconds: float = 0.0
    """Of processor time."""
    reason: str = ""
    """Of unknown: why. Of refuted: where."""
    difference: Any = None
    """Of refuted: see `proofs.diff.smallest`."""


@dataclass
class Space:
    """What rows of one size share: the unknowns, and what has been found out under each precondition."""

    size: Size
    unknowns: dict[int | None, Unknowns] = field(default_factory=dict)
    trees: dict[tuple[int, ...], Tree] = field(default_factory=dict)
    known: dict[tuple[str, int | None], list[Any]] = field(default_factory=dict)
    rlimit: int = 0

    def of(self, absent: int | None) -> Unknowns:
        """The unknowns of a host on which that id is not in use."""
        if absent not in self.unknowns:
            self.unknowns[absent] = Unknowns(self.size, absent)
        return self.unknowns[absent]

    def tree(self, semantics: str, plan: Plan) -> Tree:
        """The tree under what is known of a generation's state and of a plan's arguments."""
        unknowns = self.of(plan.absent)
        key = semantics, plan.absent
        if key not in self.known:
            self.known[key] = unknowns.known(semantics, ASSUMED)
        known = [*self.known[key], *plan.known]
        ids = tuple(formula.get_id() for formula in known)
        if ids not in self.trees:
            self.trees[ids] = Tree(unknowns.terms, known, rlimit=self.rlimit)
        return self.trees[ids]


def row(space: Space, semantics: str, operation: str) -> tuple[Row, Difference | None]:
    """Examine all plans of an operation; up to the first difference."""
    result = Row(semantics, operation, str(space.size), Verdict.NOT_APPLICABLE)
    if not applies(operation, semantics):
        return result, None
    began = time.process_time()
    difference = None
    explored: dict[str, tuple[Plan, Judge]] = {}
    try:
        for plan in OPERATIONS[operation](Setting(semantics, space.size, space.of(None).terms)):
            result.plans += 1
            unknowns, tree = space.of(plan.absent), space.tree(semantics, plan)
            judge = Judge(semantics, unknowns)
            like = plan.label.replace(f"d{plan.domid}", "d?", 1)
            if plan.domid is not None and like in explored and same_for(plan, *explored[like], judge, unknowns, tree):
                result.by_symmetry += 1
                continue
            found: Examined = examine(plan, unknowns, tree, judge)
            result.paths += found.paths
            result.queries += found.queries
            if found.unknown or found.differs is not None:
                result.reason = f"{plan.label}: {found.unknown or 'differs'}"
                difference = found.differs
                break
            if plan.domid is not None and found.alone:
                explored.setdefault(like, (plan, judge))
    except Undecided as reason:
        result.reason = str(reason)
    undecided = bool(result.reason) and difference is None
    result.verdict = Verdict.REFUTED if difference is not None else Verdict.UNKNOWN if undecided else Verdict.PROVED
    result.seconds = time.process_time() - began
    return result, difference


def rows(space: Space, operations: Sequence[str], semantics: Sequence[str] = tuple(SEMANTICS)) -> list[Row]:
    """All generations of some operations, one after the other: they share what has been found out."""
    return [row(space, name, operation)[0] for operation in operations for name in semantics]
