"""Numbers and truths that the reference computes with instead of its own: linear sums over unknowns.

A comparison gives a `Truth`, which is decided when the code asks for it (`if`, `and`, `not`): the path forks there. A
number used as an index or a key forks over the values it may have.
"""

from __future__ import annotations

from typing import Protocol

import z3

Terms = tuple[tuple[int, int], ...]
"""(unknown, factor), ascending by unknown, no factor 0."""


class Unknowns(Protocol):
    """Who knows the unknowns of a run, and decides."""

    def sum_of(self, terms: Terms, constant: int) -> z3.ArithRef:
        """The sum as a Z3 expression."""
        ...

    def named(self, flag: str) -> z3.BoolRef:
        """The flag as a Z3 constant."""
        ...

    def decide(self, truth: Truth) -> bool:
        """Whether the truth holds on this path; forks where both is possible."""
        ...

    def value_of(self, number: Number) -> int:
        """The number's value on this path; forks over the values it may have."""
        ...


class ExplorationError(Exception):
    """The exploration cannot go on: nothing is claimed about the operation."""


class NotLinear(ExplorationError):
    """The code under test computes something that has no linear form: it cannot be executed symbolically."""


class Number:
    """constant + sum of factor * unknown. Immutable."""

    __slots__ = ("constant", "terms", "world")

    def __init__(self, world: Unknowns, terms: Terms, constant: int = 0) -> None:
        self.world = world
        self.terms = terms
        self.constant = constant

    def _plus(self, other: Number | int, sign: int) -> Number | int:
        if isinstance(other, int):
            return Number(self.world, self.terms, self.constant + sign * other)
        if not isinstance(other, Number):
            return NotImplemented
        factors = dict(self.terms)
        for unknown, factor in other.terms:
            factors[unknown] = factors.get(unknown, 0) + sign * factor
        terms = tuple(sorted(pair for pair in factors.items() if pair[1]))
        constant = self.constant + sign * other.constant
        return Number(self.world, terms, constant) if terms else constant

    def __add__(self, other: Number | int) -> Number | int:
        return self._plus(other, 1)

    __radd__ = __add__

    def __sub__(self, other: Number | int) -> Number | int:
        return self._plus(other, -1)

    def __rsub__(self, other: int) -> Number | int:
        return (-self) + other

    def __mul__(self, factor: int) -> Number | int:
        if not isinstance(factor, int):
            raise NotLinear("a product of two numbers")
        if factor == 0:
            return 0
        return Number(self.world, tuple((u, f * factor) for u, f in self.terms), self.constant * factor)

    __rmul__ = __mul__

    def __neg__(self) -> Number:
        return Number(self.world, tuple((u, -f) for u, f in self.terms), -self.constant)

    def __lshift__(self, bits: int) -> Number | int:
        return self * (1 << bits)

    def __and__(self, mask: int) -> Truth | bool:
        """One bit of a 32-bit number: only the highest has a linear form."""
        if mask != 1 << 31:
            raise NotLinear(f"{self} & {mask:#x}")
        return self >= mask

    def __le__(self, other: Number | int) -> Truth | bool:
        return not_positive(self - other)

    def __ge__(self, other: Number | int) -> Truth | bool:
        return not_positive(-(self - other))

    def __lt__(self, other: Number | int) -> Truth | bool:
        return not_positive(self - other + 1)

    def __gt__(self, other: Number | int) -> Truth | bool:
        return not_positive(-(self - other) + 1)

    def __eq__(self, other: object) -> Truth | bool:  # type: ignore[override]  # decided when asked for
        if not isinstance(other, (int, Number)):
            return NotImplemented
        return zero(self - other)

    def __ne__(self, other: object) -> Truth | bool:  # type: ignore[override]  # likewise
        if not isinstance(other, (int, Number)):
            return NotImplemented
        equal = zero(self - other)
        return (not equal) if isinstance(equal, bool) else ~equal

    def __bool__(self) -> bool:
        return bool(self != 0)

    def __hash__(self) -> int:
        return hash(self.world.value_of(self))

    def __index__(self) -> int:
        return self.world.value_of(self)

    def __int__(self) -> int:
        raise NotLinear(f"int({self})")

    def key(self) -> tuple[Terms, int]:
        """Equal for equal sums."""
        return (self.terms, self.constant)

    def z3(self) -> z3.ArithRef:
        """As a Z3 expression."""
        return self.world.sum_of(self.terms, self.constant)

    def __repr__(self) -> str:
        return f"Number({self.z3()})"


Key = tuple[str, Terms | str, int]


class Truth:
    """`sum <= bound`, `sum == bound` or a flag, or the contrary. The first factor of the sum is positive."""

    __slots__ = ("contrary", "key", "world")

    def __init__(self, world: Unknowns, key: Key, contrary: bool = False) -> None:
        self.world = world
        self.key = key
        """(`<=`, terms, bound), (`==`, terms, bound) or (`flag`, name, 0); the same for a truth and its contrary."""
        self.contrary = contrary

    def __bool__(self) -> bool:
        return self.world.decide(self)

    def __invert__(self) -> Truth:
        return Truth(self.world, self.key, not self.contrary)

    def positive(self) -> z3.BoolRef:
        """As a Z3 expression, without the contrary."""
        kind, what, bound = self.key
        if isinstance(what, str):
            return self.world.named(what)
        number = self.world.sum_of(what, 0)
        return number <= bound if kind == "<=" else number == bound

    def z3(self) -> z3.BoolRef:
        """As a Z3 expression."""
        return z3.Not(self.positive()) if self.contrary else self.positive()


def not_positive(number: Number | int) -> Truth | bool:
    """number <= 0, decided at once where the number is known."""
    if isinstance(number, int):
        return number <= 0
    if number.terms[0][1] > 0:
        return Truth(number.world, ("<=", number.terms, -number.constant))
    contrary = -number  # number <= 0, that is: not (-number <= -1)
    return Truth(number.world, ("<=", contrary.terms, -1 - contrary.constant), contrary=True)


def zero(number: Number | int) -> Truth | bool:
    """number == 0, decided at once where the number is known."""
    if isinstance(number, int):
        return number == 0
    if number.terms[0][1] < 0:
        number = -number
    return Truth(number.world, ("==", number.terms, -number.constant))
