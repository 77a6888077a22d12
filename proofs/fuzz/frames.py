"""What the model leaves open is asked of the reference: which frames are what, and who has them."""

from __future__ import annotations

from collections.abc import Iterator

from reference.pages import Block, PageState
from reference.state import Domain, Host

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


class Owned:
    """The blocks of a domain that is being freed, as the reference goes through them: a list at a time.

    It frees what is still the block that it was when the list was made, and lists what is left anew.
    """

    def __init__(self, host: Host, domain: Domain) -> None:
        self._host = host
        self._domain = domain
        self._listed: dict[int, Block] = {}

    def __iter__(self) -> Iterator[int]:
        """First frames; a new list is made."""
        self._listed = {block.mfn: block for block in self._host.pages.of_domain(self._domain)}
        return iter(list(self._listed))

    def get(self, frame: int) -> Pages | None:
        """What is listed there, if it is still the domain's; none if somebody else freed it, or a part of it."""
        block = self._listed[frame]
        if self._host.pages.blocks.get(frame) is not block or block.owner is not self._domain:
            return None
        node = frame // self._host.node_span
        return Pages(block.order, node, block.state.value, self._domain.domid, block.refcounted, frame)


def stash_of(host: Host, domain: Domain) -> Pages | None:
    """The frames of a domain's stashed extent; none if there is no such extent."""
    stash = domain.pending_scrub
    if stash is None:
        return None
    return Pages(stash.order, stash.mfn // host.node_span, PageState.LIMBO.value, domain.domid, True, stash.mfn)
