"""Decides whether a plan for another domain needs no exploration of its own.

On no path did the C code read another domain, or what tells domains apart: where they are linked, their ids. The
model's cases, and what is assumed of the state, are the same with the two domains exchanged.
"""

from __future__ import annotations

from typing import Any

from model.logic import is_false
from proofs.diff.explore import Tree
from proofs.diff.plan import Plan
from proofs.diff.symmetry import all_equal, as_much_known, exchange_of, pairs_of, same_for
from proofs.diff.unknowns import Unknowns

from .judge import CJudge


def is_same(plan: Plan, explored: Plan, of_explored: CJudge, judge: CJudge, unknowns: Unknowns, tree: Tree) -> bool:
    """Whether the result of the explored plan holds for the plan.

    :raises UndecidedError: the solver cannot decide whether the preconditions are the same
    """
    if plan.script is None:
        return same_for(plan, explored, of_explored, judge, unknowns, tree)
    assert plan.domid is not None
    assert explored.domid is not None
    exchange = exchange_of(unknowns, explored.domid, plan.domid)
    pairs: list[tuple[Any, Any]] = []
    for taken, cases in list(of_explored.sections().items()):
        others = judge.section(plan, taken)
        if len(cases) != len(others):
            return False
        for one, other in zip(cases, others, strict=True):
            if is_false(one.condition) and is_false(other.condition):
                continue
            same = pairs_of(one, other, exchange, of_explored, judge)
            if same is None:
                return False
            pairs += same
    return all_equal(pairs, exchange) and as_much_known(tree.precondition, exchange)
