"""How the calls of the generations differ beyond their rules: which there are, and what they look at first."""

from dataclasses import dataclass
from enum import Enum


class Sets(Enum):
    """The function that installs a set of claims."""

    NONE = "no such function"
    REPLACING = "a set replaces the claims held"
    REPLACING_OR_LEGACY = "likewise; a LEGACY entry makes it the legacy call"
    STAKING = "a set is staked where none is held"


class Memory(Enum):
    """The domctl that claims memory: what it takes, and what it looks at first."""

    NONE = "no such call"
    ONE_OR_NONE = "a list of which one entry is supported; none releases (v2, v3)"
    ONE = "exactly one entry (v4)"
    SET = "XEN_DOMCTL_claim_memory: a set, or one LEGACY entry"
    SET_OR_GET = "the same with a mode: to set, or to get the set installed"
    SET_AND_GET = "set_memory_claims, and get_memory_claims beside it"


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
    memory: Memory = Memory.NONE
    single: Single = Single.HOST_WIDE
    node_in_mem_flags: bool = False
    """The mem_flags of XENMEM_claim_pages may name an exact node (v1)."""
    subtracts_before_locks: bool = False
    """XENMEM_claim_pages subtracts tot_pages before any lock, and asks for the difference (v3)."""
    refuses_llc_coloring: bool = True
    """XENMEM_claim_pages refuses every claim while LLC colouring is on."""
    checks_exact_target: bool = False
    """The host check looks at the node given with MEMF_exact_node (single-node-v1)."""
    checks_any_target: bool = False
    """The host check looks at any requested node, or at claim_node where node_affinity is that node (v2)."""
    clears_claim_node: bool = False
    """claim_node goes when the claim reaches 0."""
    stashes: bool = False
    """It sits on a mainline of 2026-02 or later: populate_physmap may stash an extent."""
    kill_always_frees_stash: bool = False
    """domain_kill has its third section also where nothing is stashed (mainline)."""

    @property
    def has_claim_node(self) -> bool:
        """Whether a domain has a claim_node."""
        return self.single is not Single.HOST_WIDE

    @property
    def gets(self) -> bool:
        """Whether the set installed can be asked for."""
        return self.memory in (Memory.SET_OR_GET, Memory.SET_AND_GET)


HOST_WIDE_ONLY = Interface()
AS_BEFORE_2025_12 = Interface(refuses_llc_coloring=False)
SETS = Interface(sets=Sets.REPLACING, memory=Memory.SET, stashes=True)
SETS_WITH_MODES = Interface(sets=Sets.REPLACING_OR_LEGACY, memory=Memory.SET_OR_GET, stashes=True)
