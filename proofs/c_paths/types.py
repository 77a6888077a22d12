"""The C types of x86-64 that are executed, and what integers of each can be."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from proofs.c_typed.c_type import CType, wider


@dataclass(frozen=True)
class IntType(CType):
    """An integer type; ``bool`` has one bit."""

    is_bool: bool = False


@dataclass(frozen=True)
class PointerType:
    """A pointer."""

    to: Any

    def __str__(self) -> str:
        return f"{self.to} *"


@dataclass(frozen=True)
class ArrayType:
    """An array of known size; None: of a size that is not known here."""

    of: Any
    count: int | None

    def __str__(self) -> str:
        return f"{self.of}[{'' if self.count is None else self.count}]"


@dataclass(eq=False)
class StructType:
    """A structure."""

    name: str
    fields: dict[str, Any] = field(default_factory=dict)
    """Types by name, in order."""

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class OtherType:
    """A type that is not executed, such as a function, a union or a floating-point number."""

    name: str

    def __str__(self) -> str:
        return self.name


VOID = OtherType("void")
INT, UINT = IntType("int", 32, True), IntType("unsigned int", 32, False)
LONG, ULONG = IntType("long", 64, True), IntType("unsigned long", 64, False)
BOOL = IntType("_Bool", 1, False, True)
BY_KIND = {
    "BOOL": BOOL,
    "CHAR_U": IntType("char", 8, False),
    "CHAR_S": IntType("char", 8, True),
    "SCHAR": IntType("signed char", 8, True),
    "UCHAR": IntType("unsigned char", 8, False),
    "SHORT": IntType("short", 16, True),
    "USHORT": IntType("unsigned short", 16, False),
    "INT": INT,
    "UINT": UINT,
    "LONG": LONG,
    "ULONG": ULONG,
    "LONGLONG": IntType("long long", 64, True),
    "ULONGLONG": IntType("unsigned long long", 64, False),
    "VOID": VOID,
}
"""Types by the library's name of their kind."""


def promoted(one: IntType) -> IntType:
    """The integer promotion: a type that is narrower than ``int`` becomes ``int``."""
    return INT if one.bits < INT.bits else one


def common(one: IntType, other: IntType) -> IntType:
    """The usual arithmetic conversions: the type in which an operation on both is computed."""
    return wider(promoted(one), promoted(other))
