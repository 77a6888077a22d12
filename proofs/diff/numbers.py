"""Symbolic numbers for Python code: page counts as sums of named unknowns, and undecided truth values.

A `Count` is a linear sum with integer factors, because the reference only adds, subtracts and compares page counts. A
comparison returns a `Truth`. Using a `Truth` as a condition is a branch, which the active exploration decides. A count
that a branch has fixed (``target == 1``) can be used as an index and as a key of a dictionary.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Protocol

Items = tuple[tuple[str, int], ...]


class Atom:
    """A statement that a path decides: a sum is at most 0 (``le``), a sum is 0 (``eq``), a flag or a formula holds.

    Statements are interned (`atom`): equal statements are the same object.
    """

    __slots__ = ("constant", "items", "kind")

    def __init__(self, kind: str, items: Any, constant: int) -> None:
        self.kind, self.items, self.constant = kind, items, constant
        """``items``: names with factors, ascending; the name of a flag; or a formula of the solver, by its key."""


@cache
def atom(kind: str, items: Any, constant: int = 0) -> Atom:
    """The interned statement."""
    return Atom(kind, items, constant)


class Decider(Protocol):
    """Decides branches."""

    def decide(self, atom: Atom) -> bool:
        """Whether the statement holds on this path."""
        ...

    def choose(self, name: str, options: Mapping[Any, Any]) -> Any:
        """One of several options, each with the inputs that lead to it as a formula."""
        ...

    def value(self, count: Count) -> int:
        """The number that this path has fixed a count to."""
        ...


_deciders: list[Decider] = []


class deciding:
    """``with deciding(explorer)``: the explorer decides branches inside the block."""

    def __init__(self, decider: Decider) -> None:
        self._decider = decider

    def __enter__(self) -> None:
        _deciders.append(self._decider)

    def __exit__(self, *_: object) -> None:
        _deciders.pop()


def chosen(name: str, options: Mapping[Any, Any]) -> Any:
    """One of several options, as the active exploration decides."""
    return _deciders[-1].choose(name, options)


class Truth:
    """A statement that may hold or not."""

    __slots__ = ("atom", "negated")

    def __init__(self, atom: Atom, negated: bool = False) -> None:
        self.atom, self.negated = atom, negated

    def __bool__(self) -> bool:
        return _deciders[-1].decide(self.atom) is not self.negated


def _opposite(truth: Truth | bool) -> Truth | bool:
    return Truth(truth.atom, not truth.negated) if isinstance(truth, Truth) else not truth


@cache
def flag(name: str) -> Truth:
    """An unknown truth value."""
    return Truth(atom("flag", name))


def _summed(one: Mapping[str, int], factor: int, other: Mapping[str, int]) -> dict[str, int]:
    total = dict(one)
    for name, times in other.items():
        left = total.get(name, 0) + factor * times
        if left:
            total[name] = left
        else:
            del total[name]
    return total


class Count:
    """A sum of named unknowns and a constant."""

    __slots__ = ("_key", "constant", "terms")

    def __init__(self, terms: Mapping[str, int], constant: int = 0) -> None:
        self.terms, self.constant = terms, constant
        self._key: tuple[Items, int] | None = None

    @property
    def key(self) -> tuple[Items, int]:
        """A key that is equal for equal counts."""
        if self._key is None:
            items = self.terms.items()
            self._key = tuple(items if len(items) == 1 else sorted(items)), self.constant
        return self._key

    def __add__(self, other: Count | int) -> Count | int:
        if isinstance(other, int):
            return Count(self.terms, self.constant + other) if other else self
        if not isinstance(other, Count):
            return NotImplemented
        return made(_summed(self.terms, 1, other.terms), self.constant + other.constant)

    __radd__ = __add__

    def __sub__(self, other: Count | int) -> Count | int:
        if isinstance(other, int):
            return Count(self.terms, self.constant - other) if other else self
        if not isinstance(other, Count):
            return NotImplemented
        return made(_summed(self.terms, -1, other.terms), self.constant - other.constant)

    def __rsub__(self, other: int) -> Count | int:
        return (-self) + other

    def __neg__(self) -> Count:
        return Count({name: -times for name, times in self.terms.items()}, -self.constant)

    def __le__(self, other: Count | int) -> Truth | bool:
        return at_most_zero(self - other)

    def __lt__(self, other: Count | int) -> Truth | bool:
        return at_most_zero(self - (other - 1))

    def __ge__(self, other: Count | int) -> Truth | bool:
        return _opposite(self < other)

    def __gt__(self, other: Count | int) -> Truth | bool:
        return _opposite(self <= other)

    def __eq__(self, other: object) -> Any:
        if other is None:
            return False
        return is_zero(self - other) if isinstance(other, int | Count) else NotImplemented

    def __ne__(self, other: object) -> Any:
        equal = self.__eq__(other)
        if isinstance(equal, Truth):
            return Truth(equal.atom, not equal.negated)
        return NotImplemented if equal is NotImplemented else not equal

    def __bool__(self) -> bool:
        return bool(self != 0)

    def __and__(self, bit: int) -> Truth | bool:
        """Whether the highest bit of a 32-bit number is set."""
        if bit != 1 << 31:
            raise TypeError(f"a symbolic count supports only a test of its highest bit, not of {bit:#x}")
        return self >= bit

    def __hash__(self) -> int:
        return hash(_deciders[-1].value(self))

    def __index__(self) -> int:
        return _deciders[-1].value(self)

    def __repr__(self) -> str:
        parts = [f"{'' if times == 1 else f'{times}*'}{name}" for name, times in self.terms.items()]
        return " + ".join([*parts, *([str(self.constant)] if self.constant else [])])


def made(terms: dict[str, int], constant: int) -> Count | int:
    """A count; an int if no unknown is left."""
    return Count(terms, constant) if terms else constant


@cache
def unknown(name: str) -> Count:
    """An unknown number."""
    return Count({name: 1})


def at_most_zero(count: Count | int) -> Truth | bool:
    """``count <= 0``, in a normal form."""
    if isinstance(count, int):
        return count <= 0
    return _at_most_zero(*count.key)


@cache
def _at_most_zero(items: Items, constant: int) -> Truth:
    if items[0][1] < 0:  # S <= 0 is not (-S + 1 <= 0)
        return Truth(atom("le", tuple((name, -times) for name, times in items), 1 - constant), True)
    return Truth(atom("le", items, constant))


def is_zero(count: Count | int) -> Truth | bool:
    """``count == 0``, in a normal form."""
    if isinstance(count, int):
        return count == 0
    items, constant = count.key
    if items[0][1] < 0:
        items, constant = tuple((name, -times) for name, times in items), -constant
    return Truth(atom("eq", items, constant))


class MemFlags(Count):
    """The mem_flags of a hypercall: 32 bits, of which only the node and the exact bit can be read."""

    __slots__ = ()

    def __init__(self) -> None:
        parts = {"mem_flags.low": 1, "mem_flags.node": 1 << 8, "mem_flags.bit16": 1 << 16}
        super().__init__({**parts, "mem_flags.exact": 1 << 17, "mem_flags.high": 1 << 18})

    PARTS = {"low": 255, "node": 255, "bit16": 1, "exact": 1, "high": (1 << 14) - 1}
    """The largest value of each part."""

    def __and__(self, bit: int) -> Any:
        if bit != 1 << 17:
            raise TypeError(f"symbolic mem_flags support only a test of the exact-node bit, not of {bit:#x}")
        return unknown("mem_flags.exact") != 0

    def __rshift__(self, by: int) -> _NodeField:
        if by != 8:
            raise TypeError(f"symbolic mem_flags support only a shift by 8, to the node, not by {by}")
        return _NodeField()


class _NodeField:
    """``(mem_flags >> 8) - 1``, of which only the lowest 8 bits can be read."""

    def __sub__(self, one: int) -> _NodeField:
        if one != 1:
            raise TypeError(f"the node field holds the node plus 1: subtract 1, not {one}")
        return self

    def __and__(self, mask: int) -> Count | int:
        if mask != 0xFF:
            raise TypeError(f"the node field has 8 bits: mask it with 0xff, not {mask:#x}")
        field = unknown("mem_flags.node")
        return 0xFF if field == 0 else field - 1


class FlagsInModel:
    """The same number for the model, which divides by powers of two to extract the parts."""

    _parts = {(1 << 8, 1 << 8): "mem_flags.node", (1 << 17, 2): "mem_flags.exact"}

    def __init__(self, terms: Mapping[str, Any], divisor: int = 1) -> None:
        self._terms, self._divisor = terms, divisor

    def __truediv__(self, divisor: int) -> FlagsInModel:
        return FlagsInModel(self._terms, divisor)

    def __mod__(self, size: int) -> Any:
        return self._terms[self._parts[self._divisor, size]]


class Order:
    """A symbolic order; only its 2^order pages matter."""

    __slots__ = ("number", "pages")

    def __init__(self, pages: Count, number: Count) -> None:
        self.pages, self.number = pages, number

    def __rlshift__(self, one: int) -> Count | int:
        if one == 0:
            return 0
        if one != 1:
            raise TypeError(f"a symbolic order can only shift 1, not {one}")
        return self.pages

    def __gt__(self, most: int) -> Truth | bool:
        return self.number > most

    def __ge__(self, least: int) -> Truth | bool:
        return self.number >= least

    def __eq__(self, other: object) -> Any:
        """Two orders are equal if their pages are."""
        return other is self or self.pages == (other.pages if isinstance(other, Order) else 1 << other)  # type: ignore[operator]  # an order

    __hash__ = object.__hash__
