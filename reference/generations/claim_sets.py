"""The claim-set generations: several nodes and host-wide, installed in one step. Their rules are the common core's."""

from ..semantics import Semantics
from ..state import Host


class ClaimSets(Semantics):
    """``claim-sets`` (2026-04): the design this project exists for."""

    name = "claim-sets"


class ClaimSetsNoRecall(ClaimSets):
    """``claim-sets-no-recall``: before recall at offlining was added."""

    name = "claim-sets-no-recall"

    def recall(self, host: Host, node: int) -> None:
        """Claims stay when pages go offline."""


class ClaimSetsV3(ClaimSets):
    """``claim-sets-v3`` (2026-05): same rules; the total is kept, and the host-wide claim derived from it."""

    name = "claim-sets-v3"
    claim_counters = ("outstanding_pages", "node_claims", "claims")
