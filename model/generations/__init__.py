"""Every generation of claims, by name, oldest first. One small section each: its differences from the common core."""

from model.generations import claim_sets, legacy, per_node, single_node
from model.generations.generation import Semantics

SEMANTICS: dict[str, Semantics] = {
    s.name: s
    for s in (
        legacy.LEGACY_2013,
        legacy.REDEEM_AT_ASSIGN,
        single_node.V1,
        single_node.V2,
        single_node.V3,
        legacy.REDEEM_AT_ALLOC,
        single_node.V4,
        claim_sets.NO_RECALL,
        claim_sets.CLAIM_SETS,
        claim_sets.V3,
        claim_sets.HARDENED,
        per_node.V8,
    )
}
