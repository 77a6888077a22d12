"""What is known of a semantics before a campaign: what is proved to hold, and which outcomes there are.

Both come from the solver, in a few seconds; they are stored (`proofs.stored`).
"""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from proofs.parallel import tell
from proofs.stored import Damaged, look_up, store
from reference.properties import STATE_PROPERTIES

CACHE = Path(".cache/fuzz")

WITHOUT_LIMBO = "entitlement-without-limbo"
CHECKED = (*STATE_PROPERTIES, WITHOUT_LIMBO)
"""The properties that are checked of every state, by the names of the reference's checker."""


class Known(Struct, frozen=True):
    """What holds, and what can come out, of one semantics."""

    semantics: str
    proved: list[str]
    """Properties of :data:`CHECKED` that are proved for any host: a state without one is a finding."""
    classes: dict[str, str]
    """Every outcome class, and why it cannot be reached (empty: it can)."""

    def reachable(self) -> list[str]:
        """The classes that a campaign should reach."""
        return [name for name, reason in self.classes.items() if not reason]


def known_of(semantics: str, cache: Path | None = CACHE) -> Known:
    """Proved anew, or as the cache has it; a damaged entry counts as absent."""
    if cache is not None:
        try:
            stored = look_up(cache, semantics, Known)
        except Damaged:
            tell(f"what is known of {semantics} could not be read: proved anew")
        else:
            if stored is not None:
                return stored.content
    found = _asked(semantics)
    if cache is not None:
        try:
            store(cache, semantics, found)
        except OSError as error:
            tell(f"what is known of {semantics} is not stored: {error.strerror or error}")
    return found


def _asked(semantics: str) -> Known:
    from proofs.prover.induction import induction

    from .classes import classes_of

    kept = induction(semantics).kept
    return Known(semantics, _proved(semantics, kept), classes_of(semantics, kept))


def _proved(semantics: str, kept: list[str]) -> list[str]:
    """The properties all of whose parts are kept by every step. One that is not applicable is not proved."""
    from model.named import GENERATIONS
    from model.properties import PROPERTIES, Kind
    from proofs.obligations.suite import lacking

    proved = []
    for name in CHECKED:
        parts = [p for p in PROPERTIES.values() if p.id == name and p.kind is Kind.STATE and not p.support]
        if parts and all(part.name in kept and not lacking(part, GENERATIONS[semantics]) for part in parts):
            proved.append(name)
    return proved
