"""What is known of a semantics before a campaign: what is proved to hold, and which outcomes there are.

Both come from the solver, in a few seconds; they are kept in a cache by the text of the model and the solver's version.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
from msgspec import Struct

from proofs.parallel import tell
from reference.properties import STATE_PROPERTIES

from .atomic import write_atomically

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
    """Proved anew, or as the cache has it; a broken entry counts as absent."""
    path = None if cache is None else cache / f"{semantics}-{_fingerprint()}.json"
    if path is not None:
        try:
            return msgspec.json.decode(path.read_bytes(), type=Known)
        except (OSError, msgspec.DecodeError):
            pass
    found = _asked(semantics)
    if path is not None:
        try:
            write_atomically(path, msgspec.json.encode(found))
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
    from model.properties import PROPERTIES, Kind
    from model.semantics import SEMANTICS
    from proofs.obligations.suite import lacking

    proved = []
    for name in CHECKED:
        parts = [p for p in PROPERTIES.values() if p.id == name and p.kind is Kind.STATE and not p.support]
        if parts and all(part.name in kept and not lacking(part, SEMANTICS[semantics]) for part in parts):
            proved.append(name)
    return proved


def _fingerprint() -> str:
    """Of everything that the answers depend on."""
    import z3

    digest = hashlib.sha256(z3.get_version_string().encode())
    root = Path(__file__).parents[2]
    for folder in ("model", "proofs/matrix", "proofs/obligations", "proofs/prover", "proofs/fuzz"):
        for path in sorted((root / folder).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
