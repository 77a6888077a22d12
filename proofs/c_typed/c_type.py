"""Integer types of C: their ranges, and the type that two of them are converted to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar


@dataclass(frozen=True)
class CType:
    """An integer type."""

    name: str
    bits: int
    signed: bool

    @cached_property
    def low(self) -> int:
        """The smallest value."""
        return -(1 << self.bits - 1) if self.signed else 0

    @cached_property
    def high(self) -> int:
        """The largest value."""
        return (1 << self.bits - self.signed) - 1

    def holds(self, value: int) -> bool:
        """The value is representable."""
        return self.low <= value <= self.high

    def wrapped(self, value: int) -> int:
        """The value modulo 2^bits, in the range of the type."""
        value &= (1 << self.bits) - 1
        return value - (1 << self.bits) if value > self.high else value

    def __str__(self) -> str:
        return self.name


AnyType = TypeVar("AnyType", bound=CType)


def wider(one: AnyType, other: AnyType) -> AnyType:
    """The type that both operands are converted to: the wider; of the same width the unsigned one."""
    if one.bits != other.bits:
        return one if one.bits > other.bits else other
    return other if one.signed else one
