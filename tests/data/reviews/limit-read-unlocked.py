"""`limit-read-unlocked`: the allocator keeps the limit, and reads tot_pages and max_pages under heap_lock alone."""

from dataclasses import replace

from model.generations.claim_sets import CLAIM_SETS
from model.logic import Term, positive_part
from model.state import State
from reference.generation import Request
from reference.generations.claim_sets import ClaimSets
from reference.state import Host, read_unlocked


class LimitReadUnlocked(ClaimSets):
    """A request beyond the limit is refused by the allocator."""

    name = "limit-read-unlocked"

    def request_permitted(self, host: Host, request: Request) -> bool:
        """Pages, and the claims left after redeeming, stay within the limit."""
        claimant = request.claimant
        if claimant is not None:
            left = claimant.outstanding() - request.pages
            if left < 0:
                left = 0
            tot_pages, max_pages = read_unlocked(claimant, "tot_pages"), read_unlocked(claimant, "max_pages")
            if tot_pages + request.pages + left > max_pages:
                return False
        return super().request_permitted(host, request)


def limit_permits_unlocked(s: State, domid: Term, pages: Term) -> Term:
    """Pages, and the claims left after redeeming, stay within the limit."""
    return s.tot_pages[domid] + pages + positive_part(s.held(domid) - pages) <= s.max_pages[domid]


MODEL = replace(
    CLAIM_SETS,
    rules=replace(
        CLAIM_SETS.rules,
        name="limit-read-unlocked",
        summary="claim sets whose allocator checks the limit, without the lock of the counters",
        limit_permits=limit_permits_unlocked,
    ),
)
