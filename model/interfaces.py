"""How the calls of the generations differ in addition to their rules: which exist, and what they check first."""

from dataclasses import dataclass
from enum import Enum


class SetInstaller(Enum):
    """The function that installs a set of claims."""

    NONE = "no such function"
    REPLACING = "a set replaces the claims held"
    REPLACING_OR_LEGACY = "likewise; a LEGACY entry makes it the legacy call"
    STAKING = "a set is installed only where none is held"


class MemoryDomctl(Enum):
    """The domctl that claims memory: its arguments, and what it checks first."""

    NONE = "no such call"
    ONE_OR_NONE = "a list of at most one entry; an empty list releases (v2, v3)"
    ONE = "exactly one entry (v4)"
    SET = "XEN_DOMCTL_claim_memory: a set, or one LEGACY entry"
    SET_OR_GET = "the same with a mode: to set, or to get the set installed"
    SET_AND_GET = "set_memory_claims and get_memory_claims"


class NodeArgument(Enum):
    """How `set_outstanding_pages` treats a node."""

    HOST_WIDE = "the node is ignored"
    BELOW_MAX_NUMNODES = "a node id below MAX_NUMNODES; an offline one has no pages"
    ONLINE = "an online node"
    ONLY_TARGET = "an online node; a release names no node; only the target's free pages are checked"


@dataclass(frozen=True)
class Interface:
    """The interface of one generation."""

    sets: SetInstaller = SetInstaller.NONE
    memory: MemoryDomctl = MemoryDomctl.NONE
    single: NodeArgument = NodeArgument.HOST_WIDE
    node_in_mem_flags: bool = False
    """The mem_flags of XENMEM_claim_pages may name an exact node (v1)."""
    subtracts_before_locks: bool = False
    """XENMEM_claim_pages subtracts tot_pages before any lock, and claims the difference (v3)."""
    refuses_llc_coloring: bool = True
    """XENMEM_claim_pages refuses every claim while LLC colouring is on."""
    checks_exact_target: bool = False
    """The host check considers the node given with MEMF_exact_node (single-node-v1)."""
    checks_any_target: bool = False
    """The host check considers any requested node, or claim_node where node_affinity is that node (v2)."""
    clears_claim_node: bool = False
    """claim_node is cleared when the claim reaches 0."""
    stashes: bool = False
    """The generation is based on a mainline of 2026-02 or later: populate_physmap may stash an extent."""
    kill_always_frees_stash: bool = False
    """domain_kill has its third section even where nothing is stashed (mainline)."""

    @property
    def has_claim_node(self) -> bool:
        """Whether a domain has a claim_node."""
        return self.single is not NodeArgument.HOST_WIDE

    @property
    def gets(self) -> bool:
        """Whether a call returns the set installed."""
        return self.memory in (MemoryDomctl.SET_OR_GET, MemoryDomctl.SET_AND_GET)


HOST_WIDE_ONLY = Interface()
AS_BEFORE_2025_12 = Interface(refuses_llc_coloring=False)
SETS = Interface(sets=SetInstaller.REPLACING, memory=MemoryDomctl.SET, stashes=True)
SETS_WITH_MODES = Interface(sets=SetInstaller.REPLACING_OR_LEGACY, memory=MemoryDomctl.SET_OR_GET, stashes=True)
