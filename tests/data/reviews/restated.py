"""`restated`: the rules of claim sets in other words. Nothing changes."""

from dataclasses import replace

from model.encoding import Encoding
from model.generations.claim_sets import CLAIM_SETS
from model.logic import Term, minimum
from model.rules import Redemption
from model.state import State
from reference.claims import deduct_global_claims, deduct_node_claims
from reference.generations.claim_sets import ClaimSets
from reference.state import Domain, Host


class Restated(ClaimSets):
    """The order of redeeming, written again."""

    name = "restated"

    def redeem(self, host: Host, claimant: Domain, pages: int, node: int) -> None:
        """The claim on the node of the pages, then the host-wide one, then other nodes."""
        pages -= deduct_node_claims(host, claimant, node, pages)
        pages -= deduct_global_claims(host, claimant, pages)
        for other in host.nodes:
            pages -= deduct_node_claims(host, claimant, other, pages)


def redeem_restated(h: Encoding, s: State, domid: Term, node: Term, pages: Term) -> Redemption:
    """The claim on the node of the pages, then the host-wide one, then other nodes ascending."""
    here = minimum(s.claims[domid, node], pages)
    host_wide = minimum(s.global_claims[domid], pages - here)
    elsewhere = h.taken_ascending(h.replaced(s.claims.row(domid), node, 0), pages - host_wide - here)
    return Redemption(h.replaced(elsewhere, node, here), host_wide)


MODEL = replace(
    CLAIM_SETS,
    rules=replace(
        CLAIM_SETS.rules,
        name="restated",
        summary="claim sets in other words",
        redeem=redeem_restated,
    ),
)
