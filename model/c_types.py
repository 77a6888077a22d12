"""The C types of the hypervisor's counters and intermediate values, as ranges of integers."""

from model.logic import Term, all_of

UINT_MAX = 2**32 - 1
MAX_NUMNODES = 64
NUMA_NO_NODE = 255
DOMID_FIRST_RESERVED = 0x7FF0
"""Domain ids are below this number."""
HOST_PAGES_MAX = 2**40
"""Pages of the largest host considered: 4 PiB of 4 KiB pages."""

RANGES: dict[str, tuple[int, int]] = {
    "uint32": (0, UINT_MAX),
    "uint64": (0, 2**64 - 1),
    "int64": (-(2**63), 2**63 - 1),
}


def in_range(c_type: str, term: Term) -> Term:
    """Whether the C type can represent the integer: computing it neither wraps nor changes sign."""
    low, high = RANGES[c_type]
    return all_of([low <= term, term <= high])
