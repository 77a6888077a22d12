"""``per-node-v8`` (2026-10, under review): the reduced series."""

from collections.abc import Sequence

from ..claims import ClaimEntry, installed_entries, permit_without_mixing, stake_claims
from ..constants import CLAIM_TARGET_GLOBAL, MAX_NUMNODES
from ..generation import Generation, InstalledSet, Request
from ..state import Domain, Host
from ..status import Status
from .legacy import stop_if_above


class PerNodeV8(Generation):
    """Claims per node without recall, without mixing on the host check, and without replacing a set."""

    name = "per-node-v8"
    claim_counters = ("outstanding_pages", "node_claims", "claims")

    def request_permitted(self, host: Host, request: Request) -> bool:
        """As in ``legacy-redeem-at-alloc``: unclaimed memory or the domain's claims cover the request, not both."""
        return permit_without_mixing(host, request.pages, request.claimant)

    def node_permits(self, host: Host, request: Request, node: int) -> bool:
        """Offlining may leave claims above free pages: unclaimed memory is then 0."""
        avail, claimed = host.node_avail_pages[node], host.node_outstanding_claims[node]
        unclaimed = 0 if avail < claimed else avail - claimed
        own = 0 if request.claimant is None else request.claimant.claims[node]
        return request.pages <= unclaimed + own

    def redeem(self, host: Host, claimant: Domain, pages: int, node: int) -> None:
        """Mainline's assertion, then the rules of claim sets."""
        held = claimant.outstanding()
        stop_if_above(host, pages if pages < held else held)
        super().redeem(host, claimant, pages, node)

    def recall(self, host: Host, node: int) -> None:
        """Claims stay when pages go offline."""

    def claim_memory(self, host: Host, domain: Domain, entries: Sequence[ClaimEntry], pad: int) -> Status:
        """``set_memory_claims``: an empty list releases all claims, in any state of the domain."""
        if pad != 0:
            return Status.EINVAL
        if not entries:
            return self.set_outstanding_pages(host, domain, 0)
        if host.llc_coloring_enabled:
            return Status.EOPNOTSUPP
        if domain.is_dying:
            return Status.ESRCH
        if len(entries) > MAX_NUMNODES + 1:
            return Status.E2BIG
        if domain.controller_pause_count == 0:
            return Status.EBUSY
        return self.install_claim_set(host, domain, entries)

    def install_claim_set(self, host: Host, domain: Domain, entries: Sequence[ClaimEntry]) -> Status:
        """The part of ``set_memory_claims`` under the locks: a set is refused while any claim is held."""
        node_pages: dict[int, int] = {}
        global_pages: int | None = None
        total = 0
        with domain.page_alloc_lock:
            for pages, target, pad in entries:
                if pages == 0 or pad != 0:
                    return Status.EINVAL
                if pages > domain.max_pages - total:
                    return Status.EINVAL
                if target == CLAIM_TARGET_GLOBAL:
                    if global_pages is not None:
                        return Status.EINVAL
                    global_pages = pages
                elif target & CLAIM_TARGET_GLOBAL or target in list(node_pages):  # compared: it may be symbolic
                    return Status.EINVAL
                elif target >= MAX_NUMNODES or target not in host.nodes:
                    return Status.ENOENT
                else:
                    node_pages[target] = pages
                total += pages
            with host.heap_lock:
                held = self.pages_held(domain)
                if held > domain.max_pages or total > domain.max_pages - held:
                    return Status.EINVAL
                if domain.global_claims != 0 or domain.node_claims != 0:
                    return Status.EINVAL
                if total + host.outstanding_claims > host.total_avail_pages:
                    return Status.ENOMEM
                for node, pages in node_pages.items():
                    if pages + host.node_outstanding_claims[node] > host.node_avail_pages[node]:
                        return Status.ENOMEM
                stake_claims(host, domain, node_pages, 0 if global_pages is None else global_pages)
        return Status.OK

    def get_memory_claims(self, host: Host, domain: Domain, capacity: int, pad: int) -> InstalledSet:
        """``get_memory_claims``: only targets with a claim, even of a dying domain; ENOBUFS if there is no room."""
        if pad != 0:
            return InstalledSet(Status.EINVAL)
        entries = installed_entries(host, domain, empty_global=False)
        if len(entries) > capacity:
            return InstalledSet(Status.ENOBUFS, len(entries))
        return InstalledSet(Status.OK, len(entries), entries)
