"""The hypercalls above the allocator: their own checks in the hypervisor's order, then calls of its functions.

Domctls (``claim_memory``, ``max_mem``, ``destroydomain``, ``getdomaininfo``) look the domain up first, and run one at a
time under the domctl lock, so no other domctl runs between their checks and their effect. Memory ops (``claim_pages``,
``populate_physmap``, ``memory_exchange``) do not take it: they yield after their checks, and continue with the domain
that they looked up even if it is destroyed meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from . import domain as domains
from . import page_alloc
from .claims import ClaimEntry
from .constants import MAX_ORDER, MAX_PAUSE_COUNT, UINT_MAX, MEMF_no_owner
from .generation import InstalledSet
from .pages import Block, PageState
from .state import Domain, Host
from .status import MisuseError, Status
from .steps import Steps


def claim_memory(host: Host, domid: int, entries: Sequence[ClaimEntry], pad: int = 0) -> Status:
    """``XEN_DOMCTL_claim_memory``: looks the domain up; the generation defines the checks and their order."""
    domain = host.domains.get(domid)
    if domain is None:
        return Status.ESRCH
    return host.semantics.claim_memory(host, domain, entries, pad)


def get_memory_claims(host: Host, domid: int, capacity: int, pad: int = 0) -> InstalledSet:
    """``XEN_DOMCTL_get_memory_claims``, or the GET mode of ``XEN_DOMCTL_claim_memory``, as the generation has it.

    :param capacity: entries that the caller has room for; 0 queries the number needed
    """
    domain = host.domains.get(domid)
    if domain is None:
        return InstalledSet(Status.ESRCH)
    return host.semantics.get_memory_claims(host, domain, capacity, pad)


def claim_pages(
    host: Host,
    domid: int,
    pages: int,
    extent_order: int = 0,
    mem_flags: int = 0,
    extent_start: int | None = None,
) -> Steps[Status]:
    """``XENMEM_claim_pages``, the legacy call. The dying check is outside the locks, as in the hypervisor."""
    semantics = host.semantics
    if host.llc_coloring_enabled and semantics.refuses_llc_coloring:
        return Status.EOPNOTSUPP
    if extent_start is not None or extent_order != 0:
        return Status.EINVAL
    target = semantics.target_of_claim_pages(mem_flags)
    if isinstance(target, Status):
        return target
    domain = host.domains.get(domid)
    if domain is None or (domain.is_dying and semantics.refuses_dying):
        return Status.EINVAL
    pages = semantics.pages_of_claim_pages(domain, pages)
    yield
    return semantics.set_outstanding_pages(host, domain, pages, target)


class ExchangeResult(NamedTuple):
    """Result of ``memory_exchange``: what it returned, and the new extents of the chunks that succeeded."""

    status: Status
    mfns: list[int]


def memory_exchange(
    host: Host, domid: int, in_mfns: Sequence[int], in_order: int, out_order: int, node: int | None = None
) -> Steps[ExchangeResult]:
    """``XENMEM_exchange``: swap a domain's extents of one order for new ones of another, chunk by chunk.

    The new pages are allocated without refcount, so claims are neither used nor redeemed. ``tot_pages`` does not
    change during the call, although stolen pages have no owner.
    """
    done: list[int] = []
    if in_order > MAX_ORDER or out_order > MAX_ORDER:
        return ExchangeResult(Status.EPERM, done)
    chunk = 1 << max(0, out_order - in_order)  # extents per chunk
    if len(in_mfns) % chunk:
        return ExchangeResult(Status.EINVAL, done)
    domain = host.domains.get(domid)
    if domain is None:
        return ExchangeResult(Status.ESRCH, done)
    for first in range(0, len(in_mfns), chunk):
        yield
        stolen: list[Block] = []
        for mfn in in_mfns[first : first + chunk]:
            block = _steal_pages(host, domain, mfn, in_order)
            if block is None:
                yield from _give_back(host, domain, stolen)
                return ExchangeResult(Status.EINVAL, done)
            stolen.append(block)
        out: list[int] = []
        for _ in range(1 << max(0, in_order - out_order)):
            yield
            new = page_alloc.alloc_heap_pages(host, domain, out_order, node, MEMF_no_owner)
            if new is None:
                yield from _give_back(host, domain, stolen)
                yield from _free_all(host, out, out_order)
                return ExchangeResult(Status.ENOMEM, done)
            out.append(new)
        for block in stolen:
            yield
            page_alloc.free_heap_pages(host, block.mfn, block.order)
        for at, new in enumerate(out):
            yield
            if _assign_in_exchange(host, domain, new, out_order) is not Status.OK:
                _drop_tot_pages(host, domain, (len(out) - at) << out_order)
                yield from _free_all(host, out[at:], out_order)
                return ExchangeResult(Status.EINVAL, done)
        done += out
    return ExchangeResult(Status.OK, done)


def _steal_pages(host: Host, domain: Domain, mfn: int, order: int) -> Block | None:
    """``steal_page`` with MEMF_no_refcount: the pages lose their owner, but stay in its tot_pages."""
    try:
        block = host.pages.exact(mfn, order)
    except MisuseError:  # the caller may name any frames; these do not have one owner
        return None
    if block.state is not PageState.ASSIGNED or block.owner is not domain or not block.refcounted:
        return None
    with domain.page_alloc_lock:
        host.pages.change(block, PageState.ANONYMOUS, None, False)
    return block


def _assign_in_exchange(host: Host, domain: Domain, mfn: int, order: int) -> Status:
    """``assign_page`` with MEMF_no_refcount for pages that tot_pages already counts: they do not become extra pages."""
    block = host.pages.exact(mfn, order)
    if block.state is not PageState.ANONYMOUS:
        raise MisuseError(f"mfn {mfn} already belongs to d{block.domid}")
    with domain.page_alloc_lock:
        if domain.is_dying:
            return Status.EINVAL
        page_alloc.set_owner(host, block, domain, True)
    return Status.OK


def _drop_tot_pages(host: Host, domain: Domain, pages: int) -> None:
    """tot_pages no longer counts pages that a dying domain does not get back; after the last, the domain is put."""
    with domain.page_alloc_lock:
        domain.tot_pages -= pages
        host.semantics.pages_released(host, domain, pages, True)
    page_alloc.put_domain(host, domain)


def _give_back(host: Host, domain: Domain, stolen: Sequence[Block]) -> Steps[None]:
    """Reassign the pages that a failed chunk stole; those of a dying domain are freed instead."""
    for block in stolen:
        yield
        if _assign_in_exchange(host, domain, block.mfn, block.order) is not Status.OK:
            _drop_tot_pages(host, domain, block.pages)
            yield
            page_alloc.free_heap_pages(host, block.mfn, block.order)


def _free_all(host: Host, mfns: Sequence[int], order: int) -> Steps[None]:
    for mfn in mfns:
        yield
        page_alloc.free_heap_pages(host, mfn, order)


def max_mem(host: Host, domid: int, max_pages: int) -> Status:
    """``XEN_DOMCTL_max_mem``: the new limit, capped at what its C type holds."""
    domain = host.domains.get(domid)
    if domain is None:
        return Status.ESRCH
    return host.semantics.set_max_pages(host, domain, max_pages if max_pages < UINT_MAX else UINT_MAX)


def destroydomain(host: Host, domid: int) -> Steps[Status]:
    """``XEN_DOMCTL_destroydomain``: kill the domain, free its pages, and take it off the list.

    Pages that it is exchanging, or that another call is freeing, keep it on the list until they are freed. Memory ops
    in flight do not: they continue to allocate or claim for a domain that no loop over domains finds.
    """
    domain = host.domains.get(domid)
    if domain is None:
        return Status.ESRCH
    yield from domains.domain_kill(host, domain)
    yield
    yield from domains.relinquish_memory(host, domain)
    if not domain.is_dead:
        domains.domain_destroy(host, domain)
    return Status.OK


def _claims_of(host: Host, domain: Domain) -> int:
    with host.heap_lock:
        return domain.outstanding()


def pausedomain(host: Host, domid: int) -> Status:
    """``XEN_DOMCTL_pausedomain``: stops the domain's vCPUs, and so its own hypercalls, but not other domains'."""
    domain = host.domains.get(domid)
    if domain is None:
        return Status.ESRCH
    if domain.controller_pause_count == MAX_PAUSE_COUNT:
        return Status.EOVERFLOW
    domain.controller_pause_count += 1
    return Status.OK


def unpausedomain(host: Host, domid: int) -> Status:
    """``XEN_DOMCTL_unpausedomain``: undoes one pause; a new domain is paused once.

    The first time that no pause is left, the creation of the domain is finished. If an extent is stashed, the domain is
    crashed instead, and its creation never finishes.
    """
    domain = host.domains.get(domid)
    if domain is None:
        return Status.ESRCH
    if domain.controller_pause_count == 0:
        return Status.EINVAL
    last = domain.controller_pause_count == 1 and not domain.creation_finished
    if last and not host.semantics.drops_stash and domains.has_stash(domain):
        return Status.EBUSY
    domain.controller_pause_count -= 1
    if domain.controller_pause_count == 0 and not domain.creation_finished:
        if domains.domain_pending_scrub_free(host, domain):
            return Status.EBUSY
        domain.creation_finished = True
    return Status.OK


class DomainInfo(NamedTuple):
    """Result of ``getdomaininfo``, in pages."""

    tot_pages: int
    max_pages: int
    outstanding_pages: int  # global_claims + node_claims


def getdomaininfo(host: Host, domid: int) -> DomainInfo | Status:
    """``XEN_DOMCTL_getdomaininfo``; ``ESRCH`` for an unknown domain."""
    domain = host.domains.get(domid)
    if domain is None:
        return Status.ESRCH
    with domain.page_alloc_lock:
        tot_pages, max_pages = domain.tot_pages, domain.max_pages
    return DomainInfo(tot_pages, max_pages, _claims_of(host, domain))
