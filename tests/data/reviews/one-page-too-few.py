"""`one-page-too-few`: the host check has `<` in the place of `<=`."""

from dataclasses import replace

from model.encoding import Size
from model.generations.claim_sets import CLAIM_SETS
from model.logic import Term
from model.rules import Request as ModelRequest
from model.state import State
from reference.generation import Request
from reference.generations.claim_sets import ClaimSets
from reference.state import Host


class OnePageTooFew(ClaimSets):
    """A request for exactly what is left is refused."""

    name = "one-page-too-few"

    def request_permitted(self, host: Host, request: Request) -> bool:
        """Fewer pages than are unclaimed or the domain's own."""
        own = 0 if request.claimant is None else request.claimant.outstanding()
        return request.pages < host.total_avail_pages - host.outstanding_claims + own


def host_permits_fewer(_size: Size, s: State, request: ModelRequest) -> Term:
    """Fewer pages than are unclaimed or the domain's own."""
    return request.pages < s.unclaimed() + request.own(s)


MODEL = replace(
    CLAIM_SETS,
    rules=replace(
        CLAIM_SETS.rules,
        name="one-page-too-few",
        summary="claim sets whose host check wants one page more than is requested",
        host_permits=host_permits_fewer,
    ),
)
