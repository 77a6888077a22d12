"""`step-3-forgotten`: the model has the patch, the reference (or the C code) was written without the claims on other nodes."""

from dataclasses import replace

from model.generations.claim_sets import CLAIM_SETS
from reference.claims import deduct_global_claims, deduct_node_claims
from reference.generations.claim_sets import ClaimSets
from reference.state import Domain, Host


class StepThreeForgotten(ClaimSets):
    """Claims on other nodes are not redeemed."""

    name = "step-3-forgotten"

    def redeem(self, host: Host, claimant: Domain, pages: int, node: int) -> None:
        """The claim on the node of the pages, then the host-wide one."""
        pages -= deduct_node_claims(host, claimant, node, pages)
        deduct_global_claims(host, claimant, pages)


MODEL = replace(
    CLAIM_SETS,
    rules=replace(
        CLAIM_SETS.rules,
        name="step-3-forgotten",
        summary="claim sets; the model redeems claims on other nodes, the reference does not",
    ),
)
