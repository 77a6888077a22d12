"""The facts about a generation that a campaign needs: its proved properties, and its outcome classes.

The solver computes both in a few seconds; they are cached (`proofs.stored`).
"""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from proofs.parallel import tell
from proofs.stored import DamagedFileError, look_up, store
from reference.properties import STATE_PROPERTIES

CACHE = Path(".cache/fuzz")

WITHOUT_LIMBO = "entitlement-without-limbo"
CHECKED = (*STATE_PROPERTIES, WITHOUT_LIMBO)
"""The properties that are checked in every state, by the names of the reference's checker."""


class GenerationFacts(Struct, frozen=True):
    """The proved properties and outcome classes of one generation."""

    semantics: str
    proved: list[str]
    """Properties of :data:`CHECKED` that are proved for any host: a state that violates one is a finding."""
    classes: dict[str, str]
    """Every outcome class, and why it is unreachable; empty: it is reachable."""

    def reachable(self) -> list[str]:
        """The classes that a campaign should reach."""
        return [name for name, reason in self.classes.items() if not reason]


def known_of(semantics: str, cache: Path | None = CACHE) -> GenerationFacts:
    """From the cache, or proved again if the entry is absent or damaged."""
    if cache is not None:
        try:
            stored = look_up(cache, semantics, GenerationFacts)
        except DamagedFileError:
            tell(f"the cached facts about {semantics} are damaged; they are proved again")
        else:
            if stored is not None:
                return stored.content
    found = _asked(semantics)
    if cache is not None:
        try:
            store(cache, semantics, found)
        except OSError as error:
            tell(f"the facts about {semantics} are not cached: {error.strerror or error}")
    return found


def _asked(semantics: str) -> GenerationFacts:
    from proofs.prover.induction import induction

    from .classes import classes_of

    kept = induction(semantics).kept
    return GenerationFacts(semantics, _proved(semantics, kept), classes_of(semantics, kept))


def _proved(semantics: str, kept: list[str]) -> list[str]:
    """The properties of which every step keeps all parts. A property that is not applicable is not proved."""
    from model.named import GENERATIONS
    from model.properties import PROPERTIES, Kind
    from proofs.obligations.suite import lacking

    proved = []
    for name in CHECKED:
        parts = [p for p in PROPERTIES.values() if p.id == name and p.kind is Kind.STATE and not p.support]
        if parts and all(part.name in kept and not lacking(part, GENERATIONS[semantics]) for part in parts):
            proved.append(name)
    return proved
