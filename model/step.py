"""One critical section as a two-state relation: named guards on the state before, named updates after.

Each guard and each update (named by the field it sets) is a conjunct that can be dropped by name. Fields
without an update keep their value.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from model.bookkeeping import SEPARATE, SeparateBookkeeping
from model.encoding import Encoding, Lemmas, Quantifiers, Vector
from model.logic import Term, all_of, choose, same
from model.state import State

Formula: TypeAlias = Callable[[Quantifiers], Term]
Hint: TypeAlias = Callable[[Lemmas, State], None]


@dataclass(frozen=True)
class WholeUpdate:
    """A scalar's new value, or a vector's new entries."""

    value: Any

    def at(self, _before: Any, *index: Term) -> Term:
        """The new value at an index (none for a scalar)."""
        return self.value[index[0]] if index else self.value


@dataclass(frozen=True)
class EntryUpdate:
    """A vector with one entry changed."""

    index: Term
    value: Term

    def at(self, before: Any, index: Term) -> Term:
        """The new value at an index."""
        return choose(same(index, self.index), self.value, before[index])


@dataclass(frozen=True)
class CellUpdate:
    """A grid with one cell changed."""

    domain: Term
    node: Term
    value: Term

    def at(self, before: Any, domain: Term, node: Term) -> Term:
        """The new value of a cell."""
        here = all_of([same(domain, self.domain), same(node, self.node)])
        return choose(here, self.value, before[domain, node])


@dataclass(frozen=True)
class RowUpdate:
    """A grid with one domain's row replaced."""

    domain: Term
    values: Vector

    def at(self, before: Any, domain: Term, node: Term) -> Term:
        """The new value of a cell."""
        return choose(same(domain, self.domain), self.values[node], before[domain, node])


@dataclass(frozen=True)
class ColumnUpdate:
    """A grid with one node's column replaced."""

    node: Term
    values: Vector

    def at(self, before: Any, domain: Term, node: Term) -> Term:
        """The new value of a cell."""
        return choose(same(node, self.node), self.values[domain], before[domain, node])


Update: TypeAlias = WholeUpdate | EntryUpdate | CellUpdate | RowUpdate | ColumnUpdate


@dataclass(frozen=True)
class Guard:
    """A named condition on the state before; `errno` is the error returned if it fails."""

    name: str
    formula: Formula
    errno: str = ""


class Step:
    """A transition under construction, over a state and fresh arguments."""

    def __init__(
        self,
        encoding: Encoding,
        before: State,
        given: Mapping[str, Any] | None = None,
        bookkeeping: SeparateBookkeeping = SEPARATE,
    ) -> None:
        """`given`: arguments with a fixed value, by name; all others are arbitrary."""
        self.encoding = encoding
        self.before = before
        self.given = given or {}
        self.bookkeeping = bookkeeping
        self.name = ""
        """The name of the transition; empty: not needed."""
        self.rules: Any = None
        """The rules under which it was built."""
        self.arguments: dict[str, Any] = {}
        self.guards: list[Guard] = []
        self.updates: dict[str, Update] = {}
        self.c_code: Any = None
        """The values that the C code computes in this step, and the rules for them: see `model.c_code`."""
        self.hints: list[Hint] = []
        self.actor: Term = None
        """The domain on whose behalf the step is made; None for the host."""
        self.allocates: Term = 0
        """Pages that leave the heap, refcounted to the actor."""
        self.unowned: Term = 0
        """Pages that leave the heap for a request that may not use claims."""
        self.of_single_pages: list[Formula] = []
        """Conditions that hold in addition if only single pages are requested, for which a free page suffices."""
        self.traced: list[Formula] = []
        """Conditions on a step in a trace: the model leaves open at which of several nodes a search ends."""
        self.place: Term = None
        """The node of the step; None: it has no node."""

    def domain(self, name: str = "domid") -> Term:
        """A domain argument, which becomes the actor."""
        self.actor = self._argument(name, self.encoding.domain)
        return self.actor

    def node(self, name: str = "node") -> Term:
        """A node argument."""
        self.place = self._argument(name, self.encoding.node)
        return self.place

    def named_node(self, name: str) -> Term:
        """A node argument that does not become the node of the step."""
        return self._argument(name, self.encoding.node)

    def pages(self, name: str = "pages") -> Term:
        """A page count argument."""
        return self._argument(name, self.encoding.pages)

    def flag(self, name: str) -> Term:
        """A truth argument."""
        return self._argument(name, self.encoding.flag)

    def pages_by_node(self, name: str) -> Vector:
        """A page count argument per node."""
        vector: Vector = self._argument(name, self.encoding.pages_by_node)
        return vector

    def _argument(self, name: str, make: Callable[[str], Any]) -> Any:
        self.arguments[name] = self.given[name] if name in self.given else make(name)
        return self.arguments[name]

    def guard(self, name: str, condition: Term, errno: str = "") -> None:
        """The step is possible only where the condition holds."""
        self.guards.append(Guard(name, lambda _q: condition, errno))

    def guard_all(self, name: str, formula: Formula, errno: str = "") -> None:
        """A guard that quantifies over nodes or domains."""
        self.guards.append(Guard(name, formula, errno))

    def hint(self, hint: Hint) -> None:
        """Add a fact about sums, computed from the state after, that proofs about this step may need."""
        self.hints.append(hint)

    def _update(self, name: str, update: Update) -> None:
        if name in self.updates:
            raise ValueError(f"field {name} is updated twice in one step")
        self.updates[name] = update

    def set(self, name: str, value: Term) -> None:
        """A host counter's new value."""
        self._update(name, WholeUpdate(value))

    def add(self, name: str, amount: Term) -> None:
        """A host counter grows by `amount`."""
        self._update(name, WholeUpdate(getattr(self.before, name) + amount))

    def set_at(self, name: str, index: Term, value: Term) -> None:
        """One entry of a vector gets a new value."""
        self._update(name, EntryUpdate(index, value))

    def add_at(self, name: str, index: Term, amount: Term) -> None:
        """One entry of a vector grows by `amount`."""
        self._update(name, EntryUpdate(index, getattr(self.before, name)[index] + amount))

    def set_vector(self, name: str, values: Vector) -> None:
        """All entries of a vector get new values."""
        self._update(name, WholeUpdate(values))

    def add_cell(self, name: str, domain: Term, node: Term, amount: Term) -> None:
        """One cell of a grid grows by `amount`."""
        self._update(name, CellUpdate(domain, node, getattr(self.before, name)[domain, node] + amount))

    def set_row(self, name: str, domain: Term, values: Vector) -> None:
        """A domain's row gets new values."""
        self._update(name, RowUpdate(domain, values))

    def add_row(self, name: str, domain: Term, values: Vector) -> None:
        """A domain's row grows by `values`."""
        row = getattr(self.before, name).row(domain)
        self._update(name, RowUpdate(domain, self.encoding.combined([(1, row), (1, values)], row)))

    def set_column(self, name: str, node: Term, values: Vector) -> None:
        """A node's column gets new values."""
        self._update(name, ColumnUpdate(node, values))

    def add_column(self, name: str, node: Term, values: Vector, sign: int = 1) -> None:
        """A node's column grows by `values` (shrinks, with sign -1)."""
        column = getattr(self.before, name).column(node)
        self._update(name, ColumnUpdate(node, self.encoding.combined([(1, column), (sign, values)], column)))


@dataclass
class TwoStates:
    """A step together with the state it leads to, as step properties see it."""

    step: Step
    before: State
    after: State
