"""Every path of a function on unknown numbers: it is run again and again, each time with other decisions at its branches.

Depth first. At a branch that this run is the first to reach, the solver is asked which sides are possible together with
the decisions before; a side that is not is no path. Both, and one is kept for a later run. Where the solver cannot tell,
`Undecided` ends the exploration: no side is ever picked in silence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import z3

from .numbers import Atom, Count, Items, Truth, deciding

T = TypeVar("T")


class Undecided(Exception):  # the verdict, not an error
    """The solver could not say whether a side of a branch is possible, or whether a statement follows."""


@dataclass
class Terms:
    """Unknowns as terms of the solver. Flags have a truth value, all else is a number."""

    numbers: dict[str, Any] = field(default_factory=dict)
    flags: dict[str, Any] = field(default_factory=dict)
    formulas: dict[int, Any] = field(default_factory=dict)
    """Formulas that are branched on, by the solver's id."""
    _atoms: dict[Atom, Any] = field(default_factory=dict)
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
        parts = [self.number(n) if times == 1 else times * self.number(n) for n, times in items]
        if constant:
            parts.append(z3.IntVal(constant))
        return parts[0] if len(parts) == 1 else z3.Sum(parts)

    def count(self, value: Count | int) -> Any:
        """A number: a term, or itself."""
        if not isinstance(value, Count):
            return value
        key = value.key
        term = self._counts.get(key)
        if term is None:
            term = self._counts[key] = self._sum(*key)
        return term

    def atom(self, atom: Atom) -> Any:
        """A statement."""
        term = self._atoms.get(atom)
        if term is None:
            if atom.kind == "flag":
                term = self.flag(atom.items)
            elif atom.kind == "formula":
                term = self.formulas[atom.items]
            else:
                total = self._sum(atom.items, 0)
                term = total <= -atom.constant if atom.kind == "le" else total == -atom.constant
            self._atoms[atom] = term
        return term

    def truth(self, value: Truth | bool) -> Any:
        """A truth value: a formula, or itself."""
        if not isinstance(value, Truth):
            return value
        term = self.atom(value.atom)
        return z3.Not(term) if value.negated else term

    def branch(self, formula: Any) -> Truth | bool:
        """A formula to branch on."""
        if isinstance(formula, bool):
            return formula
        key = formula.get_id()
        self.formulas[key] = formula  # alive: ids are used again
        return Truth(Atom("formula", key, 0))


class Witness:
    """One assignment under which a path is taken."""

    def __init__(self, model: Any, terms: Terms) -> None:
        self._model, self._terms = model, terms
        self._numbers: dict[str, int] = {}

    def number(self, name: str) -> int:
        """Of an unknown."""
        value = self._numbers.get(name)
        if value is None:
            term = self._model.eval(self._terms.number(name), model_completion=True)
            value = self._numbers[name] = term.as_long()
        return value

    def holds(self, atom: Atom) -> bool:
        """Whether a statement holds there."""
        if atom.kind == "le":
            return sum(times * self.number(n) for n, times in atom.items) + atom.constant <= 0
        if atom.kind == "eq":
            return sum(times * self.number(n) for n, times in atom.items) + atom.constant == 0
        return self.true(self._terms.atom(atom))

    def true(self, formula: Any) -> bool:
        """Whether a formula holds there."""
        return z3.is_true(self._model.eval(formula, model_completion=True))


@dataclass
class _Decision:
    atom: Atom
    holds: bool
    forced: bool
    """The other side is impossible."""
    witness: Witness
    other: Witness | None = None
    """Of the other side, while that is still to be run."""


@dataclass(frozen=True)
class Path(Sequence[tuple[Atom, bool]]):
    """The decisions of one run, those too that could not be otherwise."""

    decisions: tuple[tuple[Atom, bool], ...]

    def __getitem__(self, index: Any) -> Any:
        return self.decisions[index]

    def __len__(self) -> int:
        return len(self.decisions)


class Explorer:
    """Explores under a precondition, and answers questions about the path that has just been run."""

    def __init__(self, terms: Terms, precondition: Sequence[Any], seed: int = 0, rlimit: int = 0) -> None:
        self.terms = terms
        self.queries = 0
        self._solver = z3.SimpleSolver()
        self._solver.set("random_seed", seed)
        self._solver.set("ctrl_c", False)  # the solver would end the question, as if it could not be decided
        if rlimit:
            self._solver.set("rlimit", rlimit)
        self._solver.add(*precondition)
        self._decisions: list[_Decision] = []
        self._asserted: list[_Decision] = []
        """Those that the solver has, each in a scope of its own."""
        self._at = 0
        self._known: dict[Atom, bool] = {}
        self._fixed: dict[str, int] = {}
        self._first: Witness | None = None

    # -- exploring

    def paths(self, run: Callable[[], T]) -> Iterator[tuple[Path, T]]:
        """Every possible path with what the function returned on it. Questions about a path are asked while it is current."""
        if self._first is None:
            if self._check() != z3.sat:
                raise ValueError("nothing satisfies the precondition")
            self._first = Witness(self._solver.model(), self.terms)
        while True:
            self._at, self._known, self._fixed = 0, {}, {}
            with deciding(self):
                result = run()
            if self._at != len(self._decisions):
                raise RuntimeError("the function did not do the same again with the same decisions")
            yield Path(tuple((d.atom, d.holds) for d in self._decisions)), result
            while self._decisions and self._decisions[-1].other is None:
                self._decisions.pop()
            if not self._decisions:
                self._synchronise()
                return
            last = self._decisions.pop()
            assert last.other is not None
            self._decisions.append(_Decision(last.atom, not last.holds, False, last.other))

    def decide(self, atom: Atom) -> bool:
        """See `Decider`."""
        known = self._known.get(atom)
        if known is not None:
            return known
        if atom.kind == "eq" and len(atom.items) == 1 and atom.items[0][0] in self._fixed:
            (name, times), constant = atom.items[0], atom.constant
            return times * self._fixed[name] + constant == 0
        if self._at < len(self._decisions):
            decision = self._decisions[self._at]
            if decision.atom != atom:
                raise RuntimeError("the function did not do the same again with the same decisions")
        else:
            decision = self._new(atom)
            self._decisions.append(decision)
        self._at += 1
        self._known[atom] = decision.holds
        if decision.holds and atom.kind == "eq" and len(atom.items) == 1 and atom.items[0][1] == 1:
            self._fixed[atom.items[0][0]] = -atom.constant
        return decision.holds

    def value(self, count: Count) -> int:
        """See `Decider`."""
        total = count.constant
        for name, times in count.terms.items():
            if name not in self._fixed:
                raise TypeError(f"{count!r} is used as a known number, but no branch has fixed it")
            total += times * self._fixed[name]
        return total

    def _new(self, atom: Atom) -> _Decision:
        witness = self.witness
        holds = witness.holds(atom)
        self._synchronise()
        term = self.terms.atom(atom)
        self._solver.push()
        self._solver.add(z3.Not(term) if holds else term)
        answer = self._check()
        other = Witness(self._solver.model(), self.terms) if answer == z3.sat else None
        self._solver.pop()
        return _Decision(atom, holds, other is None, witness, other)

    @property
    def witness(self) -> Witness:
        """An assignment under which the current path, as far as it has come, is taken."""
        if self._decisions:
            return self._decisions[-1].witness
        assert self._first is not None
        return self._first

    def _synchronise(self) -> None:
        """Give the solver the decisions of this path."""
        at = 0
        while at < len(self._asserted) and at < len(self._decisions) and self._asserted[at] is self._decisions[at]:
            at += 1
        if len(self._asserted) > at:
            self._solver.pop(len(self._asserted) - at)
            del self._asserted[at:]
        for decision in self._decisions[at:]:
            self._solver.push()
            if not decision.forced:
                term = self.terms.atom(decision.atom)
                self._solver.add(term if decision.holds else z3.Not(term))
            self._asserted.append(decision)

    def _check(self) -> Any:
        self.queries += 1
        answer = self._solver.check()
        if answer == z3.unknown:
            raise Undecided(self._solver.reason_unknown())
        return answer

    # -- questions about the current path

    def counterexample(self, goal: Any) -> Any | None:
        """An assignment on the current path under which the goal does not hold, as a model of the solver; none if it follows."""
        self._synchronise()
        self._solver.push()
        self._solver.add(z3.Not(goal))
        answer = self._check()
        found = self._solver.model() if answer == z3.sat else None
        self._solver.pop()
        return found


    def decided(self) -> list[Any]:
        """The decisions of the current path, as formulas."""
        return [
            self.terms.atom(d.atom) if d.holds else z3.Not(self.terms.atom(d.atom)) for d in self._decisions
        ]


def condition(terms: Terms, path: Path) -> Any:
    """The condition of a path, as a formula."""
    parts = [terms.atom(atom) if holds else z3.Not(terms.atom(atom)) for atom, holds in path.decisions]
    return z3.And(parts) if parts else z3.BoolVal(True)


def uncovered(terms: Terms, precondition: Sequence[Any], paths: Sequence[Path]) -> Any | None:
    """An input that none of the paths is for; none if together they are for all.

    :raises Undecided: the solver cannot tell
    """
    solver = z3.SimpleSolver()
    solver.set("ctrl_c", False)
    solver.add(*precondition)
    for path in paths:
        solver.add(z3.Not(condition(terms, path)))
    answer = solver.check()
    if answer == z3.unknown:
        raise Undecided(solver.reason_unknown())
    return solver.model() if answer == z3.sat else None
