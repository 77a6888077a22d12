"""Verdicts and results."""

from enum import Enum

import msgspec


class Verdict(Enum):
    """The four endings. Unknown is never a pass, and none of them is a truth value."""

    PROVED = "proved"
    REFUTED = "refuted"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not applicable"

    def __bool__(self) -> bool:
        raise TypeError("a verdict is not a truth value: compare it with a Verdict")


class Result(msgspec.Struct, frozen=True):
    """What came out of one obligation."""

    name: str
    verdict: Verdict
    claimed: bool
    """The semantics promises it."""
    seconds: float | None
    """None where the verdict was stored."""
    rlimit: int
    """The solver's own count of work; the same on every machine."""
    hash: str
    """SHA-256 of the obligation as SMT-LIB text."""
    used: list[str]
    """Assumptions in the proof: none of them can be left out."""
    lemmas: list[str]
    reason: str = ""
    """Of unknown: why. Of refuted: on which bounded host the countermodel was confirmed."""
    model: dict[str, str] = {}
    """Of refuted: the state before, the arguments and the state after, where not zero."""
    violated: list[str] = []
    """Of refuted: the inequalities that do not hold in that state, each with its numbers."""
    stored: str = ""
    """The date of the run that the verdict is stored from; empty: it is of this run."""
    unreadable: bool = False
    """A stored result was there, and could not be read: it was computed again."""
    not_stored: str = ""
    """Why the result is not in the cache, where it should be."""
    text: str = ""
    """The obligation as SMT-LIB text, where the settings ask for it; never in the cache."""


class Settings(msgspec.Struct, frozen=True):
    """What makes a run repeat exactly."""

    rlimit: int = 400_000_000
    seed: int = 0
    cache: str = ""
    """Directory of the cache; empty for none."""
    cores: bool = True
    """Find out which assumptions a proof needs."""
    memory: int = 0
    """MiB of address space that a worker process may take beyond what it begins with; 0 for no limit."""
    hashes: bool = False
    """Give the hash of the SMT-LIB text with each result, cache or not."""
    texts: bool = False
    """Give the text that was hashed, too."""


def versions() -> dict[str, str]:
    """Tool, solver and Python versions."""
    from proofs.versions import versions as of_packages

    found = of_packages("z3-solver")
    z3 = ".".join(found.pop("z3-solver").split(".")[:3])  # as it gives it itself; it need not be imported for that
    return {**found, "z3": z3}
