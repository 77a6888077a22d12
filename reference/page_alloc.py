"""The allocator (``xen/common/page_alloc.c``): pages leave the heap, are assigned, freed, and go offline.

``alloc_heap_pages`` and ``assign_pages`` are separate critical sections. Between them the pages are in limbo: taken
from the heap and not yet in ``tot_pages``. The same holds between the two sections of ``free_domheap_pages``.
Direct calls with arguments that the hypervisor never passes raise :class:`~reference.status.MisuseError`.
"""

from __future__ import annotations

from .constants import MAX_ORDER, MEMF_exact_node, MEMF_no_owner, MEMF_no_refcount
from .generation import Request
from .node_search import candidate_nodes
from .pages import Block, PageState
from .state import Domain, Host
from .status import HypervisorCrash, MisuseError, PageStatus, Status
from .steps import Steps


def alloc_heap_pages(
    host: Host, domain: Domain | None, order: int, node: int | None = None, memflags: int = 0
) -> int | None:
    """Take 2^order pages out of the heap and redeem claims for them, in one critical section (DS-13 to DS-18).

    :param domain: the domain; None: the hypervisor itself
    :param node: the requested node, the only one allowed with MEMF_exact_node; None: any node
    :returns: the first mfn; None: the request is refused
    """
    if order > MAX_ORDER:
        return None
    if memflags & MEMF_no_owner:
        memflags |= MEMF_no_refcount
    pages = 1 << order
    claimant = None if memflags & MEMF_no_refcount else domain
    request = Request(pages, order, domain, claimant, node, memflags)
    semantics = host.semantics
    with host.heap_lock:
        # Check.
        if not semantics.request_permitted(host, request):
            return None
        taken = get_free_buddy(host, request)
        if taken is None:
            return None
        node, mfn = taken

        # Account.
        host.node_avail_pages[node] -= pages
        host.total_avail_pages -= pages
        if claimant is not None:
            semantics.redeem(host, claimant, pages, node)

        # Commit.
        host.heap[node].take(mfn, order)
        if domain is not None:
            domain.last_alloc_node = node
        if domain is None or memflags & MEMF_no_owner:
            host.pages.add(mfn, order, PageState.ANONYMOUS, None, False)
        else:
            host.pages.add(mfn, order, PageState.LIMBO, domain, claimant is not None)
        check_low_mem_virq(host)
    return mfn


def get_free_buddy(host: Host, request: Request) -> tuple[int, int] | None:
    """The node search: (node, mfn) of the first candidate that permits the request and has a block. Needs heap_lock."""
    num_nodes = len(host.node_pages)
    domain = request.domain
    exact = request.memflags & MEMF_exact_node != 0
    if domain is None:
        candidates = candidate_nodes(num_nodes, tuple(host.nodes), request.node, None, exact)
    else:
        candidates = candidate_nodes(num_nodes, domain.node_affinity, request.node, domain.last_alloc_node, exact)
    node_permits = host.semantics.node_permits
    for node in candidates:
        if node_permits(host, request, node):
            mfn = host.block_policy(host.heap[node], request.order)
            if mfn is not None:
                return node, mfn
    return None


def check_low_mem_virq(host: Host) -> int:
    """Unclaimed free pages, for the low-memory alarm at the end of every allocation. Needs heap_lock.

    The hypervisor computes them unsigned. Where claims exceed free pages the value wraps, and no alarm is raised.
    """
    return host.unclaimed()


def assign_pages(host: Host, mfn: int, order: int, domain: Domain, memflags: int = 0) -> Status:
    """Give a domain the pages that were allocated for it; takes page_alloc_lock.

    :param memflags: the memflags of the allocation; with MEMF_no_refcount the pages become extra pages, without a limit
    :returns: ``EINVAL`` if the domain is dying, ``EPERM`` or ``E2BIG`` if it has no room: the caller frees the pages
    :raises MisuseError: the pages have an owner, or were allocated for another or no domain, or with other memflags
    :raises HypervisorCrash: a page was marked offline meanwhile, and the build is a debug build
    """
    block = host.pages.exact(mfn, order)
    if block.state is PageState.ASSIGNED:
        raise MisuseError(f"mfn {mfn} already belongs to d{block.domid}")
    refcounted = not memflags & MEMF_no_refcount
    if block.refcounted is not refcounted or block.owner is not domain:
        raise MisuseError(f"mfn {mfn} was not allocated for d{domain.domid} with these memflags")
    with domain.page_alloc_lock:
        if domain.is_dying:
            return Status.EINVAL
        if refcounted:
            limit = host.semantics.limit_at_assign(host, domain)
            if domain.tot_pages > limit:
                return Status.EPERM
            if block.pages > limit - domain.tot_pages:
                return Status.E2BIG
            domain.tot_pages += block.pages
        else:
            domain.extra_pages += block.pages
        host.semantics.pages_assigned(host, domain, block.pages, host.node_of(mfn), refcounted)
        set_owner(host, block, domain, refcounted)
    return Status.OK


def set_owner(host: Host, block: Block, domain: Domain, refcounted: bool) -> None:
    """The end of ``assign_pages``: ``count_info`` is overwritten, which removes offline marks.

    :raises HypervisorCrash: a page has such a mark, and the build is a debug build
    """
    if host.pages.marked(block) and not host.semantics.keeps_marks:
        if host.debug_build:
            raise HypervisorCrash("ASSERT(!(pg[i].count_info & ~PGC_preserved))")
        host.pages.lose_marks(block)
    host.pages.change(block, PageState.ASSIGNED, domain, refcounted)


def free_heap_pages(host: Host, mfn: int, order: int, *, stashed: bool = False) -> None:
    """Return pages without owner to the heap; takes heap_lock. Pages marked offline leave it at once, with recall.

    :param stashed: the pages are a stashed extent
    :raises MisuseError: the pages are not allocated, or still belong to a domain
    """
    block = host.pages.exact(mfn, order)
    if block.state is PageState.ASSIGNED:
        raise MisuseError(f"mfn {mfn} still belongs to d{block.domid}")
    with host.heap_lock:
        node = host.node_of(mfn)
        heap = host.heap[node]
        marked = host.pages.remove(block)
        if block.refcounted and block.owner is not None:
            host.semantics.limbo_ended(host, block.owner, block.pages, node, stashed=stashed)
        heap.give(mfn, order)
        host.node_avail_pages[node] += block.pages
        host.total_avail_pages += block.pages
        for page in marked:
            heap.take(page, 0)
            host.pages.set_offlined(page)
            host.node_avail_pages[node] -= 1
            host.total_avail_pages -= 1
        if marked:
            host.semantics.recall(host, node)


def release_ownership(host: Host, mfn: int, order: int) -> Domain | None:
    """The first half of freeing: a domain's pages leave its tot_pages; takes page_alloc_lock.

    :returns: the domain, if these were its last pages: call :func:`put_domain` after the second half; else None
    :raises MisuseError: the pages belong to no domain
    """
    block = host.pages.exact(mfn, order)
    domain = block.owner
    if block.state is not PageState.ASSIGNED or domain is None:
        raise MisuseError(f"mfn {mfn} belongs to no domain")
    with domain.page_alloc_lock:
        if block.refcounted:
            domain.tot_pages -= block.pages
        else:
            domain.extra_pages -= block.pages
        host.semantics.pages_released(host, domain, block.pages, block.refcounted)
        host.pages.change(block, PageState.LIMBO, None, False)
        if domain.tot_pages + domain.extra_pages != 0:
            return None
        domain.last_frees += 1
    return domain


def put_domain(host: Host, domain: Domain) -> None:
    """A dead domain without pages leaves the domain list (``domain_destroy``). Its claims are not checked.

    The hypervisor counts references: one until ``domain_kill`` is over, and one for all pages, which the free of the
    last page drops after its second half. Memory ops in flight hold no reference: they continue with a domain that is
    off the list.
    """
    with domain.page_alloc_lock:
        pages = domain.tot_pages + domain.extra_pages
    if domain.is_dead and pages == 0 and domain.last_frees == 0 and not domain.is_destroyed:
        domain.is_destroyed = True
        del host.domains[domain.domid]
        with host.heap_lock:
            if domain.global_claims != 0 or domain.node_claims != 0:
                host.orphans.append(domain)


def free_domheap_pages(host: Host, mfn: int, order: int) -> Steps[None]:
    """Free pages: take them off the owner's tot_pages, then return them to the heap. Claims do not grow (DS-31)."""
    last_of: Domain | None = None
    if host.pages.exact(mfn, order).state is PageState.ASSIGNED:
        last_of = release_ownership(host, mfn, order)
        yield
    free_heap_pages(host, mfn, order)
    if last_of is not None:
        last_of.last_frees -= 1
        put_domain(host, last_of)


def alloc_domheap_pages(
    host: Host, domain: Domain | None, order: int, node: int | None = None, memflags: int = 0
) -> Steps[int | None]:
    """Allocate and assign pages. If assigning fails they return to the heap; redeemed claims are lost (DS-28)."""
    if memflags & MEMF_no_owner:
        memflags |= MEMF_no_refcount
    mfn = alloc_heap_pages(host, domain, order, node, memflags)
    if mfn is None or domain is None or memflags & MEMF_no_owner:
        return mfn
    yield
    return (yield from assign_or_free(host, mfn, order, domain, memflags))


def assign_or_free(host: Host, mfn: int, order: int, domain: Domain, memflags: int) -> Steps[int | None]:
    """Assign allocated pages; if that fails, return them to the heap. Returns the mfn; None: it failed."""
    if assign_pages(host, mfn, order, domain, memflags) is Status.OK:
        return mfn
    yield
    free_heap_pages(host, mfn, order)
    return None


def offline_page(host: Host, mfn: int) -> PageStatus:
    """Take a page offline; takes heap_lock. A free page leaves now, with recall; one in use when freed (DS-26)."""
    node = host.node_of(mfn)
    with host.heap_lock:
        if mfn in host.pages.offlined:
            return PageStatus.OFFLINED
        block = host.pages.find(mfn)
        if block is not None:
            host.pages.offlining.add(mfn)
            if block.state is PageState.ASSIGNED:
                return PageStatus.OWNED_PENDING
            return PageStatus.ANONYMOUS_FAILED
        host.heap[node].take(mfn, 0)
        host.pages.set_offlined(mfn)
        host.node_avail_pages[node] -= 1
        host.total_avail_pages -= 1
        host.semantics.recall(host, node)
    return PageStatus.OFFLINED


def online_page(host: Host, mfn: int) -> PageStatus:
    """Bring a page back online, or remove its offline mark; takes heap_lock."""
    node = host.node_of(mfn)
    with host.heap_lock:
        if mfn in host.pages.offlining:
            host.pages.offlining.remove(mfn)
            return PageStatus.ONLINED
        if mfn not in host.pages.offlined:
            return PageStatus.NOT_OFFLINE
        host.pages.set_onlined(mfn)
        host.heap[node].give(mfn, 0)
        host.node_avail_pages[node] += 1
        host.total_avail_pages += 1
    return PageStatus.ONLINED


def get_outstanding_claims(host: Host) -> tuple[int, int]:
    """(free pages, claimed pages) of the host; takes heap_lock."""
    with host.heap_lock:
        return host.total_avail_pages, host.outstanding_claims
