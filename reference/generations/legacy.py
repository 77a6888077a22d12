"""Mainline's generations: host-wide claims only; ``outstanding_pages`` of a domain is kept in ``global_claims``."""

from collections.abc import Sequence

from ..claims import ClaimEntry, deduct_global_claims, stake_claims
from ..generation import Generation, Request
from ..state import Domain, Host
from ..status import HypervisorCrash, MisuseError, Status


class LegacyRedeemAtAlloc(Generation):
    """``legacy-redeem-at-alloc`` (from 2025-12; 4.20, 4.21): claims are redeemed in the allocator's critical section.

    Either a claim or unclaimed memory covers a request, never both together. Nodes are not checked.
    """

    name = "legacy-redeem-at-alloc"
    claim_counters: tuple[str, ...] = ("outstanding_pages",)
    stashes = False

    def request_permitted(self, host: Host, request: Request) -> bool:
        if host.outstanding_claims + request.pages <= host.total_avail_pages:
            return True
        return request.claimant is not None and request.claimant.global_claims >= request.pages

    def node_permits(self, _host: Host, _request: Request, _node: int) -> bool:
        return True

    def claim_memory(self, _host: Host, _domain: Domain, _entries: Sequence[ClaimEntry], _pad: int) -> Status:
        raise MisuseError(f"{self.name} has no claim sets")

    def install_claim_set(self, _host: Host, _domain: Domain, _entries: Sequence[ClaimEntry]) -> Status:
        raise MisuseError(f"{self.name} has no claim sets")

    def redeem(self, host: Host, claimant: Domain, pages: int, _node: int) -> None:
        stop_if_above(host, pages if pages < claimant.global_claims else claimant.global_claims)
        deduct_global_claims(host, claimant, pages)

    def recall(self, host: Host, node: int) -> None:
        """Claims stay when pages go offline."""


def stop_if_above(host: Host, outstanding: int) -> None:
    """Mainline's assertion where claims are redeemed: they are at most the host's counter.

    :raises HypervisorCrash: they are more
    """
    if outstanding > host.outstanding_claims:
        raise HypervisorCrash("BUG_ON: outstanding > outstanding_claims")


class Mainline422(LegacyRedeemAtAlloc):
    """``mainline-4.22`` (from 2026-02, today's mainline): in addition, the stash in ``populate_physmap``."""

    name = "mainline-4.22"
    claim_counters = ("outstanding_pages", "pending_scrub", "creation_finished")
    stashes = True
    kill_always_frees_stash = True


class LegacyRedeemAtAssign(LegacyRedeemAtAlloc):
    """``legacy-redeem-at-assign`` (2025-03 to 2025-12): claims are redeemed one section later, in ``assign_pages``."""

    name = "legacy-redeem-at-assign"
    refuses_dying = False
    refuses_llc_coloring = False
    redeems_at_alloc = False

    def redeem(self, host: Host, claimant: Domain, pages: int, node: int) -> None:
        """No effect: pages that left the heap stay claimed until they are assigned."""

    def pages_assigned(self, host: Host, domain: Domain, pages: int, node: int, refcounted: bool) -> None:
        """Extra pages redeem claims too, so that the domain gets fewer pages in tot_pages than it claimed."""
        with host.heap_lock:
            stop_if_above(host, domain.outstanding())
            redeemed = self.redeem_at_assign(host, domain, pages, node)
            if not refcounted and not domain.is_dying:
                domain.history.lost += redeemed

    def redeem_at_assign(self, host: Host, domain: Domain, pages: int, _node: int) -> int:
        """Redeem claims for pages just assigned to the domain; heap_lock is held. Returns the pages redeemed."""
        return deduct_global_claims(host, domain, pages)


class Legacy2013(LegacyRedeemAtAssign):
    """``legacy-2013`` (until 2025-03): freeing pages grows the claim back while the domain still holds one."""

    name = "legacy-2013"

    def pages_released(self, host: Host, domain: Domain, pages: int, refcounted: bool) -> None:
        """The claim grows by the freed pages, extra pages included."""
        del refcounted
        with host.heap_lock:
            if domain.global_claims != 0:
                stake_claims(host, domain, {}, pages)
