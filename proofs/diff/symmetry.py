"""Decides whether an operation that was explored for one domain needs no exploration for another one.

Three conditions are checked: on no path did the reference read another domain or visit all domains; the model's cases
for the other domain are the same with the names of the two exchanged; and so is the precondition on the state.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Any

import z3

from model.calls import CALL_FIELDS, Case
from model.state import Shape
from proofs.interrupts import check, interruptible

from .explore import Tree, UndecidedError
from .formulas import conjunction, equal
from .judge import Judge, told
from .plan import Plan
from .unknowns import Unknowns
from .world import World

_BY_DOMAIN = tuple(n for n, i in CALL_FIELDS.items() if i.shape in (Shape.DOMAIN, Shape.CELL))


class Exchange:
    """Exchanges two domains in formulas."""

    def __init__(self, unknowns: Unknowns, one: int, other: int) -> None:
        terms = unknowns.terms
        self._names = {f"[{one}]": f"[{other}]", f"[{other}]": f"[{one}]"}
        all_terms = {**terms.numbers, **terms.flags}
        names = [n for n in all_terms if self.name(n) != n and self.name(n) in all_terms]
        self._pairs = [(all_terms[n], all_terms[self.name(n)]) for n in names]

    def name(self, name: str) -> str:
        """The name of the corresponding number of the other domain."""
        field, bracket, index = name.partition("[")
        if field not in _BY_DOMAIN:
            return name
        first, _, rest = (bracket + index).partition("]")
        return field + self._names.get(first + "]", first + "]") + rest

    def __call__(self, formula: Any) -> Any:
        """The formula with the two domains exchanged."""
        return z3.substitute(formula, *self._pairs) if isinstance(formula, z3.ExprRef) else formula


@lru_cache(maxsize=256)
def exchange_of(unknowns: Unknowns, one: int, other: int) -> Exchange:
    return Exchange(unknowns, one, other)


def same_for(plan: Plan, explored: Plan, of_explored: Judge, judge: Judge, unknowns: Unknowns, tree: Tree) -> bool:
    """Whether the result of the explored plan holds for the plan for another domain.

    :raises UndecidedError: the solver cannot decide whether the preconditions are the same
    """
    assert plan.domid is not None
    assert explored.domid is not None
    exchange = exchange_of(unknowns, explored.domid, plan.domid)
    pairs: list[tuple[Any, Any]] = []
    for key, cases in of_explored.made.items():
        world = World(judge.call.semantics.name, unknowns.size, unknowns.terms, plan.there)
        world.searches = list(key[1])
        others = judge.cases(plan.operation, partial(plan.arguments, world), key)
        if len(cases) != len(others):
            return False
        for one, other in zip(cases, others, strict=True):
            same = pairs_of(one, other, exchange, of_explored, judge)
            if same is None:
                return False
            pairs += same
    return all_equal(pairs, exchange) and as_much_known(tree.precondition, exchange)


def pairs_of(
    one: Case, other: Case, exchange: Exchange, of_one: Judge, of_other: Judge
) -> list[tuple[Any, Any]] | None:
    """Pairs of terms that must be equal for the two cases to be; None: the cases are of different kinds."""
    if (one.name, one.result, list(one.answer)) != (other.name, other.result, list(other.answer)):
        return None
    before, after = of_one.changes(one), of_other.changes(other)
    if {exchange.name(n) for n in before} != set(after):
        return None
    answers = told(one), told(other)
    pairs = [(one.condition, other.condition), *((answers[0][n], answers[1][n]) for n in answers[0])]
    return pairs + [(term, after[exchange.name(n)]) for n, term in before.items()]


def all_equal(pairs: list[tuple[Any, Any]], exchange: Exchange) -> bool:
    """Whether all terms are syntactically the same; one comparison for all."""
    mine: list[Any] = []
    theirs: list[Any] = []
    for a, b in pairs:
        if not isinstance(a, z3.ExprRef) or not isinstance(b, z3.ExprRef):
            if type(a) is not type(b) or a != b:
                return False
            continue
        if a.sort() != b.sort():
            return False
        mark = z3.Const(f"same {len(mine)}", a.sort())
        mine.append(equal(a, mark))
        theirs.append(equal(b, mark))
    return bool(exchange(conjunction(mine)).eq(conjunction(theirs))) if mine else True


_known: dict[tuple[Any, ...], tuple[bool, Sequence[Any]]] = {}
"""Results with their formulas, which are kept alive because the solver reuses ids."""


def as_much_known(precondition: Sequence[Any], exchange: Exchange) -> bool:
    """Whether the precondition implies itself with the domains exchanged; then the two are equivalent."""
    key = (exchange, *(formula.get_id() for formula in precondition))
    if key not in _known:
        solver = interruptible(z3.SimpleSolver())
        solver.add(*precondition, z3.Not(z3.And([exchange(formula) for formula in precondition])))
        answer = check(solver)
        if answer == z3.unknown:
            raise UndecidedError(solver.reason_unknown())
        _known[key] = answer == z3.unsat, precondition
    return _known[key][0]
