"""Operations of C on unknown integers: each is in the range of its type, or the path forks.

Ranges come from intervals where they suffice, else from the solver. Unsigned numbers wrap; where a signed one does not
fit, the path ends as undefined. What is not linear (a remainder, a bit, a shift to the right) is an unknown of its own,
with its definition in the precondition.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import z3

from proofs.diff.explore import Tree, UndecidedError
from proofs.diff.numbers import Count, chosen, unknown
from proofs.diff.terms import Terms, Witness

from .memory import UNDEFINED, PathEndError, UnsupportedError
from .tree import SourcePlace
from .types import IntType

_MOST_VALUES = 130
"""The most values of an index, of a shift or of a divisor that get a path each."""


class GrowingTree(Tree):
    """A tree whose precondition may get definitions of further unknowns; each has a value for every input."""

    def __init__(self, terms: Terms, precondition: list[Any], rlimit: int = 0) -> None:
        super().__init__(terms, precondition, rlimit=rlimit)
        self._has: dict[str, None] = {}
        self._before = len(self.precondition)

    @property
    def definitions(self) -> int:
        """The number of definitions that were added."""
        return len(self._has)

    def keep_only(self, definitions: int) -> None:
        """Drop later definitions. What was decided with them stays right: they are added again where they are used."""
        if definitions < len(self._has):
            self._has = dict.fromkeys(list(self._has)[:definitions])
            del self.precondition[self._before + definitions :]
            self._asserted.clear()
            self._solver = self._new_solver()

    def define(self, name: str, formula: Any) -> None:
        """Add the definition of an unknown, once."""
        if name in self._has:
            return
        self._has[name] = None
        if self._asserted:
            self._solver.pop(len(self._asserted))
            self._asserted.clear()
        self._solver.add(formula)
        self.precondition.append(formula)


class Departure(NamedTuple):
    """A value that left its type."""

    place: SourcePlace
    type: str
    below: bool


class Arithmetic:
    """The operations, for the unknowns of one precondition."""

    def __init__(self, tree: GrowingTree, ranges: dict[str, tuple[int, int]], orders: dict[str, str]) -> None:
        self.tree, self.terms, self.ranges = tree, tree.terms, ranges
        self.orders = orders
        """Unknown orders, each with the unknown that is 2 to its power."""
        self._intervals: dict[Any, tuple[int, int]] = {}
        self.departures: list[Departure] = []
        """On this path."""

    # -- ranges

    def interval(self, value: Count) -> tuple[int, int]:
        """Bounds of a sum, from those of its unknowns alone."""
        found = self._intervals.get(value.key)
        if found is None:
            low = high = value.constant
            for name, times in value.terms.items():
                least, most = self.ranges[name]
                low += times * (least if times > 0 else most)
                high += times * (most if times > 0 else least)
            found = self._intervals[value.key] = low, high
        return found

    def computed(self, value: Any, of: IntType, place: SourcePlace) -> Any:
        """The result of an operation whose type is ``of``.

        :raises PathEndError: it is signed, and does not fit
        """
        if of.signed:
            self._stays(value, of, place)
            return value
        return self.converted(value, of, place)

    def _stays(self, value: Any, of: IntType, place: SourcePlace) -> None:
        if isinstance(value, int):
            fits = of.low <= value <= of.high
        else:
            low, high = self.interval(value)
            fits = (low >= of.low or not bool(value < of.low)) and (high <= of.high or not bool(value > of.high))
        if not fits:
            raise PathEndError(UNDEFINED, f"a value leaves the signed type {of}", place)

    def converted(self, value: Any, to: IntType, place: SourcePlace) -> Any:
        """A value as another type: modulo its size, or whether it is not 0."""
        if to.is_bool:
            return int(bool(value != 0))
        size = 1 << to.bits
        if isinstance(value, int):
            if to.low <= value <= to.high:
                return value
            self.departures.append(Departure(place, str(to), value < to.low))
            return (value - to.low) % size + to.low
        low, high = self.interval(value)
        if low >= to.low and high <= to.high:
            return value
        if low < to.low and bool(value < to.low):
            self.departures.append(Departure(place, str(to), True))
            if low >= to.low - size or not bool(value < to.low - size):
                return value + size
        elif high > to.high and bool(value > to.high):
            self.departures.append(Departure(place, str(to), False))
            if high <= to.high + size or not bool(value > to.high + size):
                return value - size
        else:
            return value
        return self._remainder(value - to.low, size) + to.low

    # -- unknowns with a definition

    def _quotient(self, value: Any, divisor: int) -> Any:
        """``value // divisor``, rounded down."""
        if isinstance(value, int):
            return value // divisor
        low, high = self.interval(value)
        if low // divisor == high // divisor:
            return low // divisor
        name = f"({value!r}) div {divisor}"
        if name not in self.terms.defined:
            self.terms.defined[name] = lambda witness: _value(value, witness) // divisor
            self.ranges[name] = low // divisor, high // divisor
        term, rest = self.terms.number(name), self.terms.count(value)
        self.tree.define(name, z3.And(divisor * term <= rest, rest < divisor * term + divisor))
        return unknown(name)

    def _remainder(self, value: Any, divisor: int) -> Any:
        if isinstance(value, int):
            return value % divisor
        low, high = self.interval(value)
        if low // divisor == high // divisor:
            return value - low // divisor * divisor
        quotient = self._quotient(value, divisor)
        name = f"({value!r}) mod {divisor}"
        if name not in self.terms.defined:
            self.terms.defined[name] = lambda witness: _value(value, witness) % divisor
            self.ranges[name] = 0, divisor - 1
        term = self.terms.number(name)
        equation = self.terms.count(value) == divisor * self.terms.count(quotient) + term
        self.tree.define(name, z3.And(equation, term >= 0, term < divisor))
        return unknown(name)

    # -- operators

    def apply(self, operator: str, one: Any, other: Any, of: IntType, place: SourcePlace) -> Any:
        """A binary operator whose operands have been converted; ``of``: the type of the result."""
        if operator == "+":
            return self.computed(one + other, of, place)
        if operator == "-":
            return self.computed(one - other, of, place)
        if operator == "*":
            if not isinstance(one, int) and not isinstance(other, int):
                low, high = self.interval(other)
                one, other = (
                    (self.known(one, place), other) if high - low > _MOST_VALUES else (one, self.known(other, place))
                )
            return self.computed(product(one, other), of, place)
        if operator in ("<<", ">>"):
            return self._shifted(operator, one, other, of, place)
        if operator in ("/", "%"):
            return self._divided(operator, one, self.known(other, place), of, place)
        return self._bits(operator, one, other, of, place)

    def _divided(self, operator: str, one: Any, divisor: int, of: IntType, place: SourcePlace) -> Any:
        if divisor == 0:
            raise PathEndError(UNDEFINED, "a division by 0", place)
        below = isinstance(one, int) and one < 0
        if not isinstance(one, int) and self.interval(one)[0] < 0:
            below = bool(one < 0)
        size = abs(divisor)
        quotient = self._quotient(-one if below else one, size)
        if operator == "/":
            return self.computed(-quotient if below != (divisor < 0) else quotient, of, place)
        rest = self._remainder(-one if below else one, size)
        return -rest if below else rest

    def _shifted(self, operator: str, one: Any, by: Any, of: IntType, place: SourcePlace) -> Any:
        wrong = by < 0 if isinstance(by, int) else self.interval(by)[0] < 0 and bool(by < 0)
        if wrong or bool(by > of.bits - 1):
            raise PathEndError(UNDEFINED, f"a shift by less than 0 or more than {of.bits - 1}", place)
        if operator == "<<" and isinstance(one, int) and isinstance(by, Count):
            pages = self.orders.get(_single(by))
            if pages is not None:
                return self.computed(product(one, unknown(pages)), of, place)
        if operator == ">>" and isinstance(one, int) and one >= 0 and bool(by >= one.bit_length()):
            return 0  # one path for all larger shifts
        shift = self.known(by, place)
        if operator == ">>":
            return self._quotient(one, 1 << shift)
        if of.signed and bool(one < 0):
            raise PathEndError(UNDEFINED, "a negative number is shifted to the left", place)
        return self.computed(product(one, 1 << shift), of, place)

    def _bits(self, operator: str, one: Any, other: Any, of: IntType, place: SourcePlace) -> Any:
        """A bitwise operator, of which one operand is known or has few values."""
        if not isinstance(one, int) and not isinstance(other, int):
            one = self.known(one, place)
        if isinstance(one, int):
            one, other = other, one
        if isinstance(one, int):
            found = {"&": one & other, "|": one | other, "^": one ^ other}[operator]
            return found if of.signed else found & of.high
        size = 1 << of.bits
        low, _ = self.interval(one)
        number = one + size if low < 0 and bool(one < 0) else one
        both = self._masked(number, other % size, of.bits)
        if operator == "&":
            found = both
        elif operator == "|":
            found = number - both + other % size
        else:
            found = number - both - both + other % size
        return self.converted(found, of, place) if of.signed else found

    def _masked(self, value: Any, mask: int, bits: int) -> Any:
        """The bits of a number from 0 that a mask has: one part for each run of ones in it."""
        found: Any = 0
        at = 0
        while at < bits:
            if not mask >> at & 1:
                at += 1
                continue
            end = at
            while mask >> end & 1:
                end += 1
            part = self._quotient(value, 1 << at)
            if end < bits:
                part = self._remainder(part, 1 << end - at)
            found = found + product(part, 1 << at)
            at = end
        return found

    def known(self, value: Any, place: SourcePlace) -> int:
        """A number, with a path for each value that is possible.

        :raises UnsupportedError: there are too many
        """
        if isinstance(value, int):
            return value
        low, high = self.interval(value)
        for number in range(low, min(high, low + _MOST_VALUES) + 1):
            if bool(value == number):
                return number
        raise UnsupportedError("an index, a shift or a factor that may have very many values", place)

    def one_of(self, name: str, options: dict[Any, Any]) -> Any:
        """One of several values, each with the formula of the inputs that lead to it."""
        return chosen(name, options)


def product(one: Any, other: Any) -> Any:
    """One factor times the other, of which at most one is unknown."""
    if isinstance(one, int) and isinstance(other, int):
        return one * other
    number, count = (one, other) if isinstance(one, int) else (other, one)
    if number == 0:
        return 0
    return Count({name: times * number for name, times in count.terms.items()}, count.constant * number)


def _single(value: Count) -> str:
    """The unknown that a sum is; empty: it is another sum."""
    ((name, times), *more) = value.terms.items()
    return name if not more and times == 1 and value.constant == 0 else ""


def _value(value: Count, witness: Witness) -> int:
    return value.constant + sum(times * witness.number(name) for name, times in value.terms.items())


__all__ = ["Arithmetic", "Departure", "GrowingTree", "UndecidedError"]
