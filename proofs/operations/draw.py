"""Draws from a source of randomness: ``random.Random``, or that of Hypothesis, which shrinks its draws."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TypeVar

from reference.constants import DOMID_FIRST_RESERVED, UINT_MAX

T = TypeVar("T")

EXTREMES = (0, 1, 2, UINT_MAX - 1, UINT_MAX, UINT_MAX + 1, 2**63 - 1, 2**63, 2**64 - 1)
"""Page counts at the ends of the C types."""
UNKNOWN_DOMID = 99
"""An id that no domain gets."""
USUAL_DOMIDS = tuple(range(6))
"""Ids of the domains of most traces."""
_END_DOMIDS = (0, 255, 256, 257, 0x3FFF, 0x4000, DOMID_FIRST_RESERVED - 2, DOMID_FIRST_RESERVED - 1)
"""Ids at the ends of the range of ids, and of narrower types."""
_ANY_DOMIDS, _MANY_DOMAINS = 0.4, 0.03
_FEWEST_OF_MANY, _MOST_OF_MANY = 24, 48
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
        """True with this probability."""
        return self.random() < probability

    def looked_up(self, domid: int) -> int:
        """Mostly this domain's id; else one that no domain has."""
        return domid if self.random() < 0.97 else UNKNOWN_DOMID

    def near(self, bounds: Sequence[int]) -> int:
        """One of the bounds, or one more or less, where a comparison changes its result. Fits 64 bits unsigned."""
        pages = self.pick(bounds) + int(self.random() * 3) - 1
        return 0 if pages < 0 else _MOST if pages > _MOST else pages

    def pages(self, room: int, bounds: Sequence[int], wild: float) -> int:
        """A page count for a request: mostly one that fits ``room`` or is near a bound; any one as often as ``wild``.

        :param bounds: values that checks compare the request with
        """
        choice = self.random()
        if choice < wild:
            return self.pick(EXTREMES) if choice < wild / 2 else self.near(bounds)
        if choice > 1 - (1 - wild) / 4:
            return self.near(bounds)
        return int(self.random() * (room + 1)) if room > 0 else int(self.random() * 2)

    def domids(self) -> tuple[int, ...]:
        """The ids of a trace's domains, ascending: mostly a few low ones, sometimes any, rarely tens of them."""
        share = self.random()
        if share >= _ANY_DOMIDS:
            return USUAL_DOMIDS
        number = len(USUAL_DOMIDS)
        if share < _MANY_DOMAINS:
            number = _FEWEST_OF_MANY + self.below(_MOST_OF_MANY - _FEWEST_OF_MANY + 1)
        found: set[int] = set()
        while len(found) < number:
            domid = self.pick(_END_DOMIDS) if self.random() < 0.4 else self.below(DOMID_FIRST_RESERVED)
            found.add(domid if domid != UNKNOWN_DOMID and domid not in found else len(found))
        return tuple(sorted(found))
