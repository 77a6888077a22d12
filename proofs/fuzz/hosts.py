"""Hosts to test on: 1 to 64 nodes, from none to 2^32 pages each."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from proofs.operations.draw import Draw
from proofs.traces.events import HostShape
from reference.constants import MAX_NUMNODES

_NODES = ((0.15, 1, 1), (0.42, 2, 2), (0.60, 3, 3), (0.74, 4, 4), (0.88, 5, 8), (0.95, 9, 16), (0.98, 17, 32))
"""Up to which share of hosts: from how many nodes to how many. The rest is larger."""
_LLC_COLORING, _DEBUG_BUILD = 0.03, 0.08
_MOST_HUGE = 2
"""Nodes of such hosts: their heaps are of thousands of blocks from the start."""


def draw_host(draw: Draw, extended: bool = True) -> HostShape:
    """Most hosts are small: what breaks a large one mostly breaks a small one, in fewer steps.

    :param extended: as claim-trace/2 has them: some have LLC colouring, or a debug build of the hypervisor
    """
    nodes = _number_of_nodes(draw)
    style = draw.random()
    if style < 0.40:
        pages = [draw.below(9) for _ in range(nodes)]
    elif style < 0.68:
        pages = [1 + draw.below(48) for _ in range(nodes)]
    elif style < 0.78:
        pages = [draw.pick((0, 1, 4, 16, 100, 4096)) for _ in range(nodes)]
    elif style < 0.98 or nodes > _MOST_HUGE:
        pages = [1 << (9 + draw.below(13))] * nodes
    else:
        pages = [1 << 32] * nodes  # more than a domain's counter holds
    span = 1 << (max(*pages, 1) - 1).bit_length() + draw.below(2)
    llc_coloring, debug_build = draw.chance(_LLC_COLORING) and extended, draw.chance(_DEBUG_BUILD) and extended
    last: int | UnsetType = 0 if extended else UNSET  # claim-trace/1 cannot say
    return HostShape(span, pages, llc_coloring, last, debug_build)


def _number_of_nodes(draw: Draw) -> int:
    share = draw.random()
    for up_to, least, most in _NODES:
        if share < up_to:
            return least + draw.below(most - least + 1)
    return 33 + draw.below(MAX_NUMNODES - 32)
