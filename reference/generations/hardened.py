"""``claim-sets-hardened``: the smallest changes to ``claim-sets`` with which the properties that fail there hold."""

from .claim_sets import ClaimSets
from .parts import ChargedAtAlloc, DyingChecked, LimboCounted, LowLimitRefused, MarksKept, StashKept


class ClaimSetsHardened(LimboCounted, LowLimitRefused, ChargedAtAlloc, DyingChecked, StashKept, MarksKept, ClaimSets):
    """Pages count against the limit when they leave the heap; a dying domain is refused under the locks.

    Stashed extents and offline marks are not dropped.
    """

    name = "claim-sets-hardened"
