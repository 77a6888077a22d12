"""The queues that make the lowest free block cheap to find never change which one it is, and stay small."""

import random

from reference.constants import MAX_ORDER
from reference.heap import NodeHeap, lowest_address


def take(heap: NodeHeap, order: int) -> int:
    mfn = lowest_address(heap, order)
    assert mfn is not None
    heap.take(mfn, order)
    return mfn


def test_the_lowest_block_is_the_lowest() -> None:
    heap = NodeHeap(0, 1 << 10)
    choose = random.Random(7)
    taken: list[tuple[int, int]] = []
    for _ in range(3000):
        if taken and choose.random() < 0.5:
            heap.give(*taken.pop(choose.randrange(len(taken))))
        elif heap.orders & 7:
            order = choose.choice([o for o in range(3) if heap.orders >> o])
            taken.append((take(heap, order), order))
        for order, blocks in enumerate(heap.free):
            if blocks and choose.random() < 0.2:
                assert heap.lowest(order) == min(blocks)


def test_memory_of_the_queues_stays_bounded() -> None:
    heap = NodeHeap(0, 1 << 12)
    pages = [take(heap, 0) for _ in range(1 << 11)]
    for mfn in pages[::2]:
        heap.give(mfn, 0)
    for _ in range(20):
        assert heap.lowest(0) == 0
        heap.take(0, 0)
        for mfn in pages[2::2]:  # taken and returned, never compared
            heap.take(mfn, 0)
            heap.give(mfn, 0)
        heap.give(0, 0)
        remembered = sum(map(len, heap._queue))
        assert remembered < 4 * sum(1 for _ in heap.blocks()) + 64 * (MAX_ORDER + 1)
