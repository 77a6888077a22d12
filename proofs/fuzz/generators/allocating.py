"""Events that take pages, hand them over, and give them back."""

from __future__ import annotations

from msgspec.structs import replace

from proofs.fuzz.world import UNKNOWN_DOMID, RandomWorld
from proofs.traces.events import AllocDomheapPages, FreeDomheapPages, OfflinePage
from proofs.traces.fields import MemFlag
from proofs.traces.own_events import (
    AllocHeapPages,
    AssignPages,
    FreeHeapPages,
    MemoryExchange,
    OnlinePage,
    PopulatePhysmap,
    PreemptionPoint,
)
from reference.constants import MAX_ORDER, SCRUB_CHUNK
from reference.pages import PageState

_MEMFLAGS: tuple[list[MemFlag], ...] = (
    [],
    [],
    [],
    [],
    [],
    ["exact_node"],
    ["exact_node"],
    ["no_owner"],
    ["no_refcount"],
    ["exact_node", "no_refcount"],
    ["exact_node", "no_owner"],
)
_MOST_SPLIT = 4
"""By how many orders an exchange cuts blocks at most: each is another doubling of its critical sections."""


def _order(world: RandomWorld, node: int | None) -> int:
    """Mostly small; now and then the largest that fits the node or the host, or one more; seldom too large for any."""
    draw, host = world.draw, world.host
    choice = draw.random()
    if choice < 0.55:
        return 0
    if choice < 0.80:
        return 1 + draw.below(3)
    if choice < 0.98:
        avail = (
            host.node_avail_pages[node]
            if node is not None and node < len(host.node_pages)
            else max(host.node_avail_pages)
        )
        order = avail.bit_length() - 1 + draw.below(2) if choice < 0.92 else draw.below(avail.bit_length() + 1)
        return 0 if order < 0 else MAX_ORDER if order > MAX_ORDER else order
    return draw.pick((MAX_ORDER - 1, MAX_ORDER, MAX_ORDER + 1, 63))


def _memflags(world: RandomWorld) -> list[MemFlag]:
    """Those of a request; ``no_refcount`` alone needs extended traces."""
    flags = world.draw.pick(_MEMFLAGS)
    if world.offered is None or world.offered.extended:
        return flags
    return [flag for flag in flags if flag != "no_refcount"]


def alloc_domheap_pages(world: RandomWorld) -> AllocDomheapPages:
    """Allocate and assign, for a domain or for the hypervisor itself."""
    draw = world.draw
    domain = world.any_domain() if draw.random() < 0.93 else None
    node = world.any_node()
    return AllocDomheapPages(
        domid=None if domain is None else domain.domid,
        order=_order(world, node),
        node=node,
        memflags=_memflags(world),
    )


def alloc_heap_pages(world: RandomWorld) -> AllocHeapPages:
    """The first half alone: the pages stay in limbo until somebody assigns or frees them."""
    whole = alloc_domheap_pages(world)
    return AllocHeapPages(domid=whole.domid, order=whole.order, node=whole.node, memflags=whole.memflags)


def assign_pages(world: RandomWorld) -> AssignPages | None:
    """The second half, for pages that are loose in limbo."""
    assignable = world.assignable()
    if not assignable:
        return None
    loose = world.draw.pick(assignable)
    return AssignPages(
        mfn=loose.mfn, order=loose.order, domid=loose.domid, memflags=[f for f in loose.memflags if f == "no_refcount"]
    )


def free_heap_pages(world: RandomWorld) -> FreeHeapPages | None:
    """Pages that are loose in limbo go back to the heap, or such as have no owner."""
    if world.loose and world.draw.random() < 0.7:
        loose = world.draw.pick(world.loose)
        return FreeHeapPages(mfn=loose.mfn, order=loose.order)
    blocks = [block for block in world.freeable_blocks() if block.state is PageState.ANONYMOUS]
    if not blocks:
        return None
    block = world.draw.pick(blocks)
    return FreeHeapPages(mfn=block.mfn, order=block.order)


def free_domheap_pages(world: RandomWorld) -> FreeDomheapPages | None:
    """A block that somebody holds, or the lower part of it."""
    blocks = world.freeable_blocks()
    if not blocks:
        return None
    block = world.draw.pick(blocks)
    order = block.order if world.draw.random() < 0.8 else world.draw.below(block.order + 1)
    return FreeDomheapPages(mfn=block.mfn, order=order)


def populate_physmap(world: RandomWorld) -> PopulatePhysmap:
    """A few extents; or what goes on with a preempted call, mostly as that was, now and then otherwise."""
    draw = world.draw
    domid = world.populated_domid()
    continued = world.preempted.get(domid)
    if continued is None or draw.random() < 0.4:
        node = world.any_node()
        event = PopulatePhysmap(
            domid=domid,
            nr_extents=draw.below(9),
            extent_order=_extent_order(world, node),
            node=node,
            memflags=["exact_node"] if draw.random() < 0.3 else [],
        )
    else:
        event = replace(continued)
        if draw.random() < 0.1:
            event.nr_extents += draw.below(3)
        if draw.random() < 0.1:
            event.node, event.memflags = world.any_node(), ["exact_node"]
    event.preempt_at = _preempt_at(world, event)
    return event


_SMALLEST_PREEMPTED = 9
"""The order from which on an extent may be preempted while it is scrubbed."""


def _extent_order(world: RandomWorld, node: int | None) -> int:
    """Mostly as of any request; where there is room, often so large that scrubbing may be preempted."""
    draw = world.draw
    if max(world.host.node_avail_pages) >> _SMALLEST_PREEMPTED and draw.random() < 0.6:
        return _SMALLEST_PREEMPTED + draw.below(2)
    return _order(world, node)


def _preempt_at(world: RandomWorld, event: PopulatePhysmap) -> PreemptionPoint | None:
    """A preemption check that says yes; some are not made."""
    draw = world.draw
    if (world.offered is not None and not world.offered.extended) or draw.random() < 0.4:
        return None
    large = event.extent_order >= _SMALLEST_PREEMPTED
    extent = event.start_extent + draw.below(max(1, min(event.nr_extents - event.start_extent, 3)))
    if not large or draw.random() < 0.15:
        return PreemptionPoint(extent, 0)
    chunks = (1 << min(event.extent_order, _SMALLEST_PREEMPTED + 2)) // SCRUB_CHUNK
    return PreemptionPoint(extent, SCRUB_CHUNK * (1 + draw.below(chunks)))


def memory_exchange(world: RandomWorld) -> MemoryExchange | None:
    """Extents of a domain for extents of another order; some that are not the domain's."""
    draw = world.draw
    blocks = world.owned_blocks()
    if not blocks:
        return None
    block = draw.pick(blocks)
    in_order = draw.below(min(block.order, _MOST_SPLIT) + 1)
    out_order = draw.below(3) if draw.random() < 0.6 else in_order
    extents = 1 << max(0, out_order - in_order)
    if draw.random() < 0.2:
        extents += draw.below(3)
    mfns = _extents(world, block.domid, in_order, extents)
    if draw.random() < 0.1:
        mfns[draw.below(len(mfns))] = draw.below(len(world.host.node_pages) * world.host.node_span)
    if draw.random() < 0.02:
        out_order = MAX_ORDER + 1
    domid = block.domid if draw.random() < 0.97 else UNKNOWN_DOMID
    assert domid is not None  # the block is a domain's
    return MemoryExchange(domid=domid, in_mfns=mfns, in_order=in_order, out_order=out_order, node=world.any_node())


def _extents(world: RandomWorld, domid: int | None, order: int, number: int) -> list[int]:
    """First frames of extents of a domain: fewer than wanted if it has no more, but at least one."""
    found = []
    for block in world.owned_blocks():
        if block.domid == domid and block.order >= order:
            for mfn in range(block.mfn, block.mfn + min(block.pages, number << order), 1 << order):
                found.append(mfn)
                if len(found) == number:
                    return found
    return found


def offline_page(world: RandomWorld) -> OfflinePage | None:
    """A page in any state: free, in use, or offline already."""
    draw, pages = world.draw, world.host.pages
    choice = draw.random()
    if choice < 0.1 and (stashed := [d.pending_scrub for d in world.host.domains.values() if d.pending_scrub]):
        stash = draw.pick(stashed)
        return OfflinePage(mfn=stash.mfn + draw.below(1 << stash.order))
    if choice < 0.3 and pages.blocks:
        block = draw.pick(list(pages.blocks.values()))
        return OfflinePage(mfn=block.mfn + draw.below(block.pages))
    if choice < 0.35 and pages.offlined:
        return OfflinePage(mfn=draw.pick(sorted(pages.offlined)))
    mfn = world.any_mfn()
    return None if mfn is None else OfflinePage(mfn=mfn)


def online_page(world: RandomWorld) -> OnlinePage | None:
    """Mostly a page that is offline or marked."""
    draw, pages = world.draw, world.host.pages
    if draw.random() < 0.9 and (gone := pages.offlined or pages.offlining):
        return OnlinePage(mfn=draw.pick(sorted(gone)))
    if pages.offlining and draw.random() < 0.5:
        return OnlinePage(mfn=draw.pick(sorted(pages.offlining)))
    mfn = world.any_mfn()
    return None if mfn is None else OnlinePage(mfn=mfn)
