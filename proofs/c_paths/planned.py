"""The plans of one operation on hosts of one size, and what texts of the file share: cases, queries, symmetry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from proofs.diff.plan import Plan

from .examine import ALL, CPlanResult, Examination, Extent, examine
from .judge import CJudge
from .plans import PLANS
from .setting import CSetting
from .space import CSpace
from .symmetry import is_same


class ExaminedPlan(NamedTuple):
    """A plan, and what came of it."""

    plan: Plan
    x: Examination
    found: CPlanResult | None
    """None: it equals an earlier one with two domains exchanged."""


class PlannedOperation:
    """The plans of the operation of a space."""

    def __init__(self, space: CSpace) -> None:
        self.space = space
        setting = CSetting(space.semantics, space.size, space.unknowns.terms)
        self._plans = [(plan, CJudge(space.semantics, space.unknowns)) for plan in PLANS[space.operation](setting)]
        self._ranges = setting.ranges
        self._same: dict[Any, bool] = {}

    def examined(self, extent: Extent = ALL) -> Iterator[ExaminedPlan]:
        """Every plan, one after the other."""
        explored: dict[str, int] = {}
        for number, (plan, judge) in enumerate(self._plans):
            x = self.space.examination(plan, self._ranges)
            like = plan.label.replace(f"d{plan.domid}", "d?", 1)
            if plan.domid is not None and like in explored and self._is_same(number, explored[like], x):
                yield ExaminedPlan(plan, x, None)
                continue
            found = examine(plan, x, judge, extent)
            yield ExaminedPlan(plan, x, found)
            if plan.domid is not None and found.alone:
                explored.setdefault(like, number)

    def _is_same(self, number: int, first: int, x: Examination) -> bool:
        (plan, judge), (explored, of_explored) = self._plans[number], self._plans[first]
        key = number, first, len(of_explored.made), len(of_explored.sections())  # cases are only added
        if key not in self._same:
            self._same[key] = is_same(plan, explored, of_explored, judge, x.unknowns, x.tree)
        return self._same[key]
