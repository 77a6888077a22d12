"""Builds formulas directly through the solver's C interface.

z3's Python operators first convert arguments one by one to a common sort, which takes most of the time. Here the sorts
are right already. The solver still checks them: an ill-sorted formula raises an exception.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import z3
from z3 import z3core

_CONTEXT = z3.main_ctx()
_REF = _CONTEXT.ref()


def _array(terms: Sequence[Any]) -> Any:
    return (z3.Ast * len(terms))(*[term.ast for term in terms])


@cache
def integer(number: int) -> Any:
    """A number as a term."""
    return z3.IntVal(number)


def _term(value: Any) -> Any:
    """A value as a term, including Python's numbers and booleans."""
    if isinstance(value, bool):
        return TRUE if value else FALSE
    return integer(value) if isinstance(value, int) else value


TRUE, FALSE = z3.BoolVal(True), z3.BoolVal(False)


def negation(formula: Any) -> Any:
    """Negation."""
    return z3.BoolRef(z3core.Z3_mk_not(_REF, formula.ast), _CONTEXT)


def conjunction(formulas: Sequence[Any]) -> Any:
    """Conjunction; true for no formulas."""
    if len(formulas) < 2:
        return formulas[0] if formulas else TRUE
    return z3.BoolRef(z3core.Z3_mk_and(_REF, len(formulas), _array(formulas)), _CONTEXT)


def disjunction(formulas: Sequence[Any]) -> Any:
    """Disjunction; false for no formulas."""
    if len(formulas) < 2:
        return formulas[0] if formulas else FALSE
    return z3.BoolRef(z3core.Z3_mk_or(_REF, len(formulas), _array(formulas)), _CONTEXT)


def if_then_else(condition: Any, then: Any, otherwise: Any) -> Any:
    """One formula or the other."""
    return z3.BoolRef(z3core.Z3_mk_ite(_REF, condition.ast, then.ast, otherwise.ast), _CONTEXT)


def equal(one: Any, other: Any) -> Any:
    """Whether two numbers or truth values are equal: a formula, or a Python boolean if both are known."""
    if isinstance(one, bool | int) and isinstance(other, bool | int):
        return one == other
    return z3.BoolRef(z3core.Z3_mk_eq(_REF, _term(one).ast, _term(other).ast), _CONTEXT)


def at_most(one: Any, other: int) -> Any:
    """one <= other."""
    return z3.BoolRef(z3core.Z3_mk_le(_REF, one.ast, integer(other).ast), _CONTEXT)


def multiple(factor: int, term: Any) -> Any:
    """factor * term."""
    return z3.ArithRef(z3core.Z3_mk_mul(_REF, 2, _array([integer(factor), term])), _CONTEXT)


def total(terms: Sequence[Any]) -> Any:
    """The sum of some numbers."""
    if len(terms) == 1:
        return terms[0]
    return z3.ArithRef(z3core.Z3_mk_add(_REF, len(terms), _array(terms)), _CONTEXT)


def value_of(model: Any, term: Any) -> int:
    """The value of a number in an assignment of the solver; 0 if the assignment leaves it open."""
    result = (z3.Ast * 1)()
    z3core.Z3_model_eval(_REF, model.model, term.ast, True, result)
    return int(z3core.Z3_get_numeral_string(_REF, result[0]))
