"""Mistakes in the checks of an allocation, in redeeming, and in recall."""

from __future__ import annotations

from reference.claims import (
    booked_on,
    deduct_global_claims,
    deduct_node_claims,
    recall_claims,
    redeem_claims_for_allocation,
    stake_claims,
)
from reference.generation import Request
from reference.generations.parts import RedeemedAtAssign
from reference.state import Domain, Host

from .override import Override


class RedeemAtAssign(Override):
    """Claims are redeemed when pages are assigned, a critical section too late (the rule until 2025-12)."""

    redeem = RedeemedAtAssign.redeem
    pages_assigned = RedeemedAtAssign.pages_assigned


class FreeRestoresClaims(Override):
    """Freeing pages grows the claim of a domain that still holds one (the rule until 2025-03)."""

    def pages_released(self, host: Host, domain: Domain, pages: int, refcounted: bool) -> None:
        super().pages_released(host, domain, pages, refcounted)
        with host.heap_lock:
            if domain.global_claims != 0:
                stake_claims(host, domain, {}, pages)


class NoMixing(Override):
    """The host check wants unclaimed memory or own claims to cover a request, not both together (2013 to mainline)."""

    rule_of = ("claim-sets-v7",)

    def request_permitted(self, host: Host, request: Request) -> bool:
        own = 0 if request.claimant is None else request.claimant.global_claims + request.claimant.node_claims
        enough = request.pages <= host.total_avail_pages - host.outstanding_claims or request.pages <= own
        return enough and super().request_permitted(host, request)


class NodeCheckIgnoresClaims(Override):
    """Claims of a node are ignored when an allocation searches a node (the rule of the legacy generations)."""

    def node_permits(self, host: Host, request: Request, node: int) -> bool:
        return request.pages <= host.node_avail_pages[node]


class NoHostCheck(Override):
    """The claims of the whole host are ignored: only the node search refuses a request."""

    def request_permitted(self, _host: Host, _request: Request) -> bool:
        return True


class HostCheckOffByOne(Override):
    """The host check wants more unclaimed pages than the request has, instead of as many."""

    def request_permitted(self, host: Host, request: Request) -> bool:
        return super().request_permitted(host, request._replace(pages=request.pages + 1))


class NodeCheckCreditsWholeSet(Override):
    """The node check credits the domain its whole claim set instead of its claim on that node."""

    def node_permits(self, host: Host, request: Request, node: int) -> bool:
        own = 0 if request.claimant is None else request.claimant.global_claims + request.claimant.node_claims
        avail, outstanding = host.node_avail_pages[node], host.node_outstanding_claims[node]
        return request.pages <= avail and request.pages <= avail - outstanding + own


class NoRefcountUsesClaims(Override):
    """A request that is not refcounted is credited the domain's claims in both checks."""

    def request_permitted(self, host: Host, request: Request) -> bool:
        return super().request_permitted(host, request._replace(claimant=request.domain))

    def node_permits(self, host: Host, request: Request, node: int) -> bool:
        return super().node_permits(host, request._replace(claimant=request.domain), node)


class NoRecall(Override):
    """Nothing is recalled when pages go offline (the rule before recall was added)."""

    def recall(self, host: Host, node: int) -> None:
        pass


class RecallWrongOrder(Override):
    """Claims are recalled from the highest domain id down."""

    def recall(self, host: Host, node: int) -> None:
        ascending = host.domains
        host.domains = dict(reversed(ascending.items()))
        recall_claims(host, node)
        host.domains = ascending


class RecallNodeOnly(Override):
    """Claims on the node are recalled, host-wide claims that nothing backs any more are not."""

    def recall(self, host: Host, node: int) -> None:
        with booked_on(host, "recalled"):
            for domain in host.domains.values():
                shortage = host.node_outstanding_claims[node] - host.node_avail_pages[node]
                if shortage > 0:
                    deduct_node_claims(host, domain, node, shortage)


class OfflineNotCounted(Override):
    """A page that goes offline leaves the free pages of its node, but not those of the host."""

    def recall(self, host: Host, node: int) -> None:
        host.total_avail_pages += 1
        super().recall(host, node)


class RedeemWithoutStep3(Override):
    """Pages from a node without a claim do not redeem the claims on other nodes."""

    def redeem(self, host: Host, claimant: Domain, pages: int, node: int) -> None:
        pages -= deduct_node_claims(host, claimant, node, pages)
        deduct_global_claims(host, claimant, pages)


class RedeemGlobalFirst(Override):
    """The host-wide claim is redeemed before the claim on the node of the pages."""

    def redeem(self, host: Host, claimant: Domain, pages: int, node: int) -> None:
        pages -= deduct_global_claims(host, claimant, pages)
        redeem_claims_for_allocation(host, claimant, pages, node)


class RedeemOthersBeforeGlobal(Override):
    """Claims on other nodes are redeemed before the host-wide one."""

    def redeem(self, host: Host, claimant: Domain, pages: int, node: int) -> None:
        pages -= deduct_node_claims(host, claimant, node, pages)
        for other in host.nodes:
            pages -= deduct_node_claims(host, claimant, other, pages)
        deduct_global_claims(host, claimant, pages)


class RedeemTwice(Override):
    """Claims are redeemed in the allocator, and again when the pages are assigned."""

    pages_assigned = RedeemedAtAssign.pages_assigned


class AggregateNotDecremented(Override):
    """Redeeming a claim on a node leaves node_outstanding_claims as it is."""

    def redeem(self, host: Host, claimant: Domain, pages: int, node: int) -> None:
        before = list(host.node_outstanding_claims)
        super().redeem(host, claimant, pages, node)
        host.node_outstanding_claims[:] = before


class FailedAssignRestoresClaims(Override):
    """Pages that cannot be assigned go back to the heap, and a host-wide claim comes back with them."""

    def limbo_ended(self, host: Host, domain: Domain, pages: int, node: int, *, stashed: bool) -> None:
        super().limbo_ended(host, domain, pages, node, stashed=stashed)
        stake_claims(host, domain, {}, pages)
