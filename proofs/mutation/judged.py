"""What became of a mutant."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Ending(StrEnum):
    """The endings of a mutant."""

    KILLED = "killed"
    EQUIVALENT = "equivalent"
    """Proved to do the same."""
    SURVIVED = "survived"


class Judged(Struct, frozen=True):
    """How a mutant ended, and by what."""

    ending: Ending
    by: str
    """The kind of check: ``replay``, ``fuzz``, ``prove``, ... Of a survivor: empty."""
    what: str = ""
    """Which one: the recording and the field, the obligation, the test. Of a survivor: what was tried."""


def killed(by: str, what: str) -> Judged:
    """Some check noticed."""
    return Judged(Ending.KILLED, by, what)


def raised(by: str, where: str, error: BaseException) -> Judged:
    """Noticed, because the mutant raises what the right code never does."""
    return killed(by, f"{where}: {type(error).__name__}")
