"""Vectors and grids of a host of any size: uninterpreted functions, with uninterpreted prefix sums."""

from collections.abc import Callable, Hashable
from functools import cache
from typing import Protocol

import z3

from model.encoding import Vector
from model.hosts.lemmas import SummableSequence
from model.logic import Term

NODE = "node"
DOMAIN = "domain"


class Bounds(Protocol):
    """How many nodes and domains there are, as terms."""

    def bound(self, sort: str) -> Term:
        """The number of nodes or of domains."""
        ...


@cache
def applied(name: str, arity: int, flag: bool = False) -> Callable[..., Term]:
    """Application of an uninterpreted function of integers, cached: many obligations use the same terms.

    Measured: without the cache, the proofs of claim-sets' matrix take 1.6 times as long.
    """
    function = z3.Function(name, *[z3.IntSort()] * arity, z3.BoolSort() if flag else z3.IntSort())
    seen: dict[tuple[int, ...], tuple[Term, ...]] = {}

    def apply(*arguments: Term) -> Term:
        key = tuple(map(id, arguments))
        found = seen.get(key)
        if found is None:
            # The arguments are kept: the key is made of their addresses and must not outlive them.
            found = seen[key] = (function(*arguments), *arguments)
        return found[0]

    return apply


@cache
def integer(name: str) -> Term:
    """The integer constant of that name, the same in every obligation."""
    return z3.Int(name)


class SummedVector:
    """A vector of the parametric host: its entries, its prefix sums, and its index sort."""

    def __init__(
        self,
        host: Bounds,
        sort: str,
        entry: Callable[[Term], Term],
        prefix: Callable[[Term], Term],
        on_total: Callable[[], None] | None = None,
        named: SummableSequence | None = None,
    ) -> None:
        self.host = host
        self.sort = sort
        self._entry = entry
        self.sequenced = named or SummableSequence(entry, prefix)
        self._on_total = on_total

    def __getitem__(self, index: Term) -> Term:
        return self._entry(index)

    def total(self) -> Term:
        """The sum over all indices."""
        if self._on_total is not None:
            self._on_total()
        return self.sequenced.prefix(self.host.bound(self.sort))


class SummedGrid:
    """A grid of the parametric host; its rows and columns have prefix sums of their own."""

    def __init__(self, host: Bounds, name: str, watch: Callable[[str, Term], None] | None = None) -> None:
        self._host = host
        self._cell = applied(name, 2)
        self._row_sum = applied(f"sum.{name}.row", 2)
        self._column_sum = applied(f"sum.{name}.column", 2)
        self._watch = watch
        self._seen: dict[tuple[str, Hashable], SummedVector] = {}

    def __getitem__(self, cell: tuple[Term, Term]) -> Term:
        return self._cell(cell[0], cell[1])

    def row(self, domain: Term) -> SummedVector:
        """A domain's entries by node; the same vector each time."""
        watch, key = self._watch, ("row", key_of(domain))
        if key not in self._seen:
            self._seen[key] = SummedVector(
                self._host,
                NODE,
                lambda n: self._cell(domain, n),
                lambda m: self._row_sum(domain, m),
                None if watch is None else lambda: watch("row", domain),
            )
        return self._seen[key]

    def column(self, node: Term) -> SummedVector:
        """A node's entries by domain; the same vector each time."""
        watch, key = self._watch, ("column", key_of(node))
        if key not in self._seen:
            self._seen[key] = SummedVector(
                self._host,
                DOMAIN,
                lambda d: self._cell(d, node),
                lambda m: self._column_sum(node, m),
                None if watch is None else lambda: watch("column", node),
            )
        return self._seen[key]


def key_of(term: Term) -> Hashable:
    """A key that is equal for the same number and for the same Z3 term."""
    return term if isinstance(term, (int, bool)) else ("term", term.get_id())


def summed(vector: Vector) -> SummedVector:
    if not isinstance(vector, SummedVector):
        raise TypeError(f"expected a SummedVector of the parametric encoding, got a {type(vector).__name__}")
    return vector
