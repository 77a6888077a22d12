"""Explores every path of a function on unknown numbers by running it repeatedly with different decisions at branches.

Depth first. At a branch that no run reached before, the solver decides which sides are possible after the earlier
decisions. An impossible side is not a path. If both are possible, one is kept for a later run. If the solver returns
unknown, `UndecidedError` ends the exploration: it never picks a side silently.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import z3

from proofs.interrupts import check, interruptible

from . import formulas as f
from .numbers import Atom, Count, atom, deciding
from .terms import Terms, Witness

T = TypeVar("T")


class UndecidedError(Exception):  # the verdict, not an error
    """The solver cannot decide whether a side of a branch is possible, or whether a statement follows."""


@dataclass(frozen=True)
class Path:
    """The decisions of one run, including those that were forced."""

    decisions: tuple[tuple[Atom, Any, Any], ...]
    """(statement, whether it holds, None), or (choice, option, the inputs that lead to it)."""

    def formulas(self, terms: Terms) -> list[Any]:
        """The conditions for the path to be taken."""
        return [terms.decided(a, side) if formula is None else formula for a, side, formula in self.decisions]


class Node:
    """The knowledge at a place on a path: the precondition, and the decisions that were asserted in the solver.

    Paths that took the same decisions in another order share a node.
    """

    __slots__ = ("asserted", "branches", "witness")

    def __init__(self, asserted: int, witness: Witness) -> None:
        self.asserted, self.witness = asserted, witness
        """``asserted``: the asserted decisions, as a bit mask."""
        self.branches: dict[Atom, dict[bool, Node]] = {}
        """Statement -> the possible sides: one or both."""


class Place(NamedTuple):
    """The end of a path, and a formula that must follow there."""

    node: Node
    path: tuple[tuple[Atom, bool], ...]
    """The decisions asserted on the path."""
    goal: Any


class Tree:
    """The results of queries under one precondition, shared by functions that take the same decisions."""

    def __init__(self, terms: Terms, precondition: Sequence[Any], seed: int = 0, rlimit: int = 0) -> None:
        self.terms, self.precondition = terms, list(precondition)
        self.queries = 0
        self._seed, self._rlimit = seed, rlimit
        self._solver = self._new_solver()
        self._asserted: list[tuple[Atom, bool]] = []
        """The decisions asserted in the solver, each in its own scope."""
        self._root: Node | None = None
        self._nodes: dict[int, Node] = {}
        """Nodes by their asserted decisions."""
        self._bits: dict[tuple[Atom, bool], int] = {}
        self._marks: dict[tuple[Atom, bool], Any] = {}
        """The constant that stands for a decision in unsat cores."""
        self._decision: dict[int, int] = {}
        """The bit of a decision, by the solver's id of its constant."""
        self._needed = 0
        """The decisions in the unsat core of the last query."""
        self._impossible: dict[tuple[Atom, bool], list[int]] = {}
        """Side of a branch -> sets of decisions that make it impossible."""
        self._proved: dict[int, list[int]] = {}
        """Solver id of a formula -> sets of decisions from which it follows."""
        self._goals: list[Any] = []
        """Formulas whose ids are stored; they are kept alive, because the solver reuses ids."""
        self._covered: set[Any] = set()

    def _new_solver(self) -> Any:
        """A solver that has the precondition."""
        solver = interruptible(z3.SimpleSolver())
        solver.set("random_seed", self._seed)
        solver.set("relevancy", 0)  # with the next line a third faster: all assertions matter
        solver.set("arith.solver", 2)  # for many small queries
        if self._rlimit:
            solver.set("rlimit", self._rlimit)
        solver.add(*self.precondition)
        return solver

    @property
    def root(self) -> Node:
        """The node without decisions.

        :raises ValueError: the precondition is unsatisfiable
        """
        if self._root is None:
            witness = self._possible([], [])
            if witness is None:
                raise ValueError("nothing satisfies the precondition")
            self._root = self._node(0, witness)
        return self._root

    def _node(self, asserted: int, witness: Witness) -> Node:
        return self._nodes.setdefault(asserted, Node(asserted, witness))

    def _behind(self, node: Node, atom: Atom, side: bool) -> int:
        """The bit mask of the asserted decisions and this one."""
        return node.asserted | self._bit((atom, side))

    def _bit(self, decision: tuple[Atom, bool]) -> int:
        bit = self._bits.get(decision)
        if bit is None:
            bit = self._bits[decision] = 1 << len(self._bits)
            mark = self._marks[decision] = z3.Bool(f"decision {len(self._bits)}")
            self._decision[mark.get_id()] = bit
        return bit

    def branch(self, node: Node, path: Sequence[tuple[Atom, bool]], atom: Atom) -> dict[bool, Node]:
        """The possible sides of a branch at a node that a path reached."""
        sides = node.branches.get(atom)
        if sides is None:
            holds = node.witness.holds(atom)
            other = self._other_side(node, path, atom, not holds)
            if other is None:
                sides = {holds: node}  # the decision is forced
            else:
                sides = {holds: self._node(self._behind(node, atom, holds), node.witness), not holds: other}
            node.branches[atom] = sides
        return sides

    def _other_side(self, node: Node, path: Sequence[tuple[Atom, bool]], atom: Atom, side: bool) -> Node | None:
        """The node after the side of a branch that a node's witness does not take; None: the side is impossible."""
        known = self._nodes.get(self._behind(node, atom, side))
        if known is not None:
            return known
        without = self._impossible.setdefault((atom, side), [])
        if _any_within(without, node.asserted):
            return None
        witness = self._possible(path, [self.terms.decided(atom, side)])
        if witness is None:
            without.append(self._needed)
            return None
        return self._node(self._behind(node, atom, side), witness)

    def follows(self, place: Place) -> bool:
        """Whether the formula follows at a place."""
        proved = self._proved_of(place.goal)
        if _any_within(proved, place.node.asserted):
            return True
        if self._possible(place.path, [f.negation(place.goal)]) is not None:
            return False
        proved.append(self._needed)
        return True

    def all_follow(self, places: Sequence[Place]) -> bool:
        """Whether the formula of each place follows there; one query for all places.

        :raises UndecidedError: the solver returns unknown
        """
        paths: dict[int, tuple[Any, list[Place]]] = {}
        for place in places:
            proved = self._proved_of(place.goal)
            if not _any_within(proved, place.node.asserted):
                paths.setdefault(place.goal.get_id(), (place.goal, []))[1].append(place)
        if not paths:
            return True
        against = []
        for goal, open_places in paths.values():
            there = [f.conjunction([self.terms.decided(*one) for one in place.path]) for place in open_places]
            against.append(f.conjunction([f.negation(goal), f.disjunction(there)]))
        if self._possible([], [f.disjunction(against)]) is not None:
            return False
        for goal, open_places in paths.values():
            self._proved_of(goal).extend(place.node.asserted for place in open_places)
        return True

    def _proved_of(self, goal: Any) -> list[int]:
        proved = self._proved.get(goal.get_id())
        if proved is None:
            proved = self._proved[goal.get_id()] = []
            self._goals.append(goal)
        return proved

    def covered(self, paths: Sequence[Path]) -> bool:
        """Whether the paths cover every input: whether the disjunction of their conditions is valid.

        A new solver gets only the conditions, so the result is independent of how the paths were found.

        :raises UndecidedError: the solver returns unknown
        """
        key = frozenset(path.decisions for path in paths)
        if key not in self._covered:
            solver = interruptible(z3.SimpleSolver())
            solver.set("relevancy", 0)  # but the default arithmetic solver
            solver.add(*self.precondition)
            for path in paths:
                solver.add(f.negation(f.conjunction(path.formulas(self.terms))))
            self.queries += 1
            answer = check(solver)
            if answer == z3.unknown:
                raise UndecidedError(solver.reason_unknown())
            if answer == z3.sat:
                return False
            self._covered.add(key)
        return True

    def possible(self, formula: Any) -> bool:
        """Whether a formula holds for some input."""
        return self._possible([], [formula]) is not None

    def _possible(self, path: Sequence[tuple[Atom, bool]], also: Sequence[Any]) -> Witness | None:
        """An assignment on the path that satisfies the formulas; None: they are unsatisfiable."""
        solver = self._solver
        at = 0
        while at < len(self._asserted) and at < len(path) and self._asserted[at] == path[at]:
            at += 1
        if len(self._asserted) > at:
            solver.pop(len(self._asserted) - at)
            del self._asserted[at:]
        for decision in path[at:]:
            solver.push()
            solver.assert_and_track(self.terms.decided(*decision), self._marks[decision])
            self._asserted.append(decision)
        solver.push()
        solver.add(*also)
        self.queries += 1
        answer = check(solver)
        witness = Witness(solver.model(), self.terms) if answer == z3.sat else None
        reason = solver.reason_unknown() if answer == z3.unknown else ""
        if answer == z3.unsat:
            self._needed = 0
            for mark in solver.unsat_core():
                self._needed |= self._decision[mark.get_id()]
        solver.pop()
        if answer == z3.unknown:
            raise UndecidedError(reason)
        return witness


def _any_within(sets: Sequence[int], told: int) -> bool:
    """Whether one of the sets is a subset of the decisions `told` to the solver; its result then holds here, too."""
    return any(few & told == few for few in sets)


class Decision(NamedTuple):
    """The decision of a path at a branch or a choice."""

    atom: Atom
    side: Any
    """Whether the statement holds; for a choice, the option."""
    asserted: bool
    """The decision must be asserted in the solver, because the other side is possible, too."""
    node: Node
    """The node after the decision."""
    formula: Any = None
    """For a choice, the inputs that lead to it."""


class PathExplorer:
    """Runs a function on every path of a tree, and answers queries about the path of the last run."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self._decisions: list[Decision] = []
        self._waiting: list[list[tuple[Any, Any]]] = []
        """For each decision, the other sides that are still to be run, with their formulas."""
        self._asserted: list[tuple[Atom, bool]] = []
        self._at = 0
        self._known: dict[Atom, Any] = {}
        self._fixed: dict[str, int] = {}

    def paths(self, run: Callable[[], T]) -> Iterator[tuple[Path, T]]:
        """Every possible path, with the function's result on it."""
        while True:
            self._at, self._known, self._fixed = 0, {}, {}
            self._asserted = [(d.atom, d.side) for d in self._decisions if d.asserted]
            with deciding(self):
                result = run()
            if self._at != len(self._decisions):
                raise RuntimeError("the function is not deterministic: the same decisions led to another branch")
            yield Path(tuple((d.atom, d.side, d.formula) for d in self._decisions)), result
            while self._waiting and not self._waiting[-1]:
                self._waiting.pop()
                self._decisions.pop()
            if not self._decisions:
                return
            last = self._decisions.pop()
            side, formula = self._waiting[-1].pop()
            node = self.node.branches[last.atom][side] if last.asserted else self.node
            self._decisions.append(Decision(last.atom, side, last.asserted, node, formula))

    def decide(self, atom: Atom) -> bool:
        """See `Decider`."""
        known = self._known.get(atom)
        if known is not None:
            return bool(known)
        if atom.kind == "eq" and len(atom.items) == 1 and atom.items[0][0] in self._fixed:
            (name, times), constant = atom.items[0], atom.constant
            return bool(times * self._fixed[name] + constant == 0)
        holds: bool = self._next(atom) if self._at < len(self._decisions) else self._new(atom)
        if holds and atom.kind == "eq" and len(atom.items) == 1 and atom.items[0][1] == 1:
            self._fixed[atom.items[0][0]] = -atom.constant
        return holds

    def choose(self, name: str, options: Mapping[Any, Any]) -> Any:
        """One of several options, each with the inputs that lead to it as a formula; there is a path for each.

        Options are not checked against the earlier decisions: some may be impossible after them.
        """
        which = atom("choice", name)
        if self._at < len(self._decisions):
            return self._next(which)
        sides = list(options.items())
        side, formula = sides[0]
        self._decisions.append(Decision(which, side, False, self.node, formula))
        self._waiting.append(sides[:0:-1])
        return self._next(which)

    def _next(self, atom: Atom) -> Any:
        decision = self._decisions[self._at]
        if decision.atom is not atom:
            raise RuntimeError("the function is not deterministic: the same decisions led to another branch")
        self._at += 1
        self._known[atom] = decision.side
        return decision.side

    def _new(self, atom: Atom) -> bool:
        sides = self.tree.branch(self.node, self._asserted, atom)
        holds = next(iter(sides))
        both = len(sides) == 2
        self._decisions.append(Decision(atom, holds, both, sides[holds]))
        self._waiting.append([(not holds, None)] if both else [])
        if both:
            self._asserted.append((atom, holds))
        self._next(atom)
        return holds

    def value(self, count: Count) -> int:
        """See `Decider`."""
        total = count.constant
        for name, times in count.terms.items():
            if name not in self._fixed:
                raise TypeError(f"{count!r} is used as a known number, but no branch has fixed its value")
            total += times * self._fixed[name]
        return total

    @property
    def node(self) -> Node:
        """The current node of the path."""
        return self._decisions[-1].node if self._decisions else self.tree.root

    def place(self, goal: Any) -> Place:
        """The end of the current path, with a formula that must follow there."""
        return Place(self.node, tuple(self._asserted), goal)
