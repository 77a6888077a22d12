"""``claim-sets-hardened``: the smallest changes to ``claim-sets`` with which the properties that fail there hold.

Two counters a domain are kept under ``heap_lock`` in addition, so that the allocator can look at the limit without a
change of the lock order: ``charged_pages`` (tot_pages and the pages on their way into it) and ``charge_limit`` (a copy
of max_pages). Both locks are held where they follow tot_pages and max_pages.
"""

from ..semantics import Request
from ..state import Domain, Host
from ..status import Status
from .claim_sets import ClaimSets


class ClaimSetsHardened(ClaimSets):
    """Pages count against the limit when they leave the heap; a dying domain is refused under the locks."""

    name = "claim-sets-hardened"

    def request_permitted(self, host: Host, request: Request) -> bool:
        """Also: pages charged and claims that stay after redeeming must be within the limit."""
        claimant = request.claimant
        if claimant is not None:
            claims_left = claimant.global_claims + claimant.node_claims - request.pages
            if claims_left < 0:
                claims_left = 0
            if claimant.charged_pages + request.pages + claims_left > claimant.charge_limit:
                return False
        return super().request_permitted(host, request)

    def redeem(self, host: Host, claimant: Domain, pages: int, node: int) -> None:
        claimant.charged_pages += pages
        super().redeem(host, claimant, pages, node)

    def limbo_ended(self, domain: Domain, pages: int) -> None:
        domain.charged_pages -= pages

    def tot_pages_shrank(self, host: Host, domain: Domain, pages: int) -> None:
        with host.heap_lock:
            domain.charged_pages -= pages

    def pages_held(self, domain: Domain) -> int:
        return domain.charged_pages

    def refuses_claimant(self, domain: Domain) -> bool:
        return domain.is_dying

    def set_max_pages(self, host: Host, domain: Domain, max_pages: int) -> Status:
        """Refuse a limit below pages charged and claims held."""
        with domain.page_alloc_lock, host.heap_lock:
            if domain.charged_pages + domain.global_claims + domain.node_claims > max_pages:
                return Status.EINVAL
            domain.max_pages = max_pages
            domain.charge_limit = max_pages
        return Status.OK
