"""How the traces of questions bear on the statements of the design. This is stated only here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

CONTRADICTS: Final = "contradicts"
QUALIFIES: Final = "qualifies"


@dataclass(frozen=True)
class TraceBearing:
    """A statement, and how the trace bears on it."""

    statement: str
    how: str
    """``contradicts``: the statement is false. ``qualifies``: it is true except for what the trace shows."""
    by: str = ""
    """Another statement of the design that states the same."""

    def __str__(self) -> str:
        return f"{self.how} {self.statement}" + (f" (by {self.by})" if self.by else "")


def contradicts(*statements: str, by: str = "") -> tuple[TraceBearing, ...]:
    """The trace shows that these statements are false."""
    return tuple(TraceBearing(name, CONTRADICTS, by) for name in statements)


def qualifies(*statements: str, by: str = "") -> tuple[TraceBearing, ...]:
    """The trace shows a case that these statements do not cover."""
    return tuple(TraceBearing(name, QUALIFIES, by) for name in statements)


def in_words(bearing: Iterable[TraceBearing]) -> str:
    """For a table."""
    return ", ".join(map(str, bearing))
