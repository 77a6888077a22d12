"""Every generation of claims by name, oldest first. Each module states the differences from the common core."""

from model.generations import claim_sets, legacy, per_node, single_node
from model.generations.generation import Generation
from model.generations.parts import PARTS, changed


class Generations(dict[str, Generation]):
    """The generations, oldest first. A variant, GENERATION+PART+..., can be looked up by name but is not listed."""

    def __missing__(self, name: str) -> Generation:
        generation, *parts = name.split("+")
        if not parts:
            raise KeyError(name)
        return changed(self[generation], tuple(parts))

    def __contains__(self, name: object) -> bool:
        generation, *parts = str(name).split("+")
        return super().__contains__(generation) and all(part in PARTS for part in parts)


GENERATIONS = Generations(
    (s.name, s)
    for s in (
        legacy.LEGACY_2013,
        legacy.REDEEM_AT_ASSIGN,
        single_node.V1,
        single_node.V2,
        single_node.V3,
        legacy.REDEEM_AT_ALLOC,
        legacy.MAINLINE_422,
        single_node.V4,
        claim_sets.NO_RECALL,
        claim_sets.CLAIM_SETS,
        claim_sets.V3,
        claim_sets.V7,
        claim_sets.HARDENED,
        per_node.V8,
    )
)
