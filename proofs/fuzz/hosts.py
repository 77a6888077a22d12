"""Hosts to test on: 1 to 64 nodes, with 0 to 2^32 pages each."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from proofs.operations.draw import Draw
from proofs.replay.runner import Runner, boot_shape
from proofs.traces.events import HostShape, least_span
from reference.constants import MAX_NUMNODES
from reference.generations import GENERATIONS

_NODES = ((0.15, 1, 1), (0.42, 2, 2), (0.60, 3, 3), (0.74, 4, 4), (0.88, 5, 8), (0.95, 9, 16), (0.975, 17, 32))
"""For a cumulative share of hosts: the range of their numbers of nodes. All others have many nodes."""
_MANY, _LARGEST = 32, 0.7
"""More nodes than this are many; and the share of such hosts that have the maximum."""
_LLC_COLORING, _DEBUG_BUILD = 0.03, 0.08
_MOST_HUGE = 2
"""The most nodes of a host with 2^32 pages per node: such heaps have thousands of blocks at boot."""


def draw_host(draw: Draw, extended: bool = True) -> HostShape:
    """Draw a host. Most are small: most failures of a large host occur on a small one, in fewer steps.

    :param extended: draw features of claim-trace/2, too: LLC colouring, a debug build of the hypervisor
    """
    nodes = _number_of_nodes(draw)
    style = draw.random()
    if style < 0.40 and nodes > _MANY:
        pages = [1 + draw.below(8) for _ in range(nodes)]
        pages[draw.below(nodes)] = 1 << (6 + draw.below(5))  # one node has most of the memory
    elif style < 0.40:
        pages = [draw.below(9) for _ in range(nodes)]
    elif style < 0.68:
        pages = [1 + draw.below(48) for _ in range(nodes)]
    elif style < 0.78:
        pages = [draw.pick((0, 1, 4, 16, 100, 4096)) for _ in range(nodes)]
    elif style < 0.98 or nodes > _MOST_HUGE:
        pages = [1 << (9 + draw.below(13))] * nodes
    else:
        pages = [1 << 32] * nodes  # exceeds a domain's 32-bit counters
    span = least_span(pages) << draw.below(2)
    llc_coloring, debug_build = draw.chance(_LLC_COLORING) and extended, draw.chance(_DEBUG_BUILD) and extended
    last: int | UnsetType = 0 if extended else UNSET  # claim-trace/1 has no such field
    return HostShape(span, pages, llc_coloring, last, debug_build)


def _number_of_nodes(draw: Draw) -> int:
    share = draw.random()
    for up_to, least, most in _NODES:
        if share < up_to:
            return least + draw.below(most - least + 1)
    return MAX_NUMNODES if draw.chance(_LARGEST) else _MANY + 1 + draw.below(MAX_NUMNODES - _MANY - 1)


def runner_on(shape: HostShape, semantics: str, *, check_locks: bool = False) -> Runner:
    """The reference of one generation on a host of that shape, after boot."""
    return Runner(boot_shape(shape, GENERATIONS[semantics], check_locks=check_locks))
