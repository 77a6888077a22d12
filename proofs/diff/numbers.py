"""Numbers and truths that the reference computes with instead of its own: linear sums over unknowns.

A comparison gives a `Truth`, which is decided when the code asks for it (`if`, `and`, `not`): the path forks there. A
number used as an index or a key forks over the values it may have.
"""

from __future__ import annotations

from typing import Protocol

import z3


class Unknowns(Protocol):
    """Who knows the unknowns of a run, and decides."""

    def constant(self, unknown: int) -> z3.ArithRef:
        """The unknown as a Z3 constant."""
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
    """constant + sum of coefficient * unknown. Immutable."""

    __slots__ = ("constant", "terms", "world")

    def __init__(self, world: Unknowns, terms: dict[int, int], constant: int = 0) -> None:
        self.world = world
        self.terms = terms
        self.constant = constant

    def _plus(self, other: Number | int, sign: int) -> Number | int:
        if isinstance(other, int):
            return Number(self.world, self.terms, self.constant + sign * other)
        if not isinstance(other, Number):
            return NotImplemented
        terms = dict(self.terms)
        for unknown, factor in other.terms.items():
            total = terms.get(unknown, 0) + sign * factor
            if total:
                terms[unknown] = total
            else:
                del terms[unknown]
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
            raise NotLinear("product of two numbers")
        if factor == 0:
            return 0
        return Number(self.world, {u: f * factor for u, f in self.terms.items()}, self.constant * factor)

    __rmul__ = __mul__

    def __neg__(self) -> Number:
        return Number(self.world, {u: -f for u, f in self.terms.items()}, -self.constant)

    def __lshift__(self, bits: int) -> Number | int:
        return self * (1 << bits)

    def __and__(self, mask: int) -> Truth | bool:
        """One bit of a 32-bit number: only the highest has a linear form."""
        if mask != 1 << 31:
            raise NotLinear(f"{self} & {mask:#x}")
        return self >= mask

    # Comparisons say "number <= 0" or "number == 0".

    def __le__(self, other: Number | int) -> Truth | bool:
        return truth_of(self.world, "<=", self - other)

    def __ge__(self, other: Number | int) -> Truth | bool:
        return truth_of(self.world, "<=", -(self - other))

    def __lt__(self, other: Number | int) -> Truth | bool:
        return truth_of(self.world, "<=", self - other + 1)

    def __gt__(self, other: Number | int) -> Truth | bool:
        return truth_of(self.world, "<=", -(self - other) + 1)

    def __eq__(self, other: object) -> Truth | bool:  # type: ignore[override]  # decided when asked for
        if not isinstance(other, (int, Number)):
            return NotImplemented
        return truth_of(self.world, "==", self - other)

    def __ne__(self, other: object) -> Truth | bool:  # type: ignore[override]  # likewise
        if not isinstance(other, (int, Number)):
            return NotImplemented
        equal = truth_of(self.world, "==", self - other)
        return (not equal) if isinstance(equal, bool) else ~equal

    def __bool__(self) -> bool:
        return bool(self != 0)

    def __hash__(self) -> int:
        return hash(self.world.value_of(self))

    def __index__(self) -> int:
        return self.world.value_of(self)

    def __int__(self) -> int:
        raise NotLinear(f"int({self})")

    def key(self) -> tuple[object, ...]:
        """Equal for equal sums."""
        return (self.constant, *sorted(self.terms.items()))

    def z3(self) -> z3.ArithRef:
        """As a Z3 expression."""
        parts = [self.world.constant(u) if f == 1 else f * self.world.constant(u) for u, f in self.terms.items()]
        if self.constant or not parts:
            parts.append(z3.IntVal(self.constant))
        return parts[0] if len(parts) == 1 else z3.Sum(parts)

    def __repr__(self) -> str:
        return f"Number({self.key()})"


class Flag:
    """An unknown truth."""

    __slots__ = ("constant",)

    def __init__(self, constant: z3.BoolRef) -> None:
        self.constant = constant


class Truth:
    """number <= 0, number == 0, or a flag; or the contrary of one."""

    __slots__ = ("contrary", "kind", "of", "world")

    def __init__(self, world: Unknowns, kind: str, of: Number | Flag, contrary: bool = False) -> None:
        self.world = world
        self.kind = kind
        self.of = of
        self.contrary = contrary

    def __bool__(self) -> bool:
        return self.world.decide(self)

    def __invert__(self) -> Truth:
        return Truth(self.world, self.kind, self.of, not self.contrary)

    def key(self) -> tuple[object, ...]:
        """Equal for a truth and its contrary."""
        if isinstance(self.of, Flag):
            return (self.kind, self.of.constant.get_id())
        return (self.kind, *self.of.key())

    def positive(self) -> z3.BoolRef:
        """As a Z3 expression, without the contrary."""
        if isinstance(self.of, Flag):
            return self.of.constant
        return self.of.z3() <= 0 if self.kind == "<=" else self.of.z3() == 0

    def z3(self) -> z3.BoolRef:
        """As a Z3 expression."""
        return z3.Not(self.positive()) if self.contrary else self.positive()


def truth_of(world: Unknowns, kind: str, number: Number | int) -> Truth | bool:
    """`number <= 0` or `number == 0`, decided at once where the number is known."""
    if isinstance(number, int):
        return number <= 0 if kind == "<=" else number == 0
    if kind == "==" and min(number.terms.items())[1] < 0:
        number = -number
    return Truth(world, kind, number)
