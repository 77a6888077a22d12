"""Running domains: they hold memory all the while, and balloon up and down; domain 0 only down, on request."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random

from proofs.simulate.extents import Extents, Runs, count_of
from proofs.simulate.scenario import ORDERS, MemorySize, Scenario
from reference.page_alloc import alloc_domheap_pages, free_domheap_pages
from reference.state import Domain, Host, create_domain
from reference.steps import Steps

Piece = tuple[Extents, ...]
"""What a balloon moves at a time: so many extents, next to each other where that is possible."""


@contextmanager
def without_collector() -> Iterator[None]:
    """No garbage collection: hundreds of thousands of blocks come to be, and none is in a cycle."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@dataclass
class _Balloon:
    """A domain that balloons: its limits in pages, and what it holds."""

    domain: Domain
    order: int
    least: int
    most: int
    pieces: list[Piece] = field(default_factory=list)
    pages: int = 0

    def add(self, piece: Piece) -> None:
        self.pieces.append(piece)
        for extents in piece:
            self.pages += extents.number << self.order

    def any(self, rng: Random) -> Piece:
        """One of its pieces, taken off the list."""
        at = rng.randrange(len(self.pieces))
        self.pieces[at], self.pieces[-1] = self.pieces[-1], self.pieces[at]
        piece = self.pieces.pop()
        self.pages -= sum(extents.pages for extents in piece)
        return piece


class RunningDomains:
    """All running domains of a host and domain 0, one of which moves at a time.

    :param runs: how a run of extents is moved in one step
    """

    def __init__(self, host: Host, scenario: Scenario, first_domid: int, rng: Random, runs: Runs) -> None:
        self._host, self._rng, self._runs = host, rng, runs
        self._run_of = scenario.run_of
        asked, control = scenario.running, scenario.dom0
        self._moving: Steps[None] | None = None
        self.refused = 0
        """Requests of running domains that were refused: all memory is claimed or in use."""
        self._control: _Balloon | None = None
        if control.memory:
            self._control = self._deflated(*self._started(first_domid + asked.count, 0, control.memory, control.memory))
            self._control.least = control.memory if control.gives_down_to is None else control.gives_down_to
        order = ORDERS[asked.extents]
        domids = range(first_domid, first_domid + asked.count)
        started = [self._started(domid, order, asked.memory, asked.grows_to) for domid in domids]
        self._balloons = [self._deflated(balloon, had) for balloon, had in started]

    def _count(self, order: int) -> int:
        """Extents that are moved at a time."""
        return max(1, self._run_of >> order)

    def _started(
        self, domid: int, order: int, least: MemorySize, most: MemorySize
    ) -> tuple[_Balloon, list[list[Extents]]]:
        """A domain that has all it may have, by node. The nodes fill evenly, whichever domain runs where."""
        domain = create_domain(self._host, domid, most)
        count, size = most >> order, self._count(order)
        nodes = len(self._host.node_pages)
        had: list[list[Extents]] = [[] for _ in range(nodes)]
        for node in range(nodes):
            # Piece i is on node (domid + i) % nodes; the last may be smaller.
            pieces = range((node - domid) % nodes, -(-count // size), nodes)
            extents = sum(min(size, count - number * size) for number in (*pieces[-1:],)) + size * len(pieces[:-1])
            had[node] = self._runs.allocate(self._host, domain, extents, order, node)
        return _Balloon(domain, order, least, most), had

    def _deflated(self, balloon: _Balloon, had: list[list[Extents]]) -> _Balloon:
        """The domain keeps as many pieces as it begins with, taken at random, and frees the others."""
        size = self._count(balloon.order)
        pieces = -(-(balloon.most >> balloon.order) // size)
        kept: Sequence[int] = range(pieces)
        if balloon.least < balloon.most:
            kept = self._rng.sample(kept, (balloon.least >> balloon.order) // size)
        first = balloon.domain.domid
        for number in kept:
            piece = _part(had[(first + number) % len(had)], number // len(had) * size, size)
            if piece:
                balloon.add(piece)
        if balloon.least < balloon.most:
            held = [extents for piece in balloon.pieces for extents in piece]
            self._runs.free_all_but(self._host, balloon.domain, [e for part in had for e in part], held)
        return balloon

    def step(self) -> None:
        """One critical section of one of them or, on a large host, one run of extents."""
        if self._moving is None:
            self._moving = self._move()
        try:
            next(self._moving)
        except StopIteration:
            self._moving = None

    def _move(self) -> Steps[None]:
        balloon, rng = self._rng.choice(self._balloons), self._rng
        grows = balloon.pages <= balloon.least or (balloon.pages < balloon.most and rng.random() < 0.5)
        count = self._count(balloon.order)
        if not grows:
            if count > 1:
                self._runs.free(self._host, balloon.any(rng))
            elif balloon.pieces:
                for extents in balloon.any(rng):
                    yield from free_domheap_pages(self._host, extents.mfn, extents.order)
        elif count > 1:
            wanted = min(count, (balloon.most - balloon.pages) >> balloon.order)
            got = self._runs.allocate(self._host, balloon.domain, wanted, balloon.order, None)
            self.refused += count_of(got) < wanted
            if got:
                balloon.add(tuple(got))
        else:
            mfn = yield from alloc_domheap_pages(self._host, balloon.domain, balloon.order)
            if mfn is None:
                self.refused += 1
            else:
                balloon.add((Extents(mfn, 1, balloon.order),))

    def give(self) -> bool:
        """Whoever can, frees memory once: domain 0 first, then any of the others. False: nobody can."""
        able = [balloon for balloon in self._balloons if balloon.pages > balloon.least]
        if self._control is not None and self._control.pages > self._control.least:
            able = [self._control]
        if not able:
            return False
        self._runs.free(self._host, self._rng.choice(able).any(self._rng))
        return True


def _part(had: list[Extents], start: int, count: int) -> Piece:
    """So many extents of those that a domain has on a node, from a number on; fewer where they end."""
    found: list[Extents] = []
    for mfn, number, order in had:
        if start >= number:
            start -= number
            continue
        if start + count <= number:
            return (*found, Extents(mfn + (start << order), count, order))
        found.append(Extents(mfn + (start << order), number - start, order))
        count -= number - start
        start = 0
    return tuple(found)
