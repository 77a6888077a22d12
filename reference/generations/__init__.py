"""Every generation of claims by name. Each module states the differences from the common core."""

from ..generation import Generation
from .claim_sets import ClaimSets, ClaimSetsNoRecall, ClaimSetsV3
from .claim_sets_v7 import ClaimSetsV7
from .hardened import ClaimSetsHardened
from .legacy import Legacy2013, LegacyRedeemAtAlloc, LegacyRedeemAtAssign, Mainline422
from .parts import PARTS, changed
from .per_node import PerNodeV8
from .single_node import SingleNodeV1, SingleNodeV2, SingleNodeV3, SingleNodeV4


class Generations(dict[str, Generation]):
    """The generations, oldest first. A variant, GENERATION+PART+..., can be looked up by name but is not listed."""

    def __missing__(self, name: str) -> Generation:
        generation, *parts = name.split("+")
        if not parts:
            raise KeyError(name)
        return changed(self[generation], parts)

    def __contains__(self, name: object) -> bool:
        generation, *parts = str(name).split("+")
        return super().__contains__(generation) and all(part in PARTS for part in parts)


GENERATIONS = Generations(
    (semantics.name, semantics)
    for semantics in (
        Legacy2013(),
        LegacyRedeemAtAssign(),
        SingleNodeV1(),
        SingleNodeV2(),
        SingleNodeV3(),
        LegacyRedeemAtAlloc(),
        Mainline422(),
        SingleNodeV4(),
        ClaimSetsNoRecall(),
        ClaimSets(),
        ClaimSetsV3(),
        ClaimSetsV7(),
        ClaimSetsHardened(),
        PerNodeV8(),
    )
)
