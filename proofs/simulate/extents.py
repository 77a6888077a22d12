"""Runs of extents as one step: allocated and freed without another builder in between.

:class:`StepByStep` calls the reference for each extent. :class:`InBulk` changes counters, heap and page table once for
many extents, with the same result: tests/simulate/test_extents.py compares the two. Where it cannot see that the result
is the same (an extent may be refused, a page is marked offline, a claim is used up half-way) it calls the reference.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

from reference import page_alloc
from reference.constants import MAX_ORDER, MEMF_no_owner
from reference.generation import Request
from reference.node_search import candidate_nodes
from reference.pages import PageState
from reference.populate import populate_physmap
from reference.state import Domain, Host
from reference.steps import run


class Extents(NamedTuple):
    """Extents of one order next to each other."""

    mfn: int
    number: int
    order: int

    @property
    def pages(self) -> int:
        """Pages of all of them."""
        return self.number << self.order


def joined(host: Host, pieces: Iterable[Extents]) -> list[Extents]:
    """Extents of one order ascending, those next to each other on a node together."""
    found: list[Extents] = []
    for piece in sorted(pieces):
        last = found[-1] if found else None
        if last is not None and last.mfn + last.pages == piece.mfn and piece.mfn % host.node_span:
            found[-1] = Extents(last.mfn, last.number + piece.number, piece.order)
        else:
            found.append(piece)
    return found


def between(had: Iterable[Extents], kept: Iterable[Extents]) -> Iterator[Extents]:
    """What is left of some extents without those that are kept; all are of one order, and ascending or sorted here."""
    holes = iter(sorted(kept))
    hole, number, _ = next(holes, (None, 0, 0))
    for first, extents, order in sorted(had):
        mfn, end = first, first + (extents << order)
        while hole is not None and hole < end:
            if hole > mfn:
                yield Extents(mfn, (hole - mfn) >> order, order)
            mfn = hole + (number << order)
            hole, number, _ = next(holes, (None, 0, 0))
        if mfn < end:
            yield Extents(mfn, (end - mfn) >> order, order)


def count_of(got: Iterable[Extents]) -> int:
    """How many extents these are."""
    return sum(extents.number for extents in got)


class Runs(Protocol):
    """Allocates and frees a run of extents in one step."""

    def populate(self, host: Host, domain: Domain, count: int, order: int, node: int | None) -> list[Extents]:
        """``populate_physmap`` of a domain under construction, until an extent is refused."""

    def allocate(
        self, host: Host, domain: Domain, count: int, order: int, node: int | None, memflags: int = 0
    ) -> list[Extents]:
        """``alloc_domheap_pages`` so many times, until an extent is refused."""

    def free(self, host: Host, given: Iterable[Extents]) -> None:
        """Free every extent."""

    def free_all_but(self, host: Host, domain: Domain, had: list[Extents], kept: list[Extents]) -> None:
        """Free what a domain without claims had, except what it keeps."""


class StepByStep:
    """Each extent by the reference's own operation."""

    def populate(self, host: Host, domain: Domain, count: int, order: int, node: int | None) -> list[Extents]:
        """By ``populate_physmap``."""
        mfns = run(populate_physmap(host, domain.domid, count, order, node)).mfns
        return joined(host, (Extents(mfn, 1, order) for mfn in mfns))

    def allocate(
        self, host: Host, domain: Domain, count: int, order: int, node: int | None, memflags: int = 0
    ) -> list[Extents]:
        """By ``alloc_domheap_pages``."""
        mfns = []
        for _ in range(count):
            mfn = run(page_alloc.alloc_domheap_pages(host, domain, order, node, memflags))
            if mfn is None:
                break
            mfns.append(mfn)
        return joined(host, (Extents(mfn, 1, order) for mfn in mfns))

    def free(self, host: Host, given: Iterable[Extents]) -> None:
        """By ``free_domheap_pages``."""
        for extents in given:
            for mfn in range(extents.mfn, extents.mfn + extents.pages, 1 << extents.order):
                run(page_alloc.free_domheap_pages(host, mfn, extents.order))

    def free_all_but(self, host: Host, domain: Domain, had: list[Extents], kept: list[Extents]) -> None:
        """What lies between the extents that are kept."""
        del domain
        self.free(host, between(had, kept))


class InBulk(StepByStep):
    """Many extents by one change."""

    def populate(self, host: Host, domain: Domain, count: int, order: int, node: int | None) -> list[Extents]:
        """The stash is for the reference; without one, and below the orders that are stashed, this is an allocation."""
        if domain.pending_scrub is not None or domain.is_dying:
            return super().populate(host, domain, count, order, node)
        return self.allocate(host, domain, count, order, node)

    def allocate(
        self, host: Host, domain: Domain, count: int, order: int, node: int | None, memflags: int = 0
    ) -> list[Extents]:
        """Chunk by chunk: as many extents as one free block of each node in turn gives."""
        found: list[Extents] = []
        left = count
        while left:
            got = _chunk(host, domain, left, order, node, memflags)
            got = got or super().allocate(host, domain, 1, order, node, memflags)
            if not got:
                break
            found += got
            left -= count_of(got)
        return joined(host, found)

    def free(self, host: Host, given: Iterable[Extents]) -> None:
        """Aligned block by aligned block; the heap merges them to what single pages become."""
        for extents in given:
            end = extents.mfn + extents.pages
            if any(extents.mfn <= mfn < end for mfn in host.pages.offlining):
                super().free(host, [extents])
                continue
            for mfn, order in aligned_blocks(extents.mfn, end):
                _free_block(host, mfn, order)

    def free_all_but(self, host: Host, domain: Domain, had: list[Extents], kept: list[Extents]) -> None:
        """By what lies between the extents that are kept: the fewest blocks that it is."""
        if host.pages.offlining:
            super().free_all_but(host, domain, had, kept)
            return
        for extents in had:
            for mfn, order in aligned_blocks(extents.mfn, extents.mfn + extents.pages):
                host.pages.remove(host.pages.exact(mfn, order))
        for mfn, number, order in kept:
            for at, size in _blocks(mfn, number << order):
                host.pages.add(at, size, PageState.ASSIGNED, domain, True)
        for mfn, number, order in between(had, kept):
            node, pages = mfn // host.node_span, number << order
            for at, size in _blocks(mfn, pages):
                host.heap[node].give(at, size)
            host.node_avail_pages[node] += pages
            host.total_avail_pages += pages
            domain.tot_pages -= pages
            host.semantics.pages_released(host, domain, pages, True)


def _blocks(mfn: int, pages: int) -> Iterable[tuple[int, int]]:
    """(mfn, order) of the fewest aligned blocks that are these pages: most often one, which is quick to see."""
    if not pages & (pages - 1) and not mfn & (pages - 1) and pages <= 1 << MAX_ORDER:
        return ((mfn, pages.bit_length() - 1),)
    return aligned_blocks(mfn, mfn + pages)


def aligned_blocks(mfn: int, end: int) -> Iterator[tuple[int, int]]:
    """(mfn, order) of the fewest aligned blocks that are the pages from ``mfn`` to before ``end``, which is above."""
    while mfn < end:
        order = min(MAX_ORDER, (end - mfn).bit_length() - 1)
        if mfn:
            order = min(order, (mfn & -mfn).bit_length() - 1)
        yield mfn, order
        mfn += 1 << order


def _chunk(host: Host, domain: Domain, left: int, order: int, node: int | None, memflags: int) -> list[Extents]:
    """The next extents, if it is certain that each is granted; an empty list: the reference decides on the next."""
    semantics = host.semantics
    owned = not memflags & MEMF_no_owner
    claimant = domain if owned else None
    one = Request(1 << order, order, domain, claimant, node, memflags)
    nodes, rounds = _nodes_in_turn(host, domain, one, left)
    while rounds:
        pages = rounds << order
        if _certain(host, domain, one, nodes, pages):
            break
        nodes, rounds = (nodes, rounds >> 1) if rounds > 1 else (nodes[:1], int(len(nodes) > 1))
    if not rounds:
        return []
    found = []
    for at in nodes:
        pages = rounds << order
        host.node_avail_pages[at] -= pages
        host.total_avail_pages -= pages
        if claimant is not None:
            semantics.redeem(host, claimant, pages, at)
        found.append(Extents(_take(host, domain, at, order, pages, owned), rounds, order))
    if owned:
        total = len(nodes) * rounds << order
        domain.tot_pages += total
        for at in nodes:
            semantics.pages_assigned(host, domain, rounds << order, at, True)
    domain.last_alloc_node = nodes[-1]
    return found


def _nodes_in_turn(host: Host, domain: Domain, one: Request, left: int) -> tuple[list[int], int]:
    """The nodes that serve the next extents, in turn, and how often the free block of each lasts; [] and 0: none.

    Without a requested node the search begins after the last node, so the nodes of the affinity that have memory take
    turns. A node that cannot serve an extent does not serve a later one of the run.
    """
    affinity = domain.node_affinity
    candidates = candidate_nodes(len(host.node_pages), affinity, one.node, domain.last_alloc_node, False)
    turns = candidates[: len(affinity)] if one.node is None else ()
    serving: list[int] = []
    room = left
    for node in candidates:
        if node not in turns and serving:
            break
        block = host.heap[node].smallest_order(one.order)
        if block is not None and host.semantics.node_permits(host, one, node):
            serving.append(node)
            room = min(room, 1 << (block - one.order))
            if node not in turns:
                break
    if len(serving) > 1 and one.claimant is not None and domain.node_claims:
        return serving[:1], 1
    serving = serving[:left]
    return serving, min(room, left // len(serving)) if serving else 0


def _certain(host: Host, domain: Domain, one: Request, nodes: list[int], pages: int) -> bool:
    """Whether so many pages of each node, extent by extent, are granted, redeemed and assigned as if at once.

    Every generation's checks permit each of several requests if they permit one of the same pages together.
    """
    semantics, total = host.semantics, len(nodes) * pages
    if one.claimant is not None:
        held = domain.outstanding()
        if 0 < held < total:
            return False
        limit = semantics.limit_at_assign(host, domain)
        if total > limit - domain.tot_pages:
            return False
    if not semantics.request_permitted(host, Request(total, *one[1:])):
        return False
    each = Request(pages, *one[1:])
    return all(semantics.node_permits(host, each, node) for node in nodes)


def _take(host: Host, domain: Domain, node: int, order: int, pages: int, owned: bool) -> int:
    """The first pages of the block that the reference would take extent by extent; returns the first mfn."""
    heap = host.heap[node]
    block = heap.smallest_order(order)
    assert block is not None, "checked before"
    first = heap.lowest(block)
    state, owner = (PageState.ASSIGNED, domain) if owned else (PageState.ANONYMOUS, None)
    for mfn, size in aligned_blocks(first, first + pages):
        heap.take(mfn, size)
        host.pages.add(mfn, size, state, owner, owned)
    return first


def _free_block(host: Host, mfn: int, order: int) -> None:
    """What freeing each page of the block comes to; none is marked offline."""
    block = host.pages.exact(mfn, order)
    node = host.node_of(mfn)
    domain = block.owner
    if domain is not None:
        domain.tot_pages -= block.pages
        host.semantics.pages_released(host, domain, block.pages, True)
    host.pages.remove(block)
    host.heap[node].give(mfn, order)
    host.node_avail_pages[node] += block.pages
    host.total_avail_pages += block.pages
