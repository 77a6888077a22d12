"""Every generation of claims, by name. One small file each: its differences from the common core."""

from ..semantics import Semantics
from .claim_sets import ClaimSets, ClaimSetsNoRecall, ClaimSetsV3
from .hardened import ClaimSetsHardened
from .legacy import Legacy2013, LegacyRedeemAtAlloc, LegacyRedeemAtAssign
from .per_node import PerNodeV8
from .single_node import SingleNodeV1, SingleNodeV2, SingleNodeV3, SingleNodeV4

SEMANTICS: dict[str, Semantics] = {
    semantics.name: semantics
    for semantics in (
        Legacy2013(),
        LegacyRedeemAtAssign(),
        SingleNodeV1(),
        SingleNodeV2(),
        SingleNodeV3(),
        LegacyRedeemAtAlloc(),
        SingleNodeV4(),
        ClaimSetsNoRecall(),
        ClaimSets(),
        ClaimSetsV3(),
        ClaimSetsHardened(),
        PerNodeV8(),
    )
}
