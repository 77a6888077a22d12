"""``populate_physmap`` (``xen/common/memory.c``): extents one by one, with the stash of mainline since 2026-02.

While a domain is being built, its extents are scrubbed before they are assigned, without a lock. Scrubbing a large
extent may be preempted: the extent is then *stashed* with the domain for the call that continues this one. It stays in
limbo, and its claim is redeemed.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from . import page_alloc
from .constants import MAX_ORDER, SCRUB_CHUNK, MEMF_exact_node
from .page_alloc import alloc_heap_pages, assign_or_free, free_heap_pages
from .state import Domain, Host, Stash
from .status import Status
from .steps import Steps

BETWEEN_EXTENTS = "between extents"
SCRUBBING = "scrubbing"


class PreemptionChoice(NamedTuple):
    """The preemption check that succeeds. If it is not reached it has no effect."""

    extent: int
    scrub_index: int  # 0: before the extent; else within it, once this many of its pages are scrubbed


class PopulateResult(NamedTuple):
    """How a call ended."""

    mfns: list[int]  # of the extents that this call finished
    nr_done: int  # all extents done: the hypercall's result, which is never an error
    preempted: str | None = None
    scrub_index: int | None = None  # the page index at which scrubbing was preempted; None: it was not


def populate_physmap(
    host: Host,
    domid: int,
    nr_extents: int,
    extent_order: int,
    node: int | None = None,
    memflags: int = 0,
    start_extent: int = 0,
    preempt_at: PreemptionChoice | None = None,
) -> Steps[PopulateResult]:
    """``XENMEM_populate_physmap``: allocates extents from ``start_extent`` on, until one fails or it is preempted.

    :param preempt_at: the check at which the call is preempted; None: it is not preempted
    """
    mfns: list[int] = []
    domain = host.domains.get(domid)
    if domain is None or extent_order > MAX_ORDER:
        return PopulateResult(mfns, start_extent)
    for extent in range(start_extent, nr_extents):
        if extent > start_extent:
            if preempt_at == (extent, 0):
                return PopulateResult(mfns, extent, BETWEEN_EXTENTS)
            yield
        preempt_index = preempt_at.scrub_index if preempt_at is not None and preempt_at.extent == extent else 0
        if not host.semantics.stashes:
            mfn = yield from page_alloc.alloc_domheap_pages(host, domain, extent_order, node, memflags)
        else:
            got = yield from _populate_extent(host, domain, extent_order, node, memflags, preempt_index)
            if isinstance(got, ScrubPreemption):
                return PopulateResult(mfns, extent, SCRUBBING, got.scrub_index)
            mfn = got
        if mfn is None:
            return PopulateResult(mfns, extent)
        mfns.append(mfn)
    return PopulateResult(mfns, start_extent + len(mfns))


class ScrubPreemption(NamedTuple):
    """Scrubbing was preempted at this page index."""

    scrub_index: int


def _populate_extent(
    host: Host, domain: Domain, order: int, node: int | None, memflags: int, preempt_index: int
) -> Steps[int | None | ScrubPreemption]:
    """Take one extent from the stash or the heap, scrub it, and assign it."""
    stash = get_stashed_allocation(host, domain, order, node, memflags)
    if stash is Status.EBUSY:
        return None
    yield
    if stash is not None:
        mfn, scrub_index = stash.mfn, stash.scrub_index
    else:
        if domain.creation_finished:
            return (yield from page_alloc.alloc_domheap_pages(host, domain, order, node, memflags))
        new = alloc_heap_pages(host, domain, order, node, memflags)
        if new is None:
            return None
        mfn, scrub_index = new, 0
        yield
    # There is a preemption check after each chunk of dirty pages, except after the last page.
    if not domain.creation_finished and scrub_index + SCRUB_CHUNK <= preempt_index < 1 << order:
        if stash_allocation(host, domain, Stash(mfn, order, preempt_index)):
            return ScrubPreemption(preempt_index)
        yield
    return (yield from assign_or_free(host, mfn, order, domain, memflags))


def get_stashed_allocation(
    host: Host, domain: Domain, order: int, node: int | None, memflags: int
) -> Stash | None | Literal[Status.EBUSY]:
    """The stashed extent, if it matches the request; else it is freed, and its claim is not restored.

    Takes page_alloc_lock, and heap_lock inside. A requested node matters only with MEMF_exact_node.

    :returns: ``EBUSY`` in generations that do not free it
    """
    with domain.page_alloc_lock:
        stash = domain.pending_scrub
        if stash is None:
            return None
        elsewhere = memflags & MEMF_exact_node and node is not None and node != host.node_of(stash.mfn)
        suits = stash.order == order and not elsewhere
        if not suits and not host.semantics.drops_stash:
            return Status.EBUSY
        domain.pending_scrub = None
        if suits:
            return stash
        free_heap_pages(host, stash.mfn, stash.order, stashed=True)
    return None


def stash_allocation(host: Host, domain: Domain, stash: Stash) -> bool:
    """Stash an extent; if the domain has a stash already, or is dying, the extent is freed instead.

    :returns: whether the call is preempted; it is not where a second extent must not be freed
    """
    with domain.page_alloc_lock:
        if domain.pending_scrub is None and not domain.is_dying:
            domain.pending_scrub = stash
        elif host.semantics.drops_stash or domain.is_dying:
            free_heap_pages(host, stash.mfn, stash.order, stashed=True)
        else:
            return False
    return True
