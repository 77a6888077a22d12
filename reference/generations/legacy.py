"""The legacy generations: host-wide claims only; ``outstanding_pages`` of a domain is kept in ``global_claims``."""

from collections.abc import Sequence

from ..claims import ClaimEntry, deduct_global_claims, stake_claims
from ..semantics import Request, Semantics
from ..state import Domain, Host
from ..status import MisuseError, Status


class LegacyRedeemAtAlloc(Semantics):
    """``legacy-redeem-at-alloc`` (from 2025-12, today's mainline): redeemed in the allocator's critical section.

    A claim is not mixed with unclaimed memory: one or the other covers a request. No node is checked.
    """

    name = "legacy-redeem-at-alloc"
    claim_counters: tuple[str, ...] = ("outstanding_pages",)

    def request_permitted(self, host: Host, request: Request) -> bool:
        if request.pages <= host.total_avail_pages - host.outstanding_claims:
            return True
        return request.claimant is not None and request.claimant.global_claims >= request.pages

    def node_permits(self, _host: Host, _request: Request, _node: int) -> bool:
        return True

    def claim_memory(self, _host: Host, _domain: Domain | None, _entries: Sequence[ClaimEntry], _pad: int) -> Status:
        raise MisuseError(f"{self.name} has no claim sets")

    def install_claim_set(self, _host: Host, _domain: Domain, _entries: Sequence[ClaimEntry]) -> Status:
        raise MisuseError(f"{self.name} has no claim sets")

    def redeem(self, host: Host, claimant: Domain, pages: int, _node: int) -> None:
        deduct_global_claims(host, claimant, pages, claimant.history.redeemed)

    def recall(self, host: Host, node: int) -> None:
        """Claims stay when pages go offline."""


class LegacyRedeemAtAssign(LegacyRedeemAtAlloc):
    """``legacy-redeem-at-assign`` (2025-03 to 2025-12): redeemed when the pages are assigned, a section later."""

    name = "legacy-redeem-at-assign"
    refuses_dying = False
    refuses_llc_coloring = False

    def redeem(self, host: Host, claimant: Domain, pages: int, node: int) -> None:
        """Not yet: pages that left the heap are still claimed."""

    def tot_pages_grew(self, host: Host, domain: Domain, pages: int, _node: int) -> None:
        with host.heap_lock:
            deduct_global_claims(host, domain, pages, domain.history.redeemed)


class Legacy2013(LegacyRedeemAtAssign):
    """``legacy-2013`` (until 2025-03): freeing pages grows the claim back while the domain still holds one."""

    name = "legacy-2013"

    def tot_pages_shrank(self, host: Host, domain: Domain, pages: int) -> None:
        with host.heap_lock:
            if domain.global_claims != 0:
                stake_claims(host, domain, {}, pages)
