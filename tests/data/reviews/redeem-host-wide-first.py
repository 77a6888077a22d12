"""`redeem-host-wide-first`: an allocation redeems the host-wide claim before the claim on its node."""

from dataclasses import replace

from model.encoding import Encoding
from model.generations.claim_sets import CLAIM_SETS
from model.logic import Term, minimum
from model.rules import Redemption
from model.state import State
from reference.claims import deduct_global_claims, deduct_node_claims
from reference.generations.claim_sets import ClaimSets
from reference.state import Domain, Host


class RedeemHostWideFirst(ClaimSets):
    """The host-wide claim is redeemed first."""

    name = "redeem-host-wide-first"

    def redeem(self, host: Host, claimant: Domain, pages: int, node: int) -> None:
        """The host-wide claim, then the one on the node of the pages, then other nodes."""
        pages -= deduct_global_claims(host, claimant, pages)
        pages -= deduct_node_claims(host, claimant, node, pages)
        for other in host.nodes:
            if pages == 0 or claimant.node_claims == 0:
                break
            pages -= deduct_node_claims(host, claimant, other, pages)


def redeem_host_wide_first(h: Encoding, s: State, domid: Term, node: Term, pages: Term) -> Redemption:
    """The host-wide claim, then the one on the node of the pages, then other nodes ascending."""
    from_global = minimum(pages, s.global_claims[domid])
    from_node = minimum(pages - from_global, s.claims[domid, node])
    others = h.replaced(s.claims.row(domid), node, 0)
    from_others = h.taken_ascending(others, pages - from_global - from_node)
    return Redemption(h.replaced(from_others, node, from_node), from_global)


MODEL = replace(
    CLAIM_SETS,
    rules=replace(
        CLAIM_SETS.rules,
        name="redeem-host-wide-first",
        summary="claim sets whose host-wide claim is redeemed first",
        redeem=redeem_host_wide_first,
    ),
)
