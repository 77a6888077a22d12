"""What differs between the generations of claims: the points where the common core asks its semantics.

The methods here are the rules of ``claim-sets``; a generation overrides what it does otherwise. All need
``heap_lock`` held, unless they say that they take the locks themselves. Counts are pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from . import claims
from .claims import ClaimEntry
from .state import Domain, Host
from .status import Status


class Semantics:
    """The rules of one generation of claims."""

    name: ClassVar[str]
    claim_counters: ClassVar[tuple[str, ...]] = ("global_claims", "node_claims", "claims")
    """What an observer sees of a domain's claims, by the hypervisor's names."""

    def host_permits(self, host: Host, claimant: Domain | None, pages: int) -> bool:
        """The host check of ``alloc_heap_pages``: the claimant is credited its complete set (DS-14)."""
        own = 0 if claimant is None else claimant.global_claims + claimant.node_claims
        return claims.claims_permit_request(pages, host.total_avail_pages, host.outstanding_claims, own)

    def node_permits(self, host: Host, claimant: Domain | None, pages: int, node: int) -> bool:
        """The check of one candidate node: the claimant is credited its claim on that node only (DS-14)."""
        own = 0 if claimant is None else claimant.claims[node]
        return claims.claims_permit_request(pages, host.node_avail_pages[node], host.node_outstanding_claims[node], own)

    def redeem(self, host: Host, claimant: Domain, pages: int, node: int) -> None:
        """Redeem claims for ``pages`` just taken from ``node``, in the same critical section (DS-17)."""
        claims.redeem_claims_for_allocation(host, claimant, pages, node)

    def recall(self, host: Host, node: int) -> None:
        """Pages of ``node`` went offline: restore the order of claims and free pages (DS-26)."""
        claims.recall_claims(host, node)

    def install_claim_set(self, host: Host, domain: Domain, entries: Sequence[ClaimEntry]) -> Status:
        """Replace the domain's claims by a set; takes both locks."""
        return claims.install_claim_set(host, domain, entries)

    def set_outstanding_pages(self, host: Host, domain: Domain, pages: int) -> Status:
        """The legacy claim; takes both locks."""
        return claims.set_outstanding_pages(host, domain, pages)
