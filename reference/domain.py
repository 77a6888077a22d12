"""Life of a domain after its creation: its limit, and its end in stages (``xen/common/domain.c``)."""

from __future__ import annotations

from .page_alloc import free_domheap_pages, free_heap_pages, put_domain
from .pages import PageState
from .state import Domain, Host
from .status import MisuseError
from .steps import Steps


def mark_dying(domain: Domain) -> None:
    """The first stage of ``domain_kill``: from now on no pages are assigned, and hypercalls refuse claims."""
    domain.is_dying = True


def domain_kill(host: Host, domain: Domain) -> Steps[None]:
    """Mark the domain dying, then release all its claims (DS-29), then free its stash. Its pages are freed later.

    Killing it again does nothing.
    """
    if domain.is_dying:
        return
    mark_dying(domain)
    yield
    host.semantics.set_outstanding_pages(host, domain, 0)
    # No call can stash another extent: the domain is dying.
    if host.semantics.stashes and (has_stash(domain) or host.semantics.kill_always_frees_stash):
        yield
        domain_pending_scrub_free(host, domain)


def has_stash(domain: Domain) -> bool:
    """Whether an extent is stashed with the domain; takes page_alloc_lock."""
    with domain.page_alloc_lock:
        return domain.pending_scrub is not None


def domain_pending_scrub_free(host: Host, domain: Domain) -> bool:
    """Free the stashed extent, if there is one; takes page_alloc_lock, and heap_lock inside.

    Claims redeemed for it are not restored.
    """
    with domain.page_alloc_lock:
        stash = domain.pending_scrub
        if stash is None:
            return False
        domain.pending_scrub = None
        free_heap_pages(host, stash.mfn, stash.order, stashed=True)
    return True


def relinquish_memory(host: Host, domain: Domain) -> Steps[int]:
    """Free the pages of a dying domain block by block (``domain_relinquish_resources``); returns how many.

    :raises MisuseError: the domain is alive
    """
    if not domain.is_dying:
        raise MisuseError(f"d{domain.domid} is not dying")
    freed = 0
    while blocks := list(host.pages.of_domain(domain)):
        for block in blocks:
            if freed:
                yield
            if host.pages.blocks.get(block.mfn) is block and block.owner is domain:
                freed += block.pages
                yield from free_domheap_pages(host, block.mfn, block.order)
    return freed


def domain_destroy(host: Host, domain: Domain) -> None:
    """The end of ``domain_kill``: from now on only pages keep the domain on the list, and its id in use.

    Its claims and pages in limbo are not checked.

    :raises MisuseError: it is alive or destroyed, or pages are on its list
    """
    if domain.is_destroyed:
        raise MisuseError(f"d{domain.domid} is gone already")
    if not domain.is_dying:
        raise MisuseError(f"d{domain.domid} is not dying")
    if any(block.owner is domain and block.state is PageState.ASSIGNED for block in host.pages.blocks.values()):
        raise MisuseError(f"d{domain.domid} still has pages")
    domain.is_dead = True
    put_domain(host, domain)
