"""Every path of a deterministic program over unknowns: run again and again, along a prefix of decisions.

A decision is a condition on the unknowns, whose both sides are tried where both are possible, or a choice of one of
finitely many. The conditions of the prefix stay asserted in one solver. `left_out` says of the finished tree which
inputs its paths do not take: none, if the solver refutes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

import z3

from proofs.diff.numbers import ExplorationError, Flag, Number, Truth

VALUES_MAX = 64
"""How many values a number may have where the code needs one."""


class SolverUnknown(ExplorationError):
    """The solver could not say whether a path is possible: nothing is claimed."""


class NotDeterministic(ExplorationError):
    """The program took another turn on the same prefix of decisions."""


class Pruned(ExplorationError):
    """What follows on this path was explored already from the same point."""


@dataclass
class Branch:
    """A condition, and which of its sides are possible. The other side is tried when this one is done."""

    condition: z3.BoolRef
    side: bool
    forks: bool
    other: z3.ModelRef | None
    done: dict[bool, Tree] = field(default_factory=dict)


@dataclass
class Choice:
    """One of several alternatives that are all possible."""

    label: str
    count: int
    index: int = 0
    done: list[Tree] = field(default_factory=list)


@dataclass
class Assumed:
    """What is known from here on about unknowns that are new."""

    facts: Sequence[z3.BoolRef]
    done: Tree = None


@dataclass
class Noted:
    """What was found out here: once, not on every run along this prefix."""

    value: Any


Decision: TypeAlias = Branch | Choice | Assumed | Noted
LEAF = "leaf"
Tree: TypeAlias = Any
"""A `Branch`, `Choice` or `Assumed` with what is below it, or `LEAF`, the end of a path."""

Found = TypeVar("Found")


class Explorer:
    """The paths of one program, depth first. Knows its unknowns by name."""

    def __init__(self) -> None:
        self.solver = z3.SimpleSolver()
        self.queries = 0
        self.paths = 0
        self.root: Tree = None
        self.met: z3.ModelRef | None = None
        """An input that meets the condition of the last `impossible`, if that was false."""
        self._constants: list[z3.ArithRef] = []
        self._numbers: dict[str, Number] = {}
        self._flags: dict[str, Truth] = {}
        self._decisions: list[Decision] = []
        self._at = 0
        self._known: dict[tuple[object, ...], bool] = {}
        self._fixed: dict[int, int] = {}
        self._model: z3.ModelRef | None = None
        self._values: dict[int, int] = {}
        self._kept: list[z3.BoolRef] = []

    # -- unknowns

    def number(self, name: str) -> Number:
        """The unknown number of that name."""
        if name not in self._numbers:
            self._constants.append(z3.Int(name))
            self._numbers[name] = Number(self, {len(self._constants) - 1: 1})
        return self._numbers[name]

    def flag(self, name: str) -> Truth:
        """The unknown truth of that name."""
        if name not in self._flags:
            self._flags[name] = Truth(self, "flag", Flag(z3.Bool(name)))
        return self._flags[name]

    def constant(self, unknown: int) -> z3.ArithRef:
        """The unknown as a Z3 constant."""
        return self._constants[unknown]

    # -- asking the solver

    def check(self) -> bool:
        """Whether what is asserted is possible."""
        self.queries += 1
        answer = self.solver.check()
        if answer == z3.unknown:
            raise SolverUnknown(self.solver.reason_unknown())
        return bool(answer == z3.sat)

    def impossible(self, condition: z3.BoolRef) -> bool:
        """Whether the condition contradicts the path so far; if not, `met` is how it is met."""
        self.solver.push()
        self.solver.add(condition)
        possible = self.check()
        self.met = self.solver.model() if possible else None
        self.solver.pop()
        return not possible

    def model(self) -> z3.ModelRef:
        """Some input that takes the path so far."""
        if self._model is None:
            if not self.check():
                raise AssertionError("a path that is not possible")
            self._model, self._values = self.solver.model(), {}
        return self._model

    # -- deciding

    @property
    def _replaying(self) -> bool:
        return self._at < len(self._decisions)

    def _past(self, kind: type[Found]) -> Found:
        past = self._decisions[self._at]
        if not isinstance(past, kind):
            raise NotDeterministic
        self._at += 1
        return past

    def _new(self, decision: Decision) -> None:
        self._decisions.append(decision)
        self._at += 1

    def decide(self, truth: Truth) -> bool:
        """Whether it holds on this path."""
        key = truth.key()
        value = self._known.get(key)
        if value is None:
            value = self._past(Branch).side if self._replaying else self._branch(truth.positive(), self._holds(truth))
            self._known[key] = value
            if value and truth.kind == "==" and isinstance(truth.of, Number) and len(truth.of.terms) == 1:
                ((unknown, factor),) = truth.of.terms.items()
                self._fixed[unknown] = -truth.of.constant // factor
        return value is not truth.contrary

    def decide_formula(self, condition: z3.BoolRef | bool) -> bool:
        """Whether a formula holds on this path."""
        if isinstance(condition, bool):
            return condition
        if self._replaying:
            return self._past(Branch).side
        return self._branch(condition, z3.is_true(self.model().eval(condition, model_completion=True)))

    def _branch(self, condition: z3.BoolRef, side: bool) -> bool:
        """A new condition; `side` is possible, the other one perhaps."""
        contrary = z3.Not(condition)
        forks = not self.impossible(contrary if side else condition)
        self._new(Branch(condition, side, forks, self.met))
        if forks:
            self.solver.push()
            self.solver.add(condition if side else contrary)
        return side

    def _holds(self, truth: Truth) -> bool:
        """Whether the path's model has it so."""
        if isinstance(truth.of, Flag):
            return z3.is_true(self.model().eval(truth.of.constant, model_completion=True))
        value = self._evaluated(truth.of)
        return value <= 0 if truth.kind == "<=" else value == 0

    def _evaluated(self, number: Number) -> int:
        model, total = self.model(), number.constant
        for unknown, factor in number.terms.items():
            if unknown not in self._values:
                found = model.eval(self._constants[unknown], model_completion=True)
                self._values[unknown] = found.as_long()
            total += factor * self._values[unknown]
        return total

    def fixed(self, number: Number) -> int | None:
        """The number's value, if the path says it."""
        total = number.constant
        for unknown, factor in number.terms.items():
            if unknown not in self._fixed:
                return None
            total += factor * self._fixed[unknown]
        return total

    def value_of(self, number: Number) -> int:
        """The number's value on this path; forks over those it may have."""
        value = self.fixed(number)
        for _ in range(VALUES_MAX):
            if value is not None:
                return value
            guess = self.note(lambda: self._evaluated(number))
            value = guess if number == guess else None
        raise ExplorationError(f"{number} may have more than {VALUES_MAX} values")

    def choose(self, label: str, count: int) -> int:
        """One of `count` alternatives; all are tried."""
        if count == 1:
            return 0
        if self._replaying:
            past = self._past(Choice)
            if past.label != label:
                raise NotDeterministic
            return past.index
        self._new(Choice(label, count))
        return 0

    def assume(self, facts: Callable[[], Sequence[z3.BoolRef]]) -> None:
        """From here on the facts hold; they are about unknowns that are new here."""
        if self._replaying:
            self._past(Assumed)
            return
        known = Assumed(facts())
        self.solver.push()
        self.solver.add(*known.facts)
        self._new(known)
        self._model = None

    def note(self, find: Callable[[], Found]) -> Found:
        """What is found out here, on the first run that comes here."""
        if self._replaying:
            found: Found = self._past(Noted).value
            return found
        value = find()
        self._new(Noted(value))
        return value

    # -- exploring

    def explore(self, program: Callable[[], None]) -> Iterator[None]:
        """Run the program on every path; gives control back after each."""
        while True:
            self._at, self._known, self._fixed = 0, {}, {}
            try:
                program()
                self.paths += 1
            except Pruned:
                pass
            yield
            if not self._next():
                return

    def _next(self) -> bool:
        """Go back to the last decision that has another alternative; false at the end."""
        tree: Tree = LEAF
        while self._decisions:
            last = self._decisions.pop()
            if isinstance(last, Noted):
                continue
            if isinstance(last, Choice):
                last.done.append(tree)
                if len(last.done) < last.count:
                    last.index += 1
                    self._decisions.append(last)
                    return True
            elif isinstance(last, Assumed):
                self.solver.pop()
                last.done = tree
            else:
                last.done[last.side] = tree
                if last.forks:
                    self.solver.pop()
                    if len(last.done) == 1:
                        self._other_side(last)
                        return True
            tree = last
        self.root = tree
        return False

    def _other_side(self, branch: Branch) -> None:
        branch.side = not branch.side
        self._decisions.append(branch)
        self.solver.push()
        self.solver.add(branch.condition if branch.side else z3.Not(branch.condition))
        self._model, self._values = branch.other, {}


def left_out(tree: Tree) -> z3.BoolRef | bool:
    """The inputs that no path of the tree takes, as a formula."""
    if tree is LEAF:
        return False
    if isinstance(tree, Assumed):
        below = left_out(tree.done)
        return False if below is False else z3.And(*tree.facts, below)
    if isinstance(tree, Choice):
        if len(tree.done) != tree.count:
            raise AssertionError("a choice was not explored to its end")
        return _either([left_out(below) for below in tree.done])
    sides = []
    for side, condition in ((True, tree.condition), (False, z3.Not(tree.condition))):
        below = left_out(tree.done[side]) if side in tree.done else True
        if below is not False:
            sides.append(condition if below is True else z3.And(condition, below))
    return _either(sides)


def _either(formulas: Sequence[z3.BoolRef | bool]) -> z3.BoolRef | bool:
    kept = [f for f in formulas if f is not False]
    if not kept:
        return False
    return kept[0] if len(kept) == 1 else z3.Or(kept)
