"""Small hosts for the tests of the reference."""

from __future__ import annotations

from reference.claims import ClaimEntry
from reference.constants import CLAIM_TARGET_GLOBAL
from reference.generations import GENERATIONS
from reference.page_alloc import alloc_domheap_pages, free_domheap_pages
from reference.populate import PopulateResult, PreemptionChoice, populate_physmap
from reference.properties import check_state
from reference.state import Domain, Host, Stash, boot, create_domain
from reference.status import Status
from reference.steps import run

GLOBAL = CLAIM_TARGET_GLOBAL
LEGACY = ["legacy-2013", "legacy-redeem-at-assign", "legacy-redeem-at-alloc", "mainline-4.22"]
SINGLE_NODE = ["single-node-v1", "single-node-v2", "single-node-v3", "single-node-v4"]


def small_host(
    *nodes: int,
    domains: int = 2,
    max_pages: int = 100,
    semantics: str = "claim-sets",
    span: int = 16,
    **options: bool | None,
) -> Host:
    """Nodes of these pages (8 each by default), domains 1.. of 100 pages at most; locks are checked."""
    host = boot(nodes or (8, 8), span, GENERATIONS[semantics], **options)  # type: ignore[arg-type]  # by name
    for domid in range(1, domains + 1):
        create_domain(host, domid, max_pages)
    return host


def building_host(
    *nodes: int, domains: int = 2, max_pages: int = 4096, semantics: str = "mainline-4.22", **options: bool | None
) -> Host:
    """Nodes of these pages (2,048 each by default), room for extents whose scrubbing may be preempted."""
    sizes = nodes or (2048, 2048)
    return small_host(*sizes, domains=domains, max_pages=max_pages, semantics=semantics, span=2048, **options)


def populate(
    host: Host,
    domid: int,
    extents: int,
    order: int,
    node: int | None = None,
    memflags: int = 0,
    start: int = 0,
    preempt: tuple[int, int] | None = None,
) -> PopulateResult:
    """``populate_physmap`` without interruption."""
    preempt_at = None if preempt is None else PreemptionChoice(*preempt)
    return run(populate_physmap(host, domid, extents, order, node, memflags, start, preempt_at))


def stash_of(host: Host, domid: int) -> Stash | None:
    """The stashed extent of a domain."""
    domain = host.domain(domid)
    with domain.page_alloc_lock:
        return domain.pending_scrub


def broken(host: Host) -> set[str]:
    """The properties that do not hold, every page counted."""
    return {violation.property for violation in check_state(host)}


def claim(host: Host, domid: int, *entries: tuple[int, int]) -> Status:
    """Install (pages, target) entries."""
    return host.semantics.install_claim_set(host, host.domain(domid), [ClaimEntry(*entry) for entry in entries])


def alloc(host: Host, domid: int | None, order: int = 0, node: int | None = None, memflags: int = 0) -> int | None:
    """Allocate and assign without interruption."""
    domain = None if domid is None else host.domain(domid)
    return run(alloc_domheap_pages(host, domain, order, node, memflags))


def free(host: Host, mfn: int, order: int = 0) -> None:
    """Free without interruption."""
    run(free_domheap_pages(host, mfn, order))


def held(host: Host, domid: int) -> tuple[list[int], int, int]:
    """(claims per node, global_claims, tot_pages) of a domain."""
    domain: Domain = host.domain(domid)
    with domain.page_alloc_lock, host.heap_lock:
        return list(domain.claims), domain.global_claims, domain.tot_pages


def avail(host: Host) -> tuple[list[int], int, list[int], int]:
    """(node_avail_pages, total_avail_pages, node_outstanding_claims, outstanding_claims)."""
    with host.heap_lock:
        return (
            list(host.node_avail_pages),
            host.total_avail_pages,
            list(host.node_outstanding_claims),
            host.outstanding_claims,
        )
