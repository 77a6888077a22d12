"""Integer and truth terms shared by every encoding: Python's own values where they suffice, else Z3's.

A `Term` is a Python int or bool, or a Z3 expression. The functions below fold constants, so that a bounded
host with known indices yields small formulas.
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import z3

Term: TypeAlias = Any


def is_true(term: Term) -> bool:
    """Whether the term is Python's True; a valid Z3 expression is not."""
    return term is True


def is_false(term: Term) -> bool:
    """Whether the term is Python's False."""
    return term is False


def all_of(terms: Iterable[Term]) -> Term:
    """Conjunction; true for no terms."""
    kept = []
    for term in terms:
        if is_false(term):
            return False
        if not is_true(term):
            kept.append(term)
    if not kept:
        return True
    return kept[0] if len(kept) == 1 else _joined(z3.Z3_mk_and, kept)


def any_of(terms: Iterable[Term]) -> Term:
    """Disjunction; false for no terms."""
    kept = []
    for term in terms:
        if is_true(term):
            return True
        if not is_false(term):
            kept.append(term)
    if not kept:
        return False
    return kept[0] if len(kept) == 1 else _joined(z3.Z3_mk_or, kept)


def _joined(make: Callable[..., Any], terms: list[Term]) -> Term:
    """As z3.And and z3.Or, without their search for numbers and probes among the terms, which takes most time."""
    context = terms[0].ctx
    return z3.BoolRef(make(context.ref(), len(terms), (z3.Ast * len(terms))(*[term.ast for term in terms])), context)


def negation(term: Term) -> Term:
    """Not."""
    return (not term) if isinstance(term, bool) else z3.Not(term)


def implies(premise: Term, conclusion: Term) -> Term:
    """premise -> conclusion."""
    if is_false(premise) or is_true(conclusion):
        return True
    return conclusion if is_true(premise) else z3.Implies(premise, conclusion)


def choose(condition: Term, then: Term, otherwise: Term) -> Term:
    """`condition ? then : otherwise`."""
    if is_true(condition):
        return then
    if is_false(condition):
        return otherwise
    if isinstance(then, int) and isinstance(otherwise, int) and then is otherwise:
        return then
    return z3.If(condition, then, otherwise)


def minimum(a: Term, b: Term) -> Term:
    """The smaller of two page counts."""
    return choose(a <= b, a, b)


def positive_part(a: Term) -> Term:
    """max(0, a)."""
    return choose(a >= 0, a, 0)


def bits(number: Term, lowest: int, width: int) -> Term:
    """The bits of a number of flags, from the `lowest` on, as a number."""
    if isinstance(number, int):
        return (number >> lowest) & ((1 << width) - 1)
    return (number / (1 << lowest)) % (1 << width)  # integers: the quotient is one


def total_of(terms: Iterable[Term]) -> Term:
    """Sum; 0 for no terms. Unlike z3.Sum, it returns a single term unchanged."""
    kept = list(terms)
    if all(isinstance(term, int) for term in kept):
        return sum(kept)
    return kept[0] if len(kept) == 1 else z3.Sum(kept)


def same(a: Term, b: Term) -> Term:
    """a == b, decided at once when both are known or are the same expression."""
    if isinstance(a, (int, bool)) and isinstance(b, (int, bool)):
        return a == b
    return a is b or a == b
