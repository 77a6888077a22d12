"""How the calls of the generations differ beyond their rules: which there are, and what they look at first."""

from dataclasses import dataclass
from enum import Enum


class Sets(Enum):
    """The call that installs a set of claims."""

    NONE = "no such call"
    REPLACING = "XEN_DOMCTL_claim_memory: a set replaces the claims held"
    STAKING = "set_memory_claims: a set is staked where none is held"


class Single(Enum):
    """What `set_outstanding_pages` makes of a node."""

    HOST_WIDE = "the node is not looked at"
    BELOW_MAX_NUMNODES = "a node id below MAX_NUMNODES; an offline one has no pages"
    ONLINE = "an online node"
    ONLY_TARGET = "an online node; a release names none; only the target's pages are looked at"


@dataclass(frozen=True)
class Interface:
    """The interface of one generation."""

    sets: Sets = Sets.NONE
    single: Single = Single.HOST_WIDE
    refuses_llc_coloring: bool = True
    """XENMEM_claim_pages refuses every claim while LLC colouring is on."""
    checks_exact_target: bool = False
    """The host check looks at the node given with MEMF_exact_node (single-node-v1)."""
    checks_any_target: bool = False
    """The host check looks at any requested node, or at claim_node where node_affinity is that node (v2)."""
    clears_claim_node: bool = False
    """claim_node goes when the claim reaches 0."""

    @property
    def has_claim_node(self) -> bool:
        """Whether a domain has a claim_node."""
        return self.single is not Single.HOST_WIDE


INTERFACES: dict[str, Interface] = {
    "legacy-2013": Interface(refuses_llc_coloring=False),
    "legacy-redeem-at-assign": Interface(refuses_llc_coloring=False),
    "single-node-v1": Interface(single=Single.BELOW_MAX_NUMNODES, refuses_llc_coloring=False, checks_exact_target=True),
    "single-node-v2": Interface(single=Single.ONLINE, refuses_llc_coloring=False, checks_any_target=True),
    "single-node-v3": Interface(single=Single.ONLINE, refuses_llc_coloring=False),
    "legacy-redeem-at-alloc": Interface(),
    "single-node-v4": Interface(single=Single.ONLY_TARGET, clears_claim_node=True),
    "claim-sets-no-recall": Interface(sets=Sets.REPLACING),
    "claim-sets": Interface(sets=Sets.REPLACING),
    "claim-sets-v3": Interface(sets=Sets.REPLACING),
    "claim-sets-hardened": Interface(sets=Sets.REPLACING),
    "per-node-v8": Interface(sets=Sets.STAKING),
}
