"""Running domains: they hold memory all the while, and balloon up and down."""

from __future__ import annotations

from random import Random

from proofs.simulate.scenario import ORDERS, BallooningDomains
from reference.page_alloc import alloc_domheap_pages, free_domheap_pages
from reference.state import Domain, Host, create_domain
from reference.steps import Steps, run


class RunningDomains:
    """All running domains of a host, one of which moves at a time."""

    def __init__(self, host: Host, asked: BallooningDomains, first_domid: int, rng: Random) -> None:
        self._host, self._asked, self._rng = host, asked, rng
        self._order = ORDERS[asked.extents]
        self._extents: list[tuple[Domain, list[int]]] = []
        self._moving: Steps[None] | None = None
        self.refused = 0
        """Requests of running domains that were refused: all memory is claimed or in use."""
        for domid in range(first_domid, first_domid + asked.count):
            domain = create_domain(host, domid, asked.grows_to)
            extents: list[int] = []
            while (len(extents) + 1) << self._order <= asked.grows_to:
                # The nodes fill evenly, whichever domain runs where.
                node = (domid + len(extents)) % len(host.node_pages)
                mfn = run(alloc_domheap_pages(host, domain, self._order, node))
                if mfn is None:
                    break
                extents.append(mfn)
            self._extents.append((domain, extents))
        for _, extents in self._extents:
            while len(extents) << self._order > asked.memory:
                run(free_domheap_pages(host, self._any(extents), self._order))

    def step(self) -> None:
        """One critical section of one of them."""
        if self._moving is None:
            self._moving = self._move()
        try:
            next(self._moving)
        except StopIteration:
            self._moving = None

    def _move(self) -> Steps[None]:
        domain, extents = self._rng.choice(self._extents)
        size, least = len(extents) << self._order, self._asked.memory
        grows = size <= least or (size < self._asked.grows_to and self._rng.random() < 0.5)
        if grows:
            mfn = yield from alloc_domheap_pages(self._host, domain, self._order)
            if mfn is None:
                self.refused += 1
            else:
                extents.append(mfn)
        elif extents:
            yield from free_domheap_pages(self._host, self._any(extents), self._order)

    def _any(self, extents: list[int]) -> int:
        """One of the extents, taken off the list."""
        at = self._rng.randrange(len(extents))
        extents[at], extents[-1] = extents[-1], extents[at]
        return extents.pop()
