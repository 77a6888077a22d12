"""`whole-set-credited`: the node check credits the claimant its whole set instead of its claim on that node."""

from dataclasses import replace

from model.generations.claim_sets import CLAIM_SETS
from model.logic import Term
from model.rules import Request as ModelRequest
from model.state import State
from reference.generation import Request
from reference.generations.claim_sets import ClaimSets
from reference.state import Host


class WholeSetCredited(ClaimSets):
    """Every claim of the domain counts on every node."""

    name = "whole-set-credited"

    def node_permits(self, host: Host, request: Request, node: int) -> bool:
        """Unclaimed pages of the node and all claims of the domain suffice."""
        if request.pages > host.node_avail_pages[node]:
            return False
        own = 0 if request.claimant is None else request.claimant.outstanding()
        return request.pages <= host.unclaimed_on(node) + own


def node_permits_whole_set(s: State, request: ModelRequest, node: Term) -> Term:
    """Unclaimed pages of the node and all claims of the domain suffice."""
    return request.pages <= s.unclaimed_on(node) + request.own(s)


MODEL = replace(
    CLAIM_SETS,
    rules=replace(
        CLAIM_SETS.rules,
        name="whole-set-credited",
        summary="claim sets whose node check credits the whole set",
        node_permits=node_permits_whole_set,
    ),
)
