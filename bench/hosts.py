"""Hosts to measure on: booted, and filled in several ways."""

from __future__ import annotations

import random
from collections.abc import Sequence

from reference.constants import MAX_ORDER, UINT_MAX
from reference.generations import GENERATIONS
from reference.page_alloc import alloc_domheap_pages, free_domheap_pages
from reference.state import Domain, Host, boot, create_domain
from reference.steps import run

MEASURED = 0
"""The domain that the measured allocations are for. Others hold what fills the host."""


def booted(nodes: int, node_pages: int) -> Host:
    """A host with the measured domain; locks are not checked."""
    span = 1 << (node_pages - 1).bit_length()
    host = boot((node_pages,) * nodes, span, GENERATIONS["claim-sets"], check_locks=False)
    create_domain(host, MEASURED, UINT_MAX)
    return host


def fill(host: Host, pages: int, order: int = MAX_ORDER, nodes: Sequence[int] | None = None) -> None:
    """Allocate up to so many pages: round robin over the nodes, or the given ones in their order."""
    free = host.total_avail_pages - pages
    requested = iter([None] if nodes is None else nodes)
    node = next(requested)
    domain = _next_domain(host)
    while host.total_avail_pages - (1 << order) >= free:
        if node is not None and host.node_avail_pages[node] < 1 << order:
            node = next(requested)
        if domain.max_pages - domain.tot_pages < 1 << order:
            domain = _next_domain(host)
        mfn = run(alloc_domheap_pages(host, domain, order, node))
        assert mfn is not None


def _next_domain(host: Host) -> Domain:
    """A domain holds less than 16 TiB: its counters have 32 bits."""
    return create_domain(host, max(host.domains) + 1, UINT_MAX)


def fragment(host: Host, holes: int) -> None:
    """Twice as many single pages in use, every other one freed, in random order: as many holes of one page."""
    domain = _next_domain(host)
    mfns = [run(alloc_domheap_pages(host, domain, 0)) for _ in range(2 * holes)]
    random.Random(1).shuffle(to_free := mfns[::2])
    for mfn in to_free:
        assert mfn is not None
        run(free_domheap_pages(host, mfn, 0))


def pairs(host: Host, order: int, count: int, node: int | None = None) -> None:
    """The measured work: allocate and free, ``count`` times."""
    domain = host.domain(MEASURED)
    for _ in range(count):
        mfn = run(alloc_domheap_pages(host, domain, order, node))
        assert mfn is not None
        run(free_domheap_pages(host, mfn, order))
