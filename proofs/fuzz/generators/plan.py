"""What one trace is made of: a subset of the operations with weights of its own (swarm testing), and how wild it is.

A trace that has every operation dilutes each: what needs twenty allocations in a row, or none freed, is then never
reached. So every trace draws which operations it has and how often.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Mapping
from itertools import accumulate

from proofs.fuzz.draw import Draw
from reference.semantics import Semantics

from . import Maker, makers_of

_FACTORS = (0.2, 0.5, 1, 1, 2, 5)
_LENGTHS = (30, 60, 120, 240)


class Plan:
    """The operations of a trace, drawn by weight."""

    __slots__ = ("_makers", "_upto", "interleaving", "length", "wild")

    def __init__(self, draw: Draw, semantics: Semantics, wanted: Mapping[str, float]) -> None:
        """``wanted`` favours operations: factors by name."""
        chosen: list[Maker] = []
        weights: list[float] = []
        share = draw.pick((0.4, 0.7, 1.0))
        for maker in makers_of(semantics):
            favour = wanted.get(maker.name, 1.0)
            if draw.random() < share * favour:
                chosen.append(maker)
                weights.append(maker.weight * draw.pick(_FACTORS) * favour)
        self._makers = chosen or makers_of(semantics)
        self._upto = list(accumulate(weights or [1.0] * len(self._makers)))
        self.wild = draw.pick((0.02, 0.1, 0.5))
        """How often an argument is arbitrary: nearly always valid, mostly, or half the time."""
        self.interleaving = draw.pick((0.0, 0.5, 0.9))
        """How often an operation of several critical sections leaves room for others."""
        self.length = draw.pick(_LENGTHS)
        """Events."""

    def maker(self, draw: Draw) -> Maker:
        """The operation to do next."""
        return self._makers[bisect(self._upto, draw.random() * self._upto[-1])]
