"""Whether every deliberate mistake in the reference is found, and with which input."""

from __future__ import annotations

from .mistakes import Mistake, planted
from .run import OperationResult, Space, row
from .world import Size

SIZES = (Size(1, 1), Size(2, 2), Size(3, 2))
"""Tried in this order."""


def found(mistake: Mistake) -> OperationResult | None:
    """The row that refutes the reference with the mistake, on the smallest host; none if no host shows it."""
    with planted(mistake):
        for size in SIZES:
            result = row(Space(size), mistake.semantics, mistake.operation)
            if result.difference is not None:
                return result
    return None
