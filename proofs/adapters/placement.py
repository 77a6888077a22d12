"""Maps the blocks of a recording to those that an outside program took instead: both are legal choices.

Later operations name the recorded pages, which are translated to the program's pages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest

import msgspec
from msgspec import UNSET

from proofs.operations import (
    AllocDomheapPages,
    AllocHeapPages,
    AssignPages,
    Continue,
    Event,
    FreeDomheapPages,
    FreeHeapPages,
    MemoryExchange,
    OfflinePage,
    OnlinePage,
    PopulatePhysmap,
)
from reference.state import Host, all_locks
from reference.status import PageStatus

from .protocol import NamedPage

_ORDER: dict[type[Event], str] = {
    AllocDomheapPages: "order",
    AllocHeapPages: "order",
    PopulatePhysmap: "extent_order",
    MemoryExchange: "out_order",
}
"""By operation, the field with the order of the blocks that it takes."""


NamesBlock = FreeDomheapPages | FreeHeapPages | AssignPages
"""The operations on a block that was allocated."""

_NAMES_PAGES = (FreeDomheapPages, FreeHeapPages, AssignPages, OfflinePage, OnlinePage, MemoryExchange)
"""The operations with pages as arguments."""


class PlacedBlock:
    """A recorded block of 2^order pages, and its place in the program."""

    __slots__ = ("age", "answered", "end", "mfn", "of", "recorded")

    def __init__(self, recorded: int, order: int, age: int, of: int | None) -> None:
        self.recorded = recorded
        self.end = recorded + (1 << order)
        self.age = age
        self.of = of  # the operation that gets it, if it gets only this block
        self.answered = False
        self.mfn: int | None = None  # None after the answer: the program did not get the block


class Placement:
    """The blocks of one trace. Freed blocks are kept: the recording does not name them again."""

    def __init__(self, host: Host, settle: Callable[[int], None], left: Callable[[], int]) -> None:
        """
        :param host: the reference's host, which follows the answers
        :param settle: waits until this many operations are unanswered
        :param left: returns the number of unanswered operations
        """
        self._host = host
        self._settle = settle
        self._left = left
        self._blocks: dict[int, dict[int, PlacedBlock]] = {}  # by order, then by first recorded page
        self._age = 0
        self._began: dict[str, Event] = {}  # a builder's operation in flight
        self._offlined: dict[int, int] = {}  # page taken offline in the recording -> in the program

    def translated(self, event: Event) -> Event | None:
        """The operation with the program's pages; None: the program does not have them. Waits for answers if needed.

        :raises reference.status.MisuseError: the host has no such page
        """
        if type(event) not in _NAMES_PAGES:
            return event
        mfn: int | None
        if isinstance(event, NamesBlock):
            mfn = self._here(event.mfn, event.order)
        elif isinstance(event, OfflinePage):
            mfn = self._to_offline(event)
        elif isinstance(event, OnlinePage):
            mfn = self._offlined.pop(event.mfn, event.mfn)
        else:
            assert isinstance(event, MemoryExchange)
            mfns = [self._here(mfn, event.in_order) for mfn in event.in_mfns]
            return None if None in mfns else msgspec.structs.replace(event, in_mfns=mfns)
        return None if mfn is None else msgspec.structs.replace(event, mfn=mfn)

    def named(self, event: Event) -> tuple[PlacedBlock | None, NamedPage | None]:
        """If its pages are not known yet: their block, and their name by the operation that gets them."""
        if not isinstance(event, NamesBlock):
            return None, None
        block = self._latest(event.mfn)
        if block is None or block.answered or block.of is None or event.mfn + (1 << event.order) > block.end:
            return None, None
        return block, NamedPage(block.of, event.mfn - block.recorded)

    def _here(self, mfn: int, order: int) -> int | None:
        """The program's pages for these recorded pages."""
        for block in self._parts(mfn, order):
            while not block.answered:
                self._settle(self._left() - 1)
        return self._locate(mfn, order)

    def _to_offline(self, event: OfflinePage) -> int | None:
        """The same page, if it is free as in the recording; else another free page of its node."""
        mfn = self._offlined.get(event.mfn)
        if mfn is None:
            in_use = event.result in (PageStatus.OWNED_PENDING, PageStatus.ANONYMOUS_FAILED)
            mfn = self._here(event.mfn, 0) if in_use else self._free_page(event.mfn)
            if mfn is not None:
                self._offlined[event.mfn] = mfn
        return mfn

    def _free_page(self, mfn: int) -> int | None:
        self._settle(0)
        with all_locks(self._host):
            heap = self._host.heap[self._host.node_of(mfn)]
            if heap.find(mfn, 0) is not None:
                return mfn
            order = heap.smallest_order(0)
            return None if order is None else heap.lowest(order)

    def expect(self, event: Event, number: int) -> Sequence[PlacedBlock]:
        """Record the blocks that the event got in the recording; the program's are not known yet.

        :param number: the number of the operation in the program's count
        """
        begun = event
        if event.builder is not UNSET:
            if type(event) is Continue:
                begun = self._began.get(event.builder, event)
            else:
                self._began[event.builder] = event
        field = _ORDER.get(type(begun))
        if field is None:
            return ()
        order: int = getattr(begun, field)
        of = number if field == "order" and begun is event else None
        blocks = self._blocks.setdefault(order, {})
        expected = []
        for recorded in blocks_of(event):
            self._age += 1
            blocks[recorded] = block = PlacedBlock(recorded, order, self._age, of)
            expected.append(block)
        return expected

    def _latest(self, page: int) -> PlacedBlock | None:
        """The last recorded block that contains this page."""
        found: PlacedBlock | None = None
        for order, blocks in self._blocks.items():
            block = blocks.get(page >> order << order)
            if block is not None and (found is None or block.age > found.age):
                found = block
        return found

    def _parts(self, mfn: int, order: int) -> Iterator[PlacedBlock]:
        """The known blocks that cover these recorded pages."""
        page = mfn
        while page < mfn + (1 << order) and (block := self._latest(page)) is not None:
            yield block
            page = block.end

    def _locate(self, mfn: int, order: int) -> int | None:
        """The program's place of these recorded pages; None: it does not have them as one block. All are answered."""
        page = first = mfn
        for block in self._parts(mfn, order):
            if block.mfn is None:
                return None
            at = block.mfn + page - block.recorded
            if page == mfn:
                first = at
            elif at - first != page - mfn:
                return None
            page = block.end
        if page < mfn + (1 << order):
            return mfn  # a builder's operation in flight: its blocks are the lowest free ones in every program
        mask = (1 << order) - 1  # pages that are unaligned in the recording are refused on both sides
        return first if bool(first & mask) == bool(mfn & mask) else None


def answered(blocks: Sequence[PlacedBlock], event: Event) -> None:
    """Record the program's answer: the places of the event's blocks, in order."""
    for block, mfn in zip_longest(blocks, blocks_of(event)[: len(blocks)]):
        block.answered = True
        block.mfn = mfn


def blocks_of(event: Event) -> list[int]:
    """The first pages of the blocks that an event observed."""
    if "mfn" in event.observed:
        mfn = event.mfn  # type: ignore[attr-defined]  # it is among the observed fields
        if mfn is not None and mfn is not UNSET:
            return [mfn]
    mfns = getattr(event, "mfns", UNSET)
    return [] if mfns is UNSET else list(mfns)
