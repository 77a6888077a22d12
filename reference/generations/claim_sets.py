"""``claim-sets`` (2026-04): the design this project exists for. Its rules are the common core's own."""

from ..semantics import Semantics


class ClaimSets(Semantics):
    """Claims on several nodes and host-wide, installed in one step, redeemed where the free counters change."""

    name = "claim-sets"
