"""A host with a given number of nodes and domains: lists of integer terms, sums and quantifiers unrolled."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import z3

from model.encoding import OneIndex, Quantifiers, TwoIndices, Vector
from model.logic import Term, all_of, any_of, choose, minimum, positive_part, same, total_of
from model.state import AFTER, FIELDS, FieldInfo, Shape, State
from model.step import Step


class ListVector:
    """A vector as a list of terms."""

    def __init__(self, entries: Sequence[Term]) -> None:
        self.entries = list(entries)
        self._looked_up: dict[int, Term] = {}

    def __getitem__(self, index: Term) -> Term:
        if isinstance(index, int):
            return self.entries[index]
        found = self._looked_up.get(index.get_id())
        if found is None:
            found = self.entries[-1]
            for i in range(len(self.entries) - 2, -1, -1):
                found = choose(index == i, self.entries[i], found)
            self._looked_up[index.get_id()] = found
        return found

    def total(self) -> Term:
        """The sum written out."""
        return total_of(self.entries)


class ListGrid:
    """A grid as lists of terms, one row per domain."""

    def __init__(self, rows: Sequence[Sequence[Term]]) -> None:
        self.rows = [ListVector(row) for row in rows]
        self._columns: dict[Any, ListVector] = {}
        self._row: dict[Any, ListVector] = {}

    def __getitem__(self, cell: tuple[Term, Term]) -> Term:
        domain, node = cell
        return self.row(domain)[node]

    def row(self, domain: Term) -> ListVector:
        """A domain's entries by node."""
        if isinstance(domain, int):
            return self.rows[domain]
        key = domain.get_id()
        if key not in self._row:
            nodes = range(len(self.rows[0].entries))
            self._row[key] = ListVector([self.column(n)[domain] for n in nodes])
        return self._row[key]

    def column(self, node: Term) -> ListVector:
        """A node's entries by domain."""
        key = node if isinstance(node, int) else node.get_id()
        if key not in self._columns:
            self._columns[key] = ListVector([row[node] for row in self.rows])
        return self._columns[key]


def _entries(vector: Vector) -> list[Term]:
    if not isinstance(vector, ListVector):
        raise TypeError(f"expected a ListVector of the bounded encoding, got a {type(vector).__name__}")
    return vector.entries


class NoLemmas:
    """Lemmas without effect, for an encoding with unrolled sums or where nothing is to be proved."""

    def sums_ordered(self, low: Vector, high: Vector) -> None:
        """No effect."""

    def positive_somewhere(self, vector: Vector) -> None:
        """No effect."""

    def entry_within_sum(self, vector: Vector, index: Term) -> None:
        """No effect."""

    def sums_equal(self, a: Vector, b: Vector, below: Term | None = None) -> None:
        """No effect."""

    def none_below(self, vector: Vector, index: Term) -> None:
        """No effect."""

    def not_negative_below(self, vector: Vector, index: Term) -> None:
        """No effect."""

    def prefix_within(self, vector: Vector, index: Term, below: Term) -> None:
        """No effect."""

    def sum_bounded(self, vector: Vector, most: int) -> None:
        """No effect."""


class BoundedHost(NoLemmas):
    """The host of one bounded obligation, and its quantifiers, which need no polarity."""

    fields: Mapping[str, FieldInfo] = FIELDS
    state_type: type[State] = State

    def __init__(self, nodes: int, domains: int) -> None:
        self.nodes, self.domains = nodes, domains
        self.axioms: list[Term] = []
        self.prefix = ""
        """A prefix to the name of every argument, so that each step of a trace has arguments of its own."""

    # -- quantifiers

    @property
    def dual(self) -> Quantifiers:
        """The same view: unrolled quantifiers can be negated as they are."""
        return self

    def one_node(self) -> Term:
        """A known number."""
        return self.nodes == 1

    def domain_count(self) -> Term:
        """A known number."""
        return self.domains

    def every_node(self, statement: OneIndex) -> Term:
        """For all nodes."""
        return all_of([statement(n) for n in range(self.nodes)])

    def some_node(self, statement: OneIndex) -> Term:
        """For at least one node."""
        return any_of([statement(n) for n in range(self.nodes)])

    def every_domain(self, statement: OneIndex) -> Term:
        """For all domains."""
        return all_of([statement(d) for d in range(self.domains)])

    def every_cell(self, statement: TwoIndices) -> Term:
        """For all (domain, node)."""
        return all_of([statement(d, n) for d in range(self.domains) for n in range(self.nodes)])

    # -- arguments and derived vectors

    def domain(self, name: str) -> Term:
        """A domain id of the host."""
        return self._below(name, self.domains)

    def node(self, name: str) -> Term:
        """A node of the host."""
        return self._below(name, self.nodes)

    def _below(self, name: str, bound: int) -> Term:
        term = z3.Int(self.prefix + name)
        self.axioms.append(all_of([term >= 0, term < bound]))
        return term

    def pages(self, name: str) -> Term:
        """A page count argument. Its name ends in ``?``: in SMT-LIB it must differ from that of a field."""
        term = z3.Int(self.prefix + f"{name}?")
        self.axioms.append(term >= 0)
        return term

    def flag(self, name: str) -> Term:
        """A truth argument."""
        return z3.Bool(self.prefix + name)

    def pages_by_node(self, name: str) -> ListVector:
        """A page count argument per node."""
        return ListVector([self.pages(f"{name}[{n}]") for n in range(self.nodes)])

    def pages_by_domain(self, name: str) -> ListVector:
        """A page count argument per domain."""
        return ListVector([self.pages(f"{name}[{d}]") for d in range(self.domains)])

    def replaced(self, vector: Vector, index: Term, value: Term) -> Vector:
        """One entry replaced."""
        entries = enumerate(_entries(vector))
        return ListVector([choose(same(i, index), value, entry) for i, entry in entries])

    def combined(self, parts: Sequence[tuple[int, Vector]], like: Vector) -> Vector:
        """Vectors added and subtracted."""
        return ListVector(
            [total_of([sign * _entries(part)[i] for sign, part in parts]) for i in range(len(_entries(like)))]
        )

    def taken_ascending(self, held: Vector, amount: Term) -> Vector:
        """The closed form of taking in ascending order."""
        entries = _entries(held)
        return ListVector(
            [minimum(entry, positive_part(amount - total_of(entries[:i]))) for i, entry in enumerate(entries)]
        )

    # -- states

    def state(self, suffix: str = "") -> State:
        """An arbitrary state."""
        return self.state_type(**{info.name: self.field(info, suffix) for info in self.fields.values()})

    def shaped(self, info: FieldInfo, entry: Callable[..., Term]) -> Any:
        """A field with entries computed by index."""
        nodes, domains = range(self.nodes), range(self.domains)
        if info.shape is Shape.HOST:
            return entry()
        if info.shape is Shape.NODE:
            return ListVector([entry(n) for n in nodes])
        if info.shape is Shape.DOMAIN:
            return ListVector([entry(d) for d in domains])
        return ListGrid([[entry(d, n) for n in nodes] for d in domains])

    def field(self, info: FieldInfo, suffix: str) -> Any:
        """A field with arbitrary entries."""
        make = z3.Bool if info.flag else z3.Int

        def entry(*index: int) -> Term:
            return make(info.name + "".join(f"[{i}]" for i in index) + suffix)

        return self.shaped(info, entry)

    def after(self, step: Step, fresh: frozenset[str] = frozenset()) -> State:
        """The state after a step, as terms over the state before; fields in `fresh` are left open."""
        values = {}
        for info in self.fields.values():
            before = getattr(step.before, info.name)
            update = step.updates.get(info.name)
            if update is None:
                values[info.name] = before
            elif info.name in fresh:
                values[info.name] = self.field(info, AFTER)
            else:
                values[info.name] = self.shaped(info, lambda *i, u=update, b=before: u.at(b, *i))
        return self.state_type(**values)
