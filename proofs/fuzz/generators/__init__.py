"""Makers of random events, one an operation of the trace format; and which of them a semantics has."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from model.calls import exists
from proofs.fuzz.world import RandomWorld
from proofs.traces.events import Event
from reference.semantics import Semantics

from . import allocating, claiming, lifetimes


class Maker(NamedTuple):
    """How events of one operation are made: none where there is nothing to do it on."""

    make: Callable[[RandomWorld], Event | None]
    weight: float
    """How often, against the others."""
    in_steps: bool = False
    """It has several critical sections: others may come between them."""

    @property
    def name(self) -> str:
        """The operation."""
        return self.make.__name__


MAKERS: dict[str, Maker] = {
    maker.name: maker
    for maker in (
        Maker(lifetimes.create_domain, 1),
        Maker(lifetimes.set_max_pages, 2),
        Maker(lifetimes.max_mem, 1),
        Maker(claiming.install_claim_set, 6),
        Maker(claiming.claim_memory, 6),
        Maker(claiming.get_memory_claims, 0.5),
        Maker(claiming.set_outstanding_pages, 3),
        Maker(claiming.claim_pages, 4, in_steps=True),
        Maker(allocating.alloc_domheap_pages, 12, in_steps=True),
        Maker(allocating.alloc_heap_pages, 3),
        Maker(allocating.assign_pages, 3),
        Maker(allocating.free_heap_pages, 2),
        Maker(allocating.free_domheap_pages, 7, in_steps=True),
        Maker(allocating.populate_physmap, 4, in_steps=True),
        Maker(allocating.memory_exchange, 2, in_steps=True),
        Maker(allocating.offline_page, 3),
        Maker(allocating.online_page, 2),
        Maker(lifetimes.domain_kill, 1, in_steps=True),
        Maker(lifetimes.relinquish_memory, 1, in_steps=True),
        Maker(lifetimes.domain_destroy, 1),
        Maker(lifetimes.destroydomain, 0.7, in_steps=True),
        Maker(lifetimes.pausedomain, 0.7),
        Maker(lifetimes.unpausedomain, 0.5),
        Maker(lifetimes.getdomaininfo, 0.5),
        Maker(lifetimes.get_outstanding_claims, 0.5),
    )
}


def makers_of(semantics: Semantics) -> list[Maker]:
    """The operations of a generation."""
    return [maker for maker in MAKERS.values() if exists(maker.name, semantics.name)]
