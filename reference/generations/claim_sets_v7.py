"""``claim-sets-v7`` (2026-05): the series as posted for design v3; its code deviates from the design."""

from collections.abc import Sequence

from ..claims import (
    ClaimEntry,
    RequestedSet,
    checked_entries,
    permit_without_mixing,
    release_all_claims,
    replace_claims,
)
from ..constants import CLAIM_TARGET_LEGACY
from ..generation import Request
from ..state import Domain, Host
from ..status import Status
from .claim_sets import ClaimSetsV3, legacy_as_global


class ClaimSetsV7(ClaimSetsV3):
    """The host check does not mix; node pages are not checked against UINT_MAX; an empty set releases first."""

    name = "claim-sets-v7"

    def request_permitted(self, host: Host, request: Request) -> bool:
        """Unclaimed memory or the domain's claims cover the request, not both."""
        return permit_without_mixing(host, request.pages, request.claimant)

    def install_claim_set(self, host: Host, domain: Domain, entries: Sequence[ClaimEntry]) -> Status:
        """One installer for sets and for the legacy call, which is a set with a LEGACY entry."""
        legacy = any(entry.target == CLAIM_TARGET_LEGACY for entry in entries)
        with domain.page_alloc_lock, host.heap_lock:
            if self.refuses_claimant(domain):
                return Status.ESRCH
            requested = checked_entries(host, domain, legacy_as_global(entries), checks_sum=False)
            if isinstance(requested, Status):
                return requested
            node_pages, nodes_total, claim = requested
            if legacy and nodes_total != 0:
                return Status.EINVAL
            if claim == 0 and nodes_total == 0:
                release_all_claims(host, domain)
                return Status.OK
            if legacy:
                if domain.global_claims != 0 or domain.node_claims != 0 or claim <= self.pages_held(domain):
                    return Status.EINVAL
                claim -= self.pages_held(domain)
            return replace_claims(host, domain, RequestedSet(node_pages, nodes_total, claim))

    def set_outstanding_pages(self, host: Host, domain: Domain, pages: int, node: int | None = None) -> Status:
        """The legacy call: a set with one LEGACY entry."""
        del node
        return self.install_claim_set(host, domain, [ClaimEntry(pages, CLAIM_TARGET_LEGACY)])
