"""Drawing from a source of randomness: which may be ``random.Random``, or Hypothesis's, which shrinks what it gave."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TypeVar

from reference.constants import UINT_MAX

T = TypeVar("T")

EXTREMES = (0, 1, 2, UINT_MAX - 1, UINT_MAX, UINT_MAX + 1, 2**63 - 1, 2**63, 2**64 - 1)
"""Page counts at the ends of the C types."""
UNKNOWN_DOMID = 99
"""Never created."""
_MOST = 2**64 - 1


class Draw:
    """Small decisions, each one random number."""

    __slots__ = ("random",)

    def __init__(self, source: Random) -> None:
        self.random = source.random

    def below(self, bound: int) -> int:
        """0 to ``bound`` - 1."""
        return int(self.random() * bound)

    def pick(self, options: Sequence[T]) -> T:
        """One of them."""
        return options[int(self.random() * len(options))]

    def chance(self, probability: float) -> bool:
        """True that often."""
        return self.random() < probability

    def near(self, bounds: Sequence[int]) -> int:
        """One of the bounds, or one more or less: where a comparison changes its answer. Fits 64 bits unsigned."""
        pages = self.pick(bounds) + int(self.random() * 3) - 1
        return 0 if pages < 0 else _MOST if pages > _MOST else pages

    def pages(self, room: int, bounds: Sequence[int], wild: float) -> int:
        """A page count for a request: mostly one that fits ``room``, or at a bound; of any size as often as ``wild``.

        :param bounds: what the checks compare the request with
        """
        choice = self.random()
        if choice < wild:
            return self.pick(EXTREMES) if choice < wild / 2 else self.near(bounds)
        if choice > 1 - (1 - wild) / 4:
            return self.near(bounds)
        return int(self.random() * (room + 1)) if room > 0 else int(self.random() * 2)
