"""The protocols of a host that properties and transitions are written against, independent of the encoding.

`model.hosts.bounded` implements them for a given number of nodes and domains, `model.hosts.parametric` for any number.
"""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

from model.logic import Term

OneIndex: TypeAlias = Callable[[Term], Term]
TwoIndices: TypeAlias = Callable[[Term, Term], Term]


class Vector(Protocol):
    """A page count (or flag) per node or per domain."""

    def __getitem__(self, index: Term) -> Term:
        """The entry at an index within the range."""
        ...

    def total(self) -> Term:
        """Sum over the whole range."""
        ...


class Grid(Protocol):
    """A page count per domain and node."""

    def __getitem__(self, cell: tuple[Term, Term]) -> Term:
        """The entry of (domain, node)."""
        ...

    def row(self, domain: Term) -> Vector:
        """One domain's entries, by node."""
        ...

    def column(self, node: Term) -> Vector:
        """One node's entries, by domain."""
        ...


class Size(Protocol):
    """The size of the host, as far as rules depend on it."""

    def one_node(self) -> Term:
        """Whether the host has a single node."""
        ...

    def domain_count(self) -> Term:
        """How many domain ids the host has, in use or not."""
        ...


class Lemmas(Protocol):
    """Facts about sums that a proof may use. They are always true, so a bounded host ignores them."""

    def sums_ordered(self, low: Vector, high: Vector) -> None:
        """low <= high pointwise implies sum(low) <= sum(high)."""
        ...

    def positive_somewhere(self, vector: Vector) -> None:
        """A sum that is not zero has an entry that is not zero."""
        ...

    def entry_within_sum(self, vector: Vector, index: Term) -> None:
        """No entry negative implies 0 <= vector[index] <= sum(vector)."""
        ...

    def sums_equal(self, a: Vector, b: Vector, below: Term | None = None) -> None:
        """Equal entries imply equal sums, over all indices or over those below an index."""
        ...

    def none_below(self, vector: Vector, index: Term) -> None:
        """If all entries below an index are 0, their sum is 0."""
        ...

    def not_negative_below(self, vector: Vector, index: Term) -> None:
        """If no entry below an index is negative, their sum is not negative."""
        ...

    def prefix_within(self, vector: Vector, index: Term, below: Term) -> None:
        """Without negative entries, the sum up to and including an index is at most the sum below a later one."""
        ...

    def sum_bounded(self, vector: Vector, most: int) -> None:
        """No entry above `most` implies sum(vector) <= most * its length."""
        ...


class Quantifiers(Lemmas, Size, Protocol):
    """Quantifiers over the nodes and domains of the host.

    They may stand in positive positions only: under "and", "or", and to the right of "implies". To negate
    a statement, build it with `dual` and negate the result.
    """

    @property
    def dual(self) -> "Quantifiers":
        """The view under which to build a statement that is negated afterwards."""
        ...

    def every_node(self, statement: OneIndex) -> Term:
        """For all nodes."""
        ...

    def some_node(self, statement: OneIndex) -> Term:
        """For at least one node."""
        ...

    def every_domain(self, statement: OneIndex) -> Term:
        """For all domain ids, in use or not."""
        ...

    def every_cell(self, statement: TwoIndices) -> Term:
        """For all (domain, node)."""
        ...


class Encoding(Lemmas, Size, Protocol):
    """Names for the arguments of a step, and vectors derived from others."""

    axioms: list[Term]
    """The axioms about the arguments made so far."""

    def domain(self, name: str) -> Term:
        """A domain id of the host."""
        ...

    def node(self, name: str) -> Term:
        """An online node of the host."""
        ...

    def pages(self, name: str) -> Term:
        """A page count, 0 or more."""
        ...

    def flag(self, name: str) -> Term:
        """A truth value."""
        ...

    def pages_by_node(self, name: str) -> Vector:
        """A page count per node, each 0 or more."""
        ...

    def pages_by_domain(self, name: str) -> Vector:
        """A page count per domain, each 0 or more."""
        ...

    def replaced(self, vector: Vector, index: Term, value: Term) -> Vector:
        """The vector with one entry replaced."""
        ...

    def combined(self, parts: Sequence[tuple[int, Vector]], like: Vector) -> Vector:
        """The sum of vectors times -1 or 1; all zero without parts. `like` gives the range."""
        ...

    def taken_ascending(self, held: Vector, amount: Term) -> Vector:
        """The amount that each index contributes when `amount` is taken from `held` in ascending order of index.

        Closed form: min(held[i], max(0, amount - sum of held[j] for j < i)).
        """
        ...
