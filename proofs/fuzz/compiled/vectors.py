"""A host of any size, read so that it can be compiled: entries are Z3 terms, vectors stay vectors.

A field by node or domain is an uninterpreted function of the index. A sum, a prefix sum and a quantifier are constants
of their own, with what they stand for kept beside them (:class:`Book`): the compiler makes a loop of each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import z3

from model.calls.state import CALL_FIELDS, CallHost, CallState
from model.logic import Term, choose, same, total_of
from model.state import FieldInfo, Shape, State
from model.step import Step

NODES, DOMAINS = "nodes", "domains"
"""What a vector is counted by."""
COUNT = {NODES: z3.Int("number_of_nodes"), DOMAINS: z3.Int("number_of_domains")}
INDEX = {NODES: z3.Int("n"), DOMAINS: z3.Int("d")}
"""The index that a loop runs over."""


class Sum(NamedTuple):
    """What a constant for a sum stands for."""

    over: str
    entry: Term
    """At ``INDEX``."""


class Prefix(NamedTuple):
    """What a function for the entries of :class:`Taken` stands for."""

    over: str
    held: Term
    """At ``INDEX``."""
    amount: Term


class Quantified(NamedTuple):
    """What a constant for a quantified statement stands for."""

    over: str
    statement: Term
    """At ``INDEX``."""
    for_all: bool


class Book:
    """What the constants and functions of a compilation stand for, by name. Equal things have one name."""

    def __init__(self) -> None:
        self.sums: dict[str, Sum] = {}
        self.prefixes: dict[str, Prefix] = {}
        self.quantified: dict[str, Quantified] = {}

    def sum(self, over: str, entry: Term) -> Term:
        """A constant for the sum of these entries."""
        if isinstance(entry, int):
            return entry * COUNT[over] if entry else 0
        return z3.Int(_name("sum", self.sums, Sum(over, entry)))

    def prefix(self, over: str, held: Term, amount: Term, index: Term) -> Term:
        """An entry of what is taken from ``held`` in ascending order."""
        name = _name("taken", self.prefixes, Prefix(over, held, amount))
        return z3.Function(name, z3.IntSort(), z3.IntSort())(index)

    def quantify(self, over: str, statement: Term, for_all: bool) -> Term:
        """A constant for a quantified statement. A host has nodes, so one without the index is itself."""
        if isinstance(statement, bool):
            return statement
        return z3.Bool(_name("quantified", self.quantified, Quantified(over, statement, for_all)))


Meaning = TypeVar("Meaning", Sum, Prefix, Quantified)


def _name(kind: str, known: dict[str, Meaning], wanted: Meaning) -> str:
    for name, meaning in known.items():
        if all(_identical(one, other) for one, other in zip(meaning, wanted, strict=True)):
            return name
    name = f"{kind}{len(known)}"
    known[name] = wanted
    return name


def _identical(one: Any, other: Any) -> bool:
    if isinstance(one, z3.AstRef) and isinstance(other, z3.AstRef):
        return bool(one.eq(other))
    return type(one) is type(other) and one == other


class CompiledVector:
    """A vector with entries given by index."""

    def __init__(self, book: Book, over: str, entry: Callable[[Term], Term]) -> None:
        self.book, self.over, self._entry = book, over, entry

    def __getitem__(self, index: Term) -> Term:
        return self._entry(index)

    def total(self) -> Term:
        """The sum."""
        return self.book.sum(self.over, self[INDEX[self.over]])


class CompiledGrid:
    """A field by domain and node."""

    def __init__(self, book: Book, info: FieldInfo) -> None:
        self._book = book
        self._cell = z3.Function(info.name, z3.IntSort(), z3.IntSort(), _sort(info))

    def __getitem__(self, cell: tuple[Term, Term]) -> Term:
        domain, node = cell
        return self._cell(domain, node)

    def row(self, domain: Term) -> CompiledVector:
        """A domain's entries by node."""
        return CompiledVector(self._book, NODES, lambda node: self[domain, node])

    def column(self, node: Term) -> CompiledVector:
        """A node's entries by domain."""
        return CompiledVector(self._book, DOMAINS, lambda domain: self[domain, node])


def _sort(info: FieldInfo) -> z3.SortRef:
    return z3.BoolSort() if info.flag else z3.IntSort()


class VectorHost(CallHost):
    """The encoding. ``nodes`` and ``domains`` are Z3 constants."""

    nodes: Any
    domains: Any

    def __init__(self) -> None:
        super().__init__(COUNT[NODES], COUNT[DOMAINS])
        self.book = Book()

    def one_node(self) -> Term:
        """Asked at run time."""
        return self.nodes == 1

    def every_node(self, statement: Callable[[Term], Term]) -> Term:
        """For all nodes."""
        return self.book.quantify(NODES, statement(INDEX[NODES]), True)

    def some_node(self, statement: Callable[[Term], Term]) -> Term:
        """For at least one node."""
        return self.book.quantify(NODES, statement(INDEX[NODES]), False)

    def by_node(self, entry: Callable[[Term], Term]) -> Any:
        """A vector whose entries are given by node."""
        return CompiledVector(self.book, NODES, entry)

    def by_domain(self, entry: Callable[[Term], Term]) -> Any:
        """A vector whose entries are given by domain."""
        return CompiledVector(self.book, DOMAINS, entry)

    def replaced(self, vector: Any, index: Term, value: Term) -> Any:
        """One entry replaced."""
        return CompiledVector(self.book, vector.over, lambda i: choose(same(i, index), value, vector[i]))

    def combined(self, parts: Sequence[tuple[int, Any]], like: Any) -> Any:
        """Vectors added and subtracted."""

        def entry(index: Term) -> Term:
            terms = [(sign, part[index]) for sign, part in parts]
            return total_of([_signed(sign, term) for sign, term in terms if not _is_zero(term)])

        return CompiledVector(self.book, like.over, entry)

    def taken_ascending(self, held: Any, amount: Term) -> Any:
        """Computed by a loop."""
        return CompiledVector(
            self.book, held.over, lambda i: self.book.prefix(held.over, held[INDEX[held.over]], amount, i)
        )

    def field(self, info: FieldInfo, suffix: str) -> Any:
        """A field of which nothing is known."""
        del suffix
        if info.shape is Shape.HOST:
            return z3.Const(info.name, _sort(info))
        if info.shape is Shape.CELL:
            return CompiledGrid(self.book, info)
        return CompiledVector(
            self.book,
            NODES if info.shape is Shape.NODE else DOMAINS,
            z3.Function(info.name, z3.IntSort(), _sort(info)),
        )

    def after(self, step: Step, fresh: frozenset[str] = frozenset()) -> State:
        """Never asked for: the updates of a step are compiled, not the state after it."""
        raise NotImplementedError

    def state(self, suffix: str = "") -> CallState:
        """The state before."""
        return CallState(**{info.name: self.field(info, suffix) for info in CALL_FIELDS.values()})


def _is_zero(term: Term) -> bool:
    return isinstance(term, int) and term == 0


def _signed(sign: int, term: Term) -> Term:
    return term if sign == 1 else -term
