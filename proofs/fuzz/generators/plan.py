"""What one trace is made of: a subset of the operations with weights of its own (swarm testing), and how wild it is.

A trace that has every operation dilutes each: what needs twenty allocations in a row, or none freed, is then never
reached. So every trace draws which operations it has and how often.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Mapping, Sequence
from itertools import accumulate

from proofs.fuzz.offered import Offered
from proofs.operations import Event, name_of
from proofs.operations.draw import Draw
from reference.generation import Generation

from . import operations_of

_FACTORS = (0.2, 0.5, 1, 1, 2, 5)
_LENGTHS = (60, 120, 240, 480, 960)
_SHARES = (0.4, 0.7, 1.0)
_STREAK, _STREAK_LENGTH = 0.05, 900
"""How often a trace is nearly all one operation, and then its events: for what has to be done hundreds of times."""
_WILD = (0.02, 0.1, 0.5)  # nearly always valid, mostly, or half the time
_INTERLEAVING = (0.0, 0.5, 0.9)


class TracePlan:
    """The operations of a trace, drawn by weight."""

    __slots__ = ("_kinds", "_upto", "interleaving", "length", "offered", "wild")

    def __init__(
        self,
        weighted: Sequence[tuple[type[Event], float]],
        length: int,
        wild: float,
        interleaving: float,
        offered: Offered | None = None,
    ) -> None:
        self._kinds = [kind for kind, _ in weighted]
        self._upto = list(accumulate(weight for _, weight in weighted))
        self.length = length
        """Events."""
        self.wild = wild
        """How often an argument is arbitrary, and not chosen to pass the checks."""
        self.interleaving = interleaving
        """How often an operation of several critical sections leaves room for others."""
        self.offered = offered
        """What can be asked; none: everything."""

    def kind(self, draw: Draw) -> type[Event]:
        """The operation to do next."""
        return self._kinds[bisect(self._upto, draw.random() * self._upto[-1])]


def draw_plan(
    draw: Draw, semantics: Generation, wanted: Mapping[str, float], offered: Offered | None = None
) -> TracePlan:
    """A subset of the operations of a semantics.

    :param wanted: favours some, as factors
    :param offered: what can be asked; none: everything
    """
    kinds = [kind for kind in operations_of(semantics) if offered is None or name_of(kind) in offered.operations]
    chosen: list[tuple[type[Event], float]] = []
    share = draw.pick(_SHARES)
    for kind in kinds:
        favour = wanted.get(name_of(kind), 1.0)
        if draw.random() < share * favour:
            chosen.append((kind, kind.weight * draw.pick(_FACTORS) * favour))
    chosen = chosen or [(kind, kind.weight) for kind in kinds]
    length = draw.pick(_LENGTHS)
    if draw.random() < _STREAK:
        favoured = [kind for kind in kinds if name_of(kind) in wanted]
        chosen.append((draw.pick(favoured or kinds), 60 * sum(weight for _, weight in chosen)))
        length = _STREAK_LENGTH
    interleaving = draw.pick(_INTERLEAVING) if offered is None or "continue" in offered.operations else 0.0
    return TracePlan(chosen, length, draw.pick(_WILD), interleaving, offered)
