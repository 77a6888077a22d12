"""Converts unknown numbers and truth values to terms of the solver, and the solver's assignments to values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import z3

from . import formulas as f
from .numbers import Atom, Count, Items, Truth, atom


@dataclass
class Terms:
    """Unknowns as terms of the solver. Flags are truth values, all others numbers."""

    numbers: dict[str, Any] = field(default_factory=dict)
    flags: dict[str, Any] = field(default_factory=dict)
    formulas: dict[int, Any] = field(default_factory=dict)
    """Formulas that are branched on, by the solver's id."""
    searches: dict[Any, dict[Any, Any]] = field(default_factory=dict)
    """The possible orders of a node search, each with the inputs that lead to it."""
    defined: dict[str, Callable[[Witness], int]] = field(default_factory=dict)
    """Unknowns that are functions of others: what computes their values, also for assignments found before."""
    _atoms: dict[Atom, Any] = field(default_factory=dict)
    _negations: dict[Atom, Any] = field(default_factory=dict)
    _counts: dict[tuple[Items, int], Any] = field(default_factory=dict)

    def number(self, name: str) -> Any:
        """The term of an unknown number."""
        term = self.numbers.get(name)
        if term is None:
            term = self.numbers[name] = z3.Int(name)
        return term

    def flag(self, name: str) -> Any:
        """The term of a flag."""
        term = self.flags.get(name)
        if term is None:
            term = self.flags[name] = z3.Bool(name)
        return term

    def _sum(self, items: Items, constant: int) -> Any:
        parts = [self.number(n) if times == 1 else f.multiple(times, self.number(n)) for n, times in items]
        if constant:
            parts.append(f.integer(constant))
        return f.total(parts)

    def count(self, value: Count | int) -> Any:
        """A count as a term; a known number is returned unchanged."""
        if not isinstance(value, Count):
            return value
        key = value.key
        term = self._counts.get(key)
        if term is None:
            term = self._counts[key] = self._sum(*key)
        return term

    def atom(self, of: Atom) -> Any:
        """A statement."""
        term = self._atoms.get(of)
        if term is None:
            if of.kind == "flag":
                term = self.flag(of.items)
            elif of.kind == "formula":
                term = self.formulas[of.items]
            else:
                total = self._sum(of.items, 0)
                made = f.at_most if of.kind == "le" else f.equal
                term = made(total, -of.constant)
            self._atoms[of] = term
        return term

    def truth(self, value: Truth | bool) -> Any:
        """A truth value as a formula; a known one is returned unchanged."""
        if not isinstance(value, Truth):
            return value
        return self.decided(value.atom, not value.negated)

    def decided(self, atom: Atom, holds: bool) -> Any:
        """A statement or its negation."""
        if holds:
            return self.atom(atom)
        term = self._negations.get(atom)
        if term is None:
            term = self._negations[atom] = f.negation(self.atom(atom))
        return term

    def branch(self, formula: Any) -> Truth | bool:
        """A formula to branch on."""
        if isinstance(formula, bool):
            return formula
        key = formula.get_id()
        self.formulas[key] = formula  # kept alive: the solver reuses ids
        return Truth(atom("formula", key))


class Witness:
    """One assignment under which a path is taken."""

    def __init__(self, model: Any, terms: Terms) -> None:
        self._model, self._terms = model, terms
        self._numbers: dict[str, int] = {}

    def number(self, name: str) -> int:
        """The value of an unknown."""
        value = self._numbers.get(name)
        if value is None:
            defined = self._terms.defined.get(name)
            if defined is not None:
                value = defined(self)
            else:
                value = f.value_of(self._model, self._terms.number(name))
            self._numbers[name] = value
        return value

    def holds(self, atom: Atom) -> bool:
        """Whether a statement holds under the assignment."""
        if atom.kind == "le":
            return bool(sum(times * self.number(n) for n, times in atom.items) + atom.constant <= 0)
        if atom.kind == "eq":
            return bool(sum(times * self.number(n) for n, times in atom.items) + atom.constant == 0)
        return self.true(self._terms.atom(atom))

    def true(self, formula: Any) -> bool:
        """Whether a formula holds under the assignment."""
        return bool(z3.is_true(self._model.eval(formula, model_completion=True)))
