"""The buddy heap: free blocks of 2^order pages, per node, split and merged.

State grows with the number of free blocks, not with memory. A policy (``BlockPolicy``) chooses the free block for a
request, because the hypervisor's specification leaves that open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from heapq import heappop, heappush

from .constants import MAX_ORDER
from .status import MisuseError


class NodeHeap:
    """Free blocks of one node, as machine frame numbers (mfn) by order. Blocks never merge across nodes."""

    __slots__ = ("_queue", "first_mfn", "free", "free_pages", "orders", "pages")

    def __init__(self, first_mfn: int, pages: int) -> None:
        self.first_mfn = first_mfn
        self.pages = pages
        self.free: list[set[int]] = [set() for _ in range(MAX_ORDER + 1)]
        self.free_pages = pages
        self.orders = 0  # bit o is set while there is a free block of order o
        # Lowest address first, built on first use. It then holds every block of that order, and possibly blocks that
        # are no longer free, which are dropped when they reach the top.
        self._queue: list[list[int]] = [[] for _ in range(MAX_ORDER + 1)]
        self._add_range(first_mfn, first_mfn + pages)

    def _add_range(self, mfn: int, end: int) -> None:
        while mfn < end:
            order = min(MAX_ORDER, (end - mfn).bit_length() - 1)
            if mfn:
                order = min(order, (mfn & -mfn).bit_length() - 1)
            self._add(mfn, order)
            mfn += 1 << order

    def _add(self, mfn: int, order: int) -> None:
        blocks = self.free[order]
        blocks.add(mfn)
        self.orders |= 1 << order
        queue = self._queue[order]
        if queue:
            heappush(queue, mfn)
            if len(queue) > 2 * len(blocks) + 64:
                queue.clear()

    def _remove(self, mfn: int, order: int) -> None:
        blocks = self.free[order]
        blocks.remove(mfn)
        if not blocks:
            self.orders &= ~(1 << order)
            self.free[order] = set()  # a set that was large stays slow to search

    def smallest_order(self, order: int) -> int | None:
        """The smallest order, at least ``order``, that has a free block; None: there is no such order."""
        candidates = self.orders >> order
        if not candidates:
            return None
        return order + (candidates & -candidates).bit_length() - 1

    def lowest(self, order: int) -> int:
        """The lowest free block of exactly that order. There must be one."""
        blocks = self.free[order]
        queue = self._queue[order]
        if len(blocks) == 1 and not queue:
            (mfn,) = blocks
            return mfn
        while queue and queue[0] not in blocks:
            heappop(queue)
        if not queue:
            queue[:] = sorted(blocks)
        return queue[0]

    def find(self, mfn: int, order: int) -> int | None:
        """The order of the free block that contains all of [mfn, mfn + 2^order); None: there is no such block."""
        if mfn & ((1 << order) - 1):
            return None
        candidates = self.orders >> order
        while candidates:
            if candidates & 1 and mfn >> order << order in self.free[order]:
                return order
            candidates >>= 1
            order += 1
        return None

    def take(self, mfn: int, order: int) -> None:
        """Take this free block, splitting the block that contains it.

        :raises MisuseError: it is not free
        """
        found = self.find(mfn, order)
        if found is None:
            raise MisuseError(f"mfn {mfn} order {order} is not a free block")
        self.free_pages -= 1 << order
        self._remove(mfn >> found << found, found)
        for half in range(order, found):
            # Keep the half that does not contain the block.
            self._add((mfn >> half ^ 1) << half, half)

    def give(self, mfn: int, order: int) -> None:
        """Return a block and merge it with its free buddies."""
        self.free_pages += 1 << order
        free = self.free
        while order < MAX_ORDER:
            buddy = mfn ^ (1 << order)
            blocks = free[order]
            if buddy not in blocks:
                break
            blocks.remove(buddy)
            if not blocks:
                self.orders ^= 1 << order
            mfn &= buddy
            order += 1
        self._add(mfn, order)

    def blocks(self) -> Iterator[tuple[int, int]]:
        """(mfn, order) of every free block."""
        for order, blocks in enumerate(self.free):
            for mfn in blocks:
                yield mfn, order


BlockPolicy = Callable[[NodeHeap, int], "int | None"]
"""(heap of the node, order) -> mfn of a free block of that order; None: the node has no such block."""


def lowest_address(heap: NodeHeap, order: int) -> int | None:
    """The default policy: the lowest block of the smallest sufficient order."""
    found = heap.smallest_order(order)
    return None if found is None else heap.lowest(found)
