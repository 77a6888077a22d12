"""Every path of a deterministic program over unknowns: run again and again, along a prefix of decisions.

A decision is a condition on the unknowns, whose both sides are tried where both are possible, or a choice of one of
finitely many. The conditions of the prefix stay asserted in one solver. `left_out` says of the finished tree which
inputs its paths do not take: none, if the solver refutes it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

import z3

from proofs.diff.numbers import ExplorationError, Key, Number, Terms, Truth

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
class Fresh:
    """Nothing is known from here on but these facts: what was decided before is no longer so."""

    facts: Sequence[z3.BoolRef]
    outer: z3.Solver
    done: Tree = None


@dataclass
class Noted:
    """What was found out here: once, not on every run along this prefix."""

    value: Any


@dataclass
class Alternative:
    """One result of a part that was explored by itself, and when it has that result."""

    result: Any
    conditions: list[z3.BoolRef | bool] = field(default_factory=list)

    def condition(self) -> z3.BoolRef | bool:
        """When the part has this result."""
        return _either(self.conditions)


@dataclass
class Merged:
    """The results of a part that was explored by itself; paths to the same result go on as one."""

    alternatives: list[Alternative]
    index: int = -1
    done: list[Tree] = field(default_factory=list)


Decision: TypeAlias = Branch | Choice | Assumed | Fresh | Noted | Merged
LEAF = "the end of a path"
IMPOSSIBLE = "no path"
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
        self._low: list[int | None] = []
        self._bounds: dict[Terms, tuple[int | None, int | None]] = {}
        self._numbers: dict[str, Number] = {}
        self._flags: dict[str, Truth] = {}
        self._names: dict[str, z3.BoolRef] = {}
        self._decisions: list[Decision] = []
        self._at = 0
        self._sums: dict[tuple[Terms, int], z3.ArithRef] = {}
        self._known: dict[Key, bool] = {}
        self._fixed: dict[int, int] = {}
        self._model: z3.ModelRef | None = None
        self._values: dict[int, int] = {}
        self._blind = False

    # -- unknowns

    def number(self, name: str, low: int | None = None) -> Number:
        """The unknown number of that name; `low` is a bound that is assumed of it wherever it is used."""
        if name not in self._numbers:
            self._constants.append(z3.Int(name))
            self._low.append(low)
            self._numbers[name] = Number(self, ((len(self._constants) - 1, 1),))
        return self._numbers[name]

    def flag(self, name: str) -> Truth:
        """The unknown truth of that name."""
        if name not in self._flags:
            self._flags[name] = Truth(self, ("flag", name, 0))
            self._names[name] = z3.Bool(name)
        return self._flags[name]

    def named(self, flag: str) -> z3.BoolRef:
        """The flag as a Z3 constant."""
        return self._names[flag]

    def sum_of(self, terms: Terms, constant: int) -> z3.ArithRef:
        """The sum as a Z3 expression; kept."""
        key = (terms, constant)
        if key not in self._sums:
            parts = [self._constants[u] if f == 1 else f * self._constants[u] for u, f in terms]
            if constant or not parts:
                parts.append(z3.IntVal(constant))
            self._sums[key] = parts[0] if len(parts) == 1 else z3.Sum(parts)
        return self._sums[key]

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
        value = self._known.get(truth.key)
        if value is None:
            value = self._past(Branch).side if self._replaying else self._branch(truth.positive(), truth)
            self._known[truth.key] = value
            self._learn(truth.key, value)
        return value is not truth.contrary

    def _learn(self, key: Key, value: bool) -> None:
        """What the answer says about a sum."""
        kind, terms, bound = key
        if isinstance(terms, str):
            return
        low, high = self._bounds_of(terms)
        if kind == "<=":
            self._bounds[terms] = (low, bound) if value else (bound + 1, high)
        elif value:
            self._bounds[terms] = (bound, bound)
            if len(terms) == 1:
                ((unknown, factor),) = terms
                self._fixed[unknown] = bound // factor

    def _bounds_of(self, terms: Terms) -> tuple[int | None, int | None]:
        """What is plain about a sum: from what was decided of it, or from the bounds of its unknowns."""
        if terms not in self._bounds:
            lows = [self._low[u] for u, factor in terms if factor > 0]
            all_positive = len(lows) == len(terms) and None not in lows
            self._bounds[terms] = (sum(f * (self._low[u] or 0) for u, f in terms) if all_positive else None, None)
        return self._bounds[terms]

    def _plain(self, key: Key) -> bool | None:
        """The answer, where it is plain."""
        kind, terms, bound = key
        if isinstance(terms, str):
            return None
        low, high = self._bounds_of(terms)
        if low is not None and low > bound:
            return False
        if kind == "<=":
            return True if high is not None and high <= bound else None
        return False if high is not None and high < bound else None

    def known(self, truth: Truth) -> bool | None:
        """What the path decided of it, in these words."""
        value = self._known.get(truth.key)
        return None if value is None else value is not truth.contrary

    def decide_formula(self, condition: z3.BoolRef | bool) -> bool:
        """Whether a formula holds on this path."""
        if isinstance(condition, bool):
            return condition
        if self._replaying:
            return self._past(Branch).side
        return self._branch(condition)

    def _branch(self, condition: z3.BoolRef, truth: Truth | None = None) -> bool:
        """A new condition, first the side that the path's model has."""
        plain = None if truth is None else self._plain(truth.key)
        if plain is not None:
            self._new(Branch(condition, plain, False, None))
            return plain
        if self._blind:
            self._new(Branch(condition, True, True, None))
            return True
        side = self._holds(condition, truth)
        contrary = z3.Not(condition)
        forks = not self.impossible(contrary if side else condition)
        self._new(Branch(condition, side, forks, self.met))
        if forks:
            self.solver.push()
            self.solver.add(condition if side else contrary)
        return side

    def _holds(self, condition: z3.BoolRef, truth: Truth | None) -> bool:
        """Whether the path's model has it so."""
        if truth is None or isinstance(truth.key[1], str):
            return z3.is_true(self.model().eval(condition, model_completion=True))
        kind, terms, bound = truth.key
        value = self._evaluated(terms)
        return value <= bound if kind == "<=" else value == bound

    def _evaluated(self, terms: Terms) -> int:
        model, total = self.model(), 0
        for unknown, factor in terms:
            if unknown not in self._values:
                found = model.eval(self._constants[unknown], model_completion=True)
                self._values[unknown] = found.as_long()
            total += factor * self._values[unknown]
        return total

    def fixed(self, number: Number) -> int | None:
        """The number's value, if the path says it."""
        total = number.constant
        for unknown, factor in number.terms:
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
            guess = self.note(lambda: number.constant + self._evaluated(number.terms))
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

    def forget(self, facts: Callable[[], Sequence[z3.BoolRef]]) -> None:
        """From here on nothing is known but the facts."""
        self._known, self._fixed, self._bounds = {}, {}, {}
        if self._replaying:
            self._past(Fresh)
            return
        fresh = Fresh(facts(), self.solver)
        self.solver = z3.SimpleSolver()
        self.solver.add(*fresh.facts)
        self._new(fresh)
        self._model = None

    def note(self, find: Callable[[], Found]) -> Found:
        """What is found out here, on the first run that comes here."""
        if self._replaying:
            found: Found = self._past(Noted).value
            return found
        value = find()
        self._new(Noted(value))
        return value

    def merge(self, part: Callable[[], Hashable]) -> Any:
        """The result of a part of the program that changes nothing: its paths to the same result go on as one.

        Both sides of every condition in it are tried without asking whether they are possible; that is asked of the
        results. The result must tell of everything that the part found out but by conditions on the unknowns.
        """
        if self._replaying:
            past = self._past(Merged)
            return past.alternatives[past.index].result
        merged = self._explore_part(part)
        self._new(merged)
        if not self._another(merged):
            raise AssertionError("a path that is not possible")
        return merged.alternatives[merged.index].result

    def _explore_part(self, part: Callable[[], Hashable]) -> Merged:
        outer = (self._decisions, self._at, self._known, self._fixed, self._bounds, self.root)
        self._decisions, self._blind = [], True
        found: dict[Hashable, Alternative] = {}
        while True:
            self._at, self._known, self._fixed, self._bounds = 0, dict(outer[2]), dict(outer[3]), dict(outer[4])
            result = part()
            found.setdefault(result, Alternative(result)).conditions.append(_all(self._taken()))
            if not self._next():
                break
        self._decisions, self._at, self._known, self._fixed, self._bounds, self.root = outer
        self._blind = False
        return Merged(list(found.values()))

    def _taken(self) -> list[z3.BoolRef]:
        """The conditions on the way here."""
        forks = [d for d in self._decisions if isinstance(d, Branch) and d.forks]
        return [d.condition if d.side else z3.Not(d.condition) for d in forks]

    def _another(self, merged: Merged) -> bool:
        """Go on with the next result that is possible, if there is one."""
        while merged.index + 1 < len(merged.alternatives):
            merged.index += 1
            self.solver.push()
            if (condition := merged.alternatives[merged.index].condition()) is not True:
                self.solver.add(condition)
            if self.check():
                self._model, self._values = self.solver.model(), {}
                return True
            self.solver.pop()
            merged.done.append(IMPOSSIBLE)
        return False

    # -- exploring

    def explore(self, program: Callable[[], None]) -> Iterator[None]:
        """Run the program on every path; gives control back after each."""
        while True:
            self._at, self._known, self._fixed, self._bounds = 0, {}, {}, {}
            try:
                program()
                if not self.check():
                    raise AssertionError("a path that is not possible")
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
            elif isinstance(last, Merged):
                self.solver.pop()
                last.done.append(tree)
                if self._another(last):
                    self._decisions.append(last)
                    return True
            elif isinstance(last, Fresh):
                self.solver, self._model = last.outer, None  # the model is of what followed, and not of this
                last.done = tree
            elif isinstance(last, Assumed):
                self.solver.pop()
                last.done = tree
            else:
                last.done[last.side] = tree
                if last.forks:
                    if not self._blind:
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
        if self._blind:
            return
        self.solver.push()
        self.solver.add(branch.condition if branch.side else z3.Not(branch.condition))
        self._model, self._values = branch.other, {}


def left_out(tree: Tree) -> list[z3.BoolRef]:
    """The inputs that no path of the tree takes, as formulas: none of them can be met if the paths are all there are.

    What follows where everything is forgotten has a formula of its own: it is to be covered whatever came before.
    """
    found: list[z3.BoolRef | bool] = []
    found.append(_left_out(tree, found))
    return [f if isinstance(f, z3.ExprRef) else z3.BoolVal(f) for f in found if f is not False]


def _left_out(tree: Tree, others: list[z3.BoolRef | bool]) -> z3.BoolRef | bool:
    if tree in (LEAF, IMPOSSIBLE):
        return bool(tree == IMPOSSIBLE)
    if isinstance(tree, Fresh):
        others.append(_all([_left_out(tree.done, others), *tree.facts]))
        return False
    if isinstance(tree, Assumed):
        return _all([_left_out(tree.done, others), *tree.facts])
    if isinstance(tree, Choice):
        if len(tree.done) != tree.count:
            raise AssertionError("a choice was not explored to its end")
        return _either([_left_out(below, others) for below in tree.done])
    if isinstance(tree, Merged):
        pairs = zip(tree.alternatives, tree.done, strict=True)
        return _either([_all([one.condition(), _left_out(below, others)]) for one, below in pairs])
    sides = ((True, tree.condition), (False, z3.Not(tree.condition)))
    return _either([_all([c, _left_out(tree.done[s], others) if s in tree.done else True]) for s, c in sides])


def _all(formulas: Sequence[z3.BoolRef | bool]) -> z3.BoolRef | bool:
    if any(f is False for f in formulas):
        return False
    kept = [f for f in formulas if f is not True]
    if not kept:
        return True
    return kept[0] if len(kept) == 1 else z3.And(kept)


def _either(formulas: Sequence[z3.BoolRef | bool]) -> z3.BoolRef | bool:
    if any(f is True for f in formulas):
        return True
    kept = [f for f in formulas if f is not False]
    if not kept:
        return False
    return kept[0] if len(kept) == 1 else z3.Or(kept)
