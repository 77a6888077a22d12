"""Life of a domain after its creation: its limit, and its end in stages (``xen/common/domain.c``)."""

from __future__ import annotations

from .page_alloc import free_domheap_pages
from .state import Domain, Host
from .status import MisuseError
from .steps import Steps


def mark_dying(domain: Domain) -> None:
    """The first stage of ``domain_kill``: from now on no pages are assigned and hypercalls refuse claims."""
    domain.is_dying = True


def domain_kill(host: Host, domain: Domain) -> Steps[None]:
    """Mark the domain dying, then release all its claims (DS-29). Its pages are freed later, in steps.

    Killing it again does nothing.
    """
    if domain.is_dying:
        return
    mark_dying(domain)
    yield
    host.semantics.set_outstanding_pages(host, domain, 0)


def relinquish_memory(host: Host, domain: Domain) -> Steps[int]:
    """Free the pages of a dying domain block by block (``domain_relinquish_resources``); returns how many.

    :raises MisuseError: the domain is alive
    """
    if not domain.is_dying:
        raise MisuseError(f"d{domain.domid} is not dying")
    freed = 0
    while blocks := list(host.pages.of_domain(domain.domid)):
        for block in blocks:
            if freed:
                yield
            if host.pages.blocks.get(block.mfn) is block and block.domid == domain.domid:
                freed += block.pages
                yield from free_domheap_pages(host, block.mfn, block.order)
    return freed


def domain_destroy(host: Host, domain: Domain) -> None:
    """Forget a dead domain; its id may be used again.

    :raises MisuseError: it is alive or forgotten, or still has pages, in limbo or assigned, or claims
    """
    if host.domains.get(domain.domid) is not domain:
        raise MisuseError(f"d{domain.domid} is gone already")
    if not domain.is_dying:
        raise MisuseError(f"d{domain.domid} is not dying")
    if any(block.domid == domain.domid for block in host.pages.blocks.values()):
        raise MisuseError(f"d{domain.domid} still has pages")
    with host.heap_lock:
        if domain.global_claims != 0 or domain.node_claims != 0:
            raise MisuseError(f"d{domain.domid} still has claims")
    del host.domains[domain.domid]
