"""Formulas of the solver made by its C interface at once.

z3's own operators bring all arguments to a common sort first, one by one; there it is most of the work. Here the sorts
are right already, and the solver still checks them: a formula that is ill-sorted is an exception.
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
    """A value as a term: Python's own numbers and truths, too."""
    if isinstance(value, bool):
        return TRUE if value else FALSE
    return integer(value) if isinstance(value, int) else value


TRUE, FALSE = z3.BoolVal(True), z3.BoolVal(False)


def negation(formula: Any) -> Any:
    """Not."""
    return z3.BoolRef(z3core.Z3_mk_not(_REF, formula.ast), _CONTEXT)


def conjunction(formulas: Sequence[Any]) -> Any:
    """And; true when there are none."""
    if len(formulas) < 2:
        return formulas[0] if formulas else TRUE
    return z3.BoolRef(z3core.Z3_mk_and(_REF, len(formulas), _array(formulas)), _CONTEXT)


def disjunction(formulas: Sequence[Any]) -> Any:
    """Or; false when there are none."""
    if len(formulas) < 2:
        return formulas[0] if formulas else FALSE
    return z3.BoolRef(z3core.Z3_mk_or(_REF, len(formulas), _array(formulas)), _CONTEXT)


def if_then_else(condition: Any, then: Any, otherwise: Any) -> Any:
    """One formula or the other."""
    return z3.BoolRef(z3core.Z3_mk_ite(_REF, condition.ast, then.ast, otherwise.ast), _CONTEXT)


def equal(one: Any, other: Any) -> Any:
    """Two numbers or truths are the same: a formula, or the answer where both are known."""
    if isinstance(one, bool | int) and isinstance(other, bool | int):
        return one == other
    return z3.BoolRef(z3core.Z3_mk_eq(_REF, _term(one).ast, _term(other).ast), _CONTEXT)


def at_most(one: Any, other: int) -> Any:
    """A number is not above another."""
    return z3.BoolRef(z3core.Z3_mk_le(_REF, one.ast, integer(other).ast), _CONTEXT)


def multiple(factor: int, term: Any) -> Any:
    """A number some times."""
    return z3.ArithRef(z3core.Z3_mk_mul(_REF, 2, _array([integer(factor), term])), _CONTEXT)


def total(terms: Sequence[Any]) -> Any:
    """The sum of some numbers."""
    if len(terms) == 1:
        return terms[0]
    return z3.ArithRef(z3core.Z3_mk_add(_REF, len(terms), _array(terms)), _CONTEXT)
