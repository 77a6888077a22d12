"""What the model leaves open is asked of the reference: which frames are what, and who has them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from model.calls import ANONYMOUS
from reference.pages import Block, PageState
from reference.state import Host

from .compiled import Pages


def marked_in(host: Host, block: Pages) -> int:
    """How many pages of a block leave when it is freed."""
    offlining = host.pages.offlining
    if not offlining or block.mfn is None:
        return 0
    return sum(block.mfn <= mfn < block.mfn + block.pages for mfn in offlining)


def pages_at(host: Host, mfn: int, order: int) -> Pages | None:
    """What these frames are; none if they are not all allocated, or not alike."""
    pages = host.pages
    block = pages.blocks.get(mfn)
    if block is None or block.order < order:
        block = pages.find(mfn)
        if mfn & ((1 << order) - 1) or block is None:
            return None
        if block.order < order and not _alike(host, mfn, order, block):
            return None
    owner = None if block.state is PageState.ANONYMOUS else block.domid
    return Pages(order, mfn // host.node_span, block.state.value, owner, block.refcounted, mfn)


def _alike(host: Host, mfn: int, order: int, first: Block) -> bool:
    end = mfn + (1 << order)
    while mfn < end:
        part = host.pages.blocks.get(mfn)
        if part is None or not part.alike(first):
            return False
        mfn += part.pages
    return True


def owned_by(host: Host, domid: int) -> list[Pages]:
    """The blocks that a domain owns, in the order in which the reference frees them."""
    return [
        Pages(block.order, block.mfn // host.node_span, block.state.value, domid, block.refcounted, block.mfn)
        for block in host.pages.of_domain(domid)
    ]


def has_pages(host: Host, domid: int) -> bool:
    """Whether any block is a domain's, or meant for it."""
    return any(block.domid == domid for block in host.pages.blocks.values())


class Extents:
    """What the frames of an exchange are, looked up when they are asked for."""

    def __init__(self, mfns: Sequence[int], look_up: Callable[[int], Pages | None]) -> None:
        self._mfns = mfns
        self._look_up = look_up

    def __len__(self) -> int:
        return len(self._mfns)

    def __getitem__(self, which: slice) -> list[Pages | None]:
        found: list[Pages | None] = []
        mfns = self._mfns[which]
        for index, mfn in enumerate(mfns):
            extent = self._look_up(mfn)
            if extent is not None and mfn in mfns[:index]:  # the one before it was stolen by then
                extent = Pages(extent.order, extent.node, ANONYMOUS, None, False, mfn)
            found.append(extent)
        return found
