"""Numbers of a C type: arithmetic by C's usual conversions, and a note of every value that its type did not hold.

A plain int among them is a constant of C: of type ``int``, or ``unsigned int`` where that is too narrow, then 64 bits.
Signed arithmetic that overflows is undefined in C; here it wraps, and is noted like everything else.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType
from typing import NamedTuple, TypeAlias

from .c_type import CType, wider

HERE = Path(__file__).parent

INT = CType("int32", 32, True)
UINT32 = CType("uint32", 32, False)
INT64 = CType("int64", 64, True)
UINT64 = CType("uint64", 64, False)
TYPES = {c_type.name: c_type for c_type in (INT, UINT32, INT64, UINT64)}


class WrappedValue(NamedTuple):
    """A value that its type did not hold."""

    expression: str
    c_type: str
    exact: int
    value: int
    """What is there instead."""
    where: str

    def __str__(self) -> str:
        return f"{self.where}: {self.expression} is {self.exact}, as {self.c_type} {self.value}"


NOTES: list[WrappedValue] = []
"""Every such value since the list was last cleared."""


def _where() -> str:
    """The line of the reference that computes, by file, function and number."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and Path(frame.f_code.co_filename).parent == HERE:
        frame = frame.f_back
    if frame is None:
        return "?"
    return f"{frame.f_code.co_name} ({Path(frame.f_code.co_filename).name}:{frame.f_lineno})"


def _fitted(c_type: CType, exact: int, expression: str) -> int:
    value = c_type.wrapped(exact)
    NOTES.append(WrappedValue(expression, c_type.name, exact, value, _where()))
    return value


def _constant(value: int) -> CType:
    return next(t for t in (INT, UINT32, INT64, UINT64) if t.holds(value) or t is UINT64)


Operand: TypeAlias = "int | CInt"
Name: TypeAlias = str | tuple[Operand, str, Operand]
"""What a value is called: a word, or the operation that gave it."""


def named(operand: Operand) -> str:
    """The C expression that a number stands for, with its counters' names; of a constant, its digits."""
    if not isinstance(operand, CInt):
        return str(operand)
    if isinstance(operand.what, str):
        return operand.what
    left, sign, right = operand.what
    return f"{named(left)} {sign} {named(right)}"


class CInt:
    """A value of a type. Two of them, or one and a constant, are first converted to their common type."""

    __slots__ = ("c_type", "value", "what")

    def __init__(self, c_type: CType, value: Operand, what: Name | None = None) -> None:
        """Conversion: a value that the type does not hold wraps, and is noted.

        :param what: the new name of the value; None: the name does not change
        """
        exact = int(value)
        self.c_type = c_type
        self.what: Name = what if what is not None else value.what if isinstance(value, CInt) else str(value)
        if c_type.holds(exact):
            self.value = exact
            return
        stored = f", stored in {named(self)}" if isinstance(value, CInt) and what is not None else ""
        self.value = _fitted(c_type, exact, f"{named(value)}{stored}" if stored else named(self))

    def _both(self, other: Operand, sign: str) -> tuple[CType, int, int]:
        its, exact = (other.c_type, other.value) if isinstance(other, CInt) else (_constant(other), other)
        c_type = wider(self.c_type, its)
        mine = self.value if c_type.holds(self.value) else self._converted(c_type, self, other, sign)
        return c_type, mine, exact if c_type.holds(exact) else self._converted(c_type, other, other, sign)

    def _converted(self, c_type: CType, operand: Operand, other: Operand, sign: str) -> int:
        """An operand that the common type does not hold."""
        return _fitted(c_type, int(operand), f"{named(operand)} in {named(self)} {sign} {named(other)}")

    def __add__(self, other: Operand) -> CInt:
        c_type, a, b = self._both(other, "+")
        return CInt(c_type, a + b, (self, "+", other))

    def __sub__(self, other: Operand) -> CInt:
        c_type, a, b = self._both(other, "-")
        return CInt(c_type, a - b, (self, "-", other))

    def __rsub__(self, other: int) -> CInt:
        c_type, b, a = self._both(other, "-")
        return CInt(c_type, a - b, (other, "-", self))

    __radd__ = __add__

    def __lt__(self, other: int | CInt) -> bool:
        _, a, b = self._both(other, "<")
        return a < b

    def __le__(self, other: int | CInt) -> bool:
        _, a, b = self._both(other, "<=")
        return a <= b

    def __gt__(self, other: int | CInt) -> bool:
        _, a, b = self._both(other, ">")
        return a > b

    def __ge__(self, other: int | CInt) -> bool:
        _, a, b = self._both(other, ">=")
        return a >= b

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, (int, CInt)):
            return NotImplemented
        _, a, b = self._both(other, "==")
        return a == b

    def __hash__(self) -> int:
        return hash(self.value)

    def __bool__(self) -> bool:
        return self.value != 0

    def __index__(self) -> int:
        return self.value

    __int__ = __index__

    def __repr__(self) -> str:
        return f"{self.value} ({self.c_type.name})"

    def __str__(self) -> str:
        return str(self.value)

    def __format__(self, spec: str) -> str:
        return format(self.value, spec)
