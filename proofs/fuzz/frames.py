"""Queries to the reference about frames, which the model leaves open: their state and owner."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from reference.pages import Block, PageState
from reference.state import Domain, Host

from . import longest
from .numbers import Pages


def marked_in(host: Host, block: Pages) -> int:
    """The number of a block's pages that go offline when it is freed."""
    offlining = host.pages.offlining
    if not offlining or block.mfn is None:
        return 0
    return sum(block.mfn <= mfn < block.mfn + block.pages for mfn in offlining)


def pages_at(host: Host, mfn: int, order: int) -> Pages | None:
    """The block of these frames; None: they are not all allocated, or not alike."""
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


class OwnedBlocks:
    """The blocks of a domain whose memory is being freed, in the reference's order, as successive lists.

    The reference frees a listed block only if it is unchanged since the list was made, then makes a new list.
    """

    def __init__(self, host: Host, domain: Domain, hits: Counter[str]) -> None:
        """``hits``: the outcome classes that are counted."""
        self._host = host
        self._domain = domain
        self._hits = hits
        self._listed: dict[int, Block] = {}

    def __iter__(self) -> Iterator[int]:
        """Make a new list; yields the first frame of each block."""
        self._listed = {block.mfn: block for block in self._host.pages.of_domain(self._domain)}
        if len(self._listed) >= longest.BLOCKS:
            self._hits[longest.FREED] += 1
        return iter(list(self._listed))

    def get(self, frame: int) -> Pages | None:
        """The listed block at this frame; None: another call freed the block or a part of it."""
        block = self._listed[frame]
        if self._host.pages.blocks.get(frame) is not block or block.owner is not self._domain:
            return None
        node = frame // self._host.node_span
        return Pages(block.order, node, block.state.value, self._domain.domid, block.refcounted, frame)


def stash_of(host: Host, domain: Domain) -> Pages | None:
    """The block of a domain's stashed extent; None: there is no stash."""
    stash = domain.pending_scrub
    if stash is None:
        return None
    return Pages(stash.order, stash.mfn // host.node_span, PageState.LIMBO.value, domain.domid, True, stash.mfn)
