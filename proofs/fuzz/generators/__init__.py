"""Random traces: which operations are drawn, how often, and for which builder."""

from __future__ import annotations

from model.calls import exists
from proofs.operations import OPERATIONS, Event
from reference.generation import Generation


def operations_of(semantics: Generation) -> list[type[Event]]:
    """The operations of a generation that are drawn."""
    return [kind for name, kind in OPERATIONS.items() if exists(name, semantics.name)]
