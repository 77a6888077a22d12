"""The hypervisor's limits and flags, by their own names."""

MAX_ORDER = 20  # largest block of the buddy heap: 2^20 pages
MAX_NUMNODES = 64
UINT_MAX = 2**32 - 1  # claims, tot_pages and max_pages are 32-bit unsigned
DOMID_FIRST_RESERVED = 0x7FF0  # domain ids are below this
MAX_PAUSE_COUNT = 255  # pauses of a domain by the toolstack
SCRUB_CHUNK = 256  # dirty pages that populate_physmap scrubs between two preemption checks

# Targets of a claim entry that are not a node.
CLAIM_TARGET_GLOBAL = 0x80000000  # later called HOST
CLAIM_TARGET_LEGACY = 0x40000000
CLAIM_TARGET_NO_NODE = 0xFFFFFFFF  # single-node-v4: host-wide
NUMA_NO_NODE = 0xFF

# memflags of an allocation. The reference passes the node as a separate argument.
MEMF_exact_node = 1 << 0
MEMF_no_refcount = 1 << 1  # pages are owned by the domain but not in its tot_pages; never redeems claims
MEMF_no_owner = 1 << 2  # pages get no owner; implies MEMF_no_refcount

# mem_flags of a hypercall (``xen_memory_reservation``): a node, plus one, in bits 8 to 15.
XENMEMF_exact_node_request = 1 << 17


def XENMEMF_get_node(mem_flags: int) -> int:
    """The node that the mem_flags of a hypercall name; ``NUMA_NO_NODE`` if they name no node."""
    return ((mem_flags >> 8) - 1) & 0xFF
