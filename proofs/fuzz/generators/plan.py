"""The plan of one trace: a subset of the operations with weights (swarm testing), and how wild its arguments are.

A trace with all operations has few of each, and never reaches a state that needs twenty allocations in a row, or no
free. So every trace draws a subset of the operations and their frequencies.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Mapping, Sequence
from itertools import accumulate

from proofs.fuzz.offered import ProgramCapabilities
from proofs.operations import Event, name_of
from proofs.operations.draw import USUAL_DOMIDS, Draw
from reference.generation import Generation

from . import operations_of

_FACTORS = (0.2, 0.5, 1, 1, 2, 5)
_LENGTHS = (60, 120, 240, 480, 960)
_SHARES = (0.4, 0.7, 1.0)
_STREAK, _STREAK_LENGTH = 0.05, 900
"""The share of traces with nearly only one operation, and their number of events, to repeat it hundreds of times."""
_WILD = (0.02, 0.1, 0.5)  # the share of arbitrary arguments
_INTERLEAVING = (0.0, 0.5, 0.9)


class TracePlan:
    """The operations of a trace, drawn by weight."""

    __slots__ = ("_kinds", "_upto", "domids", "interleaving", "length", "offered", "wild")

    def __init__(
        self,
        weighted: Sequence[tuple[type[Event], float]],
        length: int,
        wild: float,
        interleaving: float,
        offered: ProgramCapabilities | None = None,
        domids: Sequence[int] = USUAL_DOMIDS,
    ) -> None:
        self._kinds = [kind for kind, _ in weighted]
        self._upto = list(accumulate(weight for _, weight in weighted))
        self.length = length
        """Number of events."""
        self.wild = wild
        """The share of arguments that are arbitrary, not chosen to pass the checks."""
        self.interleaving = interleaving
        """The share of operations of several critical sections that others may interrupt."""
        self.offered = offered
        """What the program offers; None: everything."""
        self.domids = domids
        """Ids of the trace's domains."""

    @property
    def first_domains(self) -> int:
        """The number of domains created first: most of them, if the trace has tens of domains."""
        return max(2, len(self.domids) - len(USUAL_DOMIDS))

    def kind(self, draw: Draw) -> type[Event]:
        """Draw the next operation."""
        return self._kinds[bisect(self._upto, draw.random() * self._upto[-1])]


def draw_plan(
    draw: Draw, semantics: Generation, wanted: Mapping[str, float], offered: ProgramCapabilities | None = None
) -> TracePlan:
    """Draw a plan: a subset of the operations of a generation.

    :param wanted: factors for operations to favour
    :param offered: what the program offers; None: everything
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
    interleaving = draw.pick(_INTERLEAVING) if offered is None or offered.builders else 0.0
    return TracePlan(chosen, length, draw.pick(_WILD), interleaving, offered, draw.domids())
