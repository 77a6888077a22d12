"""The claims ledger: how claims are counted, permitted, redeemed, installed, released and recalled.

Every function needs ``heap_lock`` held, unless it says that it takes the locks itself. Each of the three deduction
helpers updates the domain's counters together with the two aggregates (DS-23). The history records their deductions as
redeemed, except within :func:`booked_on`. Counts are pages and may be symbolic.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from .constants import CLAIM_TARGET_GLOBAL, MAX_NUMNODES, UINT_MAX
from .state import Domain, Host
from .status import Status


class ClaimEntry(NamedTuple):
    """One entry of a claim set (``xen_memory_claim``)."""

    pages: int
    target: int  # a node, or CLAIM_TARGET_GLOBAL
    pad: int = 0


@contextmanager
def booked_on(host: Host, line: str) -> Iterator[None]:
    """Record deductions inside the block on this line of the claim history, which the hypervisor does not have."""
    before, host.booked_on = host.booked_on, line
    try:
        yield
    finally:
        host.booked_on = before


def deduct_node_claims(host: Host, domain: Domain, node: int, pages: int) -> int:
    """Take up to ``pages`` from the domain's claim on a node; returns how many it held and lost."""
    if domain.claims[node] < pages:
        pages = domain.claims[node]
    domain.claims[node] -= pages
    domain.node_claims -= pages
    host.node_outstanding_claims[node] -= pages
    host.outstanding_claims -= pages
    domain.history.book(host.booked_on, node, pages)
    return pages


def deduct_global_claims(host: Host, domain: Domain, pages: int) -> int:
    """Take up to ``pages`` from the domain's host-wide claim; returns how many it held and lost."""
    if domain.global_claims < pages:
        pages = domain.global_claims
    domain.global_claims -= pages
    host.outstanding_claims -= pages
    domain.history.book(host.booked_on, -1, pages)
    return pages


def cancel_all_node_claims(host: Host, domain: Domain) -> None:
    """Release every node claim of the domain."""
    for node in host.nodes:
        deduct_node_claims(host, domain, node, domain.claims[node])


def release_all_claims(host: Host, domain: Domain) -> None:
    """Release every claim of the domain (DS-12)."""
    with booked_on(host, "released"):
        cancel_all_node_claims(host, domain)
        deduct_global_claims(host, domain, domain.global_claims)


def stake_claims(host: Host, domain: Domain, node_pages: dict[int, int], global_pages: int) -> None:
    """Add claims that were checked before. No loop over domains finds those of a destroyed domain."""
    if domain.is_destroyed and domain not in host.orphans:
        host.orphans.append(domain)
    for node, pages in node_pages.items():
        domain.claims[node] += pages
        domain.node_claims += pages
        host.node_outstanding_claims[node] += pages
        host.outstanding_claims += pages
        domain.history.book("installed", node, pages)
    domain.global_claims += global_pages
    host.outstanding_claims += global_pages
    domain.history.book("installed", -1, global_pages)


def claims_permit_request(pages: int, avail_pages: int, outstanding: int, own_claims: int) -> bool:
    """Whether ``pages`` may be taken if ``outstanding`` of ``avail_pages`` are claimed, ``own_claims`` by the caller.

    Own claims cover what unclaimed memory does not (DS-13, DS-25). A caller that may not use claims passes 0 (DS-30).
    """
    return pages <= avail_pages - outstanding + own_claims


def permit_without_mixing(host: Host, pages: int, claimant: Domain | None) -> bool:
    """Whether unclaimed memory alone, or the claimant's claims alone, cover the request."""
    if host.outstanding_claims + pages <= host.total_avail_pages:
        return True
    return claimant is not None and claimant.outstanding() >= pages


def redeem_claims_for_allocation(host: Host, domain: Domain, pages: int, node: int) -> None:
    """Redeem claims for ``pages`` just taken from ``node``: its claim, then host-wide, then other nodes (DS-16).

    The last step keeps pages plus claims within max_pages when the memory came from unclaimed nodes (DS-18).
    """
    pages -= deduct_node_claims(host, domain, node, pages)
    pages -= deduct_global_claims(host, domain, pages)
    for other in host.nodes:
        if pages == 0 or domain.node_claims == 0:
            break
        pages -= deduct_node_claims(host, domain, other, pages)


def recall_claims(host: Host, node: int) -> None:
    """After pages of ``node`` went offline, lower claims until free pages back them, by ascending domid (DS-26)."""
    with booked_on(host, "recalled"):
        for domain in host.domains.values():
            claimed, avail = host.node_outstanding_claims[node], host.node_avail_pages[node]
            if claimed <= avail:
                break
            deduct_node_claims(host, domain, node, claimed - avail)
        for domain in host.domains.values():
            claimed, avail = host.outstanding_claims, host.total_avail_pages
            if claimed <= avail:
                break
            deduct_global_claims(host, domain, claimed - avail)


class RequestedSet(NamedTuple):
    """A claim set whose entries passed their own checks."""

    node_pages: dict[int, int]
    nodes_total: int
    global_pages: int


def checked_entries(
    host: Host, domain: Domain, entries: Sequence[ClaimEntry], *, checks_sum: bool = True
) -> RequestedSet | Status:
    """Check each entry, in the order given (DS-08, DS-09); both locks are held.

    :param checks_sum: refuse pages on nodes whose sum exceeds 32 bits
    :returns: ``EINVAL``, ``ENOENT`` or ``ENOMEM`` for the first check that fails
    """
    node_pages: dict[int, int] = {}
    nodes_total = 0
    global_pages: int | None = None
    for pages, target, pad in entries:
        if pad != 0:
            return Status.EINVAL
        if target == CLAIM_TARGET_GLOBAL:
            if global_pages is not None:
                return Status.EINVAL
            global_pages = pages
            continue
        if target >= MAX_NUMNODES or target not in host.nodes:
            return Status.ENOENT
        if target in node_pages:
            return Status.EINVAL
        if checks_sum and pages > UINT_MAX - nodes_total:
            return Status.EINVAL
        if pages > host.unclaimed_on(target) + domain.claims[target]:
            return Status.ENOMEM
        node_pages[target] = pages
        nodes_total += pages
    return RequestedSet(node_pages, nodes_total, 0 if global_pages is None else global_pages)


def install_claim_set(host: Host, domain: Domain, entries: Sequence[ClaimEntry]) -> Status:
    """Replace the domain's claims by a set, all or nothing (DS-01, DS-06). Takes both locks.

    :returns: ``EINVAL``, ``ENOENT`` or ``ENOMEM`` for the first check that fails; nothing has changed then
    """
    with domain.page_alloc_lock, host.heap_lock:
        if host.semantics.refuses_claimant(domain):
            return Status.ESRCH
        requested = checked_entries(host, domain, entries)
        if isinstance(requested, Status):
            return requested
        return replace_claims(host, domain, requested)


def replace_claims(host: Host, domain: Domain, requested: RequestedSet) -> Status:
    """Check the limits for a set whose entries were checked, then install it. Both locks are held."""
    node_pages, nodes_total, global_pages = requested
    # Claims and pages held stay within max_pages; existing pages are not subtracted (DS-07, DS-11).
    if global_pages > domain.max_pages:
        return Status.EINVAL
    if nodes_total > domain.max_pages - global_pages:
        return Status.EINVAL
    if host.semantics.pages_held(domain) > domain.max_pages - global_pages - nodes_total:
        return Status.EINVAL
    # Both claims are added to 64 bits one after the other: their sum alone would have 32 bits and could wrap.
    if global_pages + nodes_total > host.unclaimed() + domain.global_claims + domain.node_claims:
        return Status.ENOMEM

    release_all_claims(host, domain)
    stake_claims(host, domain, node_pages, global_pages)
    return Status.OK


def exceeds_unsigned(pages: int, unclaimed: int) -> bool:
    """``pages > avail - claims`` in unsigned arithmetic: where claims exceed free pages the right side is huge.

    ``pages`` below 0 have wrapped: they exceed the memory of any host.
    """
    return pages < 0 or 0 <= unclaimed < pages


def set_outstanding_pages(host: Host, domain: Domain, pages: int) -> Status:
    """The legacy claim (``domain_set_outstanding_pages``): host-wide, pages held are subtracted. Takes both locks.

    :param pages: the total for the domain, including the pages it has; 0 releases every claim
    :returns: ``EINVAL`` or ``ENOMEM`` for the first check that fails; nothing has changed then
    """
    with domain.page_alloc_lock, host.heap_lock:
        return stake_outstanding_pages(host, domain, pages)


def stake_outstanding_pages(host: Host, domain: Domain, pages: int) -> Status:
    """The body of :func:`set_outstanding_pages`; both locks are held."""
    if pages == 0:
        release_all_claims(host, domain)
        return Status.OK
    if domain.global_claims != 0 or domain.node_claims != 0:
        return Status.EINVAL
    held = host.semantics.pages_held(domain)
    if host.semantics.refuses_claimant(domain) or pages <= held or pages > domain.max_pages:
        return Status.EINVAL
    claim = pages - held
    if exceeds_unsigned(claim, host.unclaimed()):
        return Status.ENOMEM
    stake_claims(host, domain, {}, claim)
    return Status.OK


def installed_entries(host: Host, domain: Domain, *, empty_global: bool) -> tuple[ClaimEntry, ...]:
    """The installed claims as a set: host-wide first, then nodes ascending. Takes heap_lock.

    :param empty_global: include the host-wide entry even if it has no pages
    """
    with host.heap_lock:
        host_wide = domain.global_claims
        by_node = [ClaimEntry(domain.claims[node], node) for node in host.nodes if domain.claims[node] != 0]
    if host_wide != 0 or empty_global:
        return (ClaimEntry(host_wide, CLAIM_TARGET_GLOBAL), *by_node)
    return tuple(by_node)
