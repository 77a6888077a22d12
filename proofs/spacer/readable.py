"""Spacer's clauses in readable form: `claims[0][0] <= node_claims[0]` for `Not(-1*claims[0][0] + ... <= -1)`."""

from __future__ import annotations

import z3

Sum = dict[str, int]
"""Counter to factor; the constant has the name ``""``."""
COMPARISONS = {z3.Z3_OP_LE: "<=", z3.Z3_OP_GE: ">=", z3.Z3_OP_LT: "<", z3.Z3_OP_GT: ">", z3.Z3_OP_EQ: "="}
OPPOSITE = {"<=": ">", ">=": "<", "<": ">=", ">": "<=", "=": "!="}


def readable(formula: z3.BoolRef, negated: bool = False) -> str:
    """The formula in one line; other formulas stay as Z3 prints them."""
    if z3.is_not(formula):
        return readable(formula.arg(0), not negated)
    if z3.is_or(formula) or z3.is_and(formula):
        word = " or " if z3.is_or(formula) != negated else " and "
        return word.join(_within(readable(part, negated)) for part in formula.children())
    if z3.is_implies(formula) and not negated:
        return f"{_within(readable(formula.arg(0), True))} or {_within(readable(formula.arg(1)))}"
    kind = formula.decl().kind()
    if kind in COMPARISONS and z3.is_int(formula.arg(0)):
        comparison = OPPOSITE[COMPARISONS[kind]] if negated else COMPARISONS[kind]
        terms = _difference(formula.arg(0), formula.arg(1))
        if terms is not None:
            return _compared(terms, comparison)
    text = " ".join(str(formula).split())
    return f"not {text}" if negated else text


def _within(text: str) -> str:
    return f"({text})" if " or " in text or " and " in text else text


def _compared(terms: Sum, comparison: str) -> str:
    """A comparison of integers without strict comparisons, with every counter on the side on which it is added."""
    constant = terms.pop("", 0)
    if comparison in ("<", ">"):
        constant += 1 if comparison == "<" else -1
        comparison += "="
    if comparison == ">=" and any(factor < 0 for factor in terms.values()):
        terms, constant, comparison = {name: -factor for name, factor in terms.items()}, -constant, "<="
    left = {name: factor for name, factor in terms.items() if factor > 0}
    right = {name: -factor for name, factor in terms.items() if factor < 0}
    (right if constant <= 0 else left)[""] = abs(constant)
    return f"{_sum(left)} {comparison} {_sum(right)}"


def _sum(terms: Sum) -> str:
    shown = [name if factor == 1 else f"{factor}*{name}" for name, factor in sorted(terms.items()) if name]
    if terms.get("") or not shown:
        shown.append(str(terms.get("", 0)))
    return " + ".join(shown)


def _difference(one: z3.ArithRef, other: z3.ArithRef) -> Sum | None:
    found: Sum = {}
    return found if _add(found, one, 1) and _add(found, other, -1) else None


def _add(found: Sum, term: z3.ArithRef, factor: int) -> bool:
    """Add a linear term; returns whether the term is linear."""
    if z3.is_int_value(term):
        name, factor = "", factor * term.as_long()
    elif z3.is_add(term):
        return all(_add(found, part, factor) for part in term.children())
    elif z3.is_sub(term):
        first, *rest = term.children()
        return _add(found, first, factor) and all(_add(found, part, -factor) for part in rest)
    elif z3.is_app_of(term, z3.Z3_OP_UMINUS):
        return _add(found, term.arg(0), -factor)
    elif z3.is_mul(term) and term.num_args() == 2 and z3.is_int_value(term.arg(0)):
        return _add(found, term.arg(1), factor * term.arg(0).as_long())
    elif z3.is_const(term):
        name = term.decl().name()
    else:
        return False
    found[name] = found.get(name, 0) + factor
    if not found[name]:
        del found[name]
    return True
