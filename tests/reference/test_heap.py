"""The buddy heap against the plainest model there is: a set of free pages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.constants import MAX_ORDER
from reference.heap import NodeHeap, lowest_address
from reference.status import MisuseError


def pages_of(heap: NodeHeap) -> list[int]:
    return sorted(page for mfn, order in heap.blocks() for page in range(mfn, mfn + (1 << order)))


def assert_canonical(heap: NodeHeap, free: set[int]) -> None:
    """Free pages are exactly these; blocks are aligned, disjoint, and no two free buddies are left unmerged."""
    assert pages_of(heap) == sorted(free)
    assert heap.free_pages == len(free)
    blocks = set(heap.blocks())
    for mfn, order in blocks:
        assert mfn % (1 << order) == 0
        assert order == MAX_ORDER or (mfn ^ (1 << order), order) not in blocks
    assert {order for _, order in blocks} == {o for o in range(MAX_ORDER + 1) if heap.orders >> o & 1}


@given(st.integers(0, 5), st.integers(0, 64))
def test_boot_leaves_all_pages_in_the_largest_blocks(first: int, pages: int) -> None:
    heap = NodeHeap(first * 64, pages)
    assert_canonical(heap, set(range(first * 64, first * 64 + pages)))


@given(st.data(), st.sampled_from([1, 5, 8, 13, 32]))
def test_random_take_and_give_keep_the_free_set(data: st.DataObject, pages: int) -> None:
    heap = NodeHeap(32, pages)
    free = set(range(32, 32 + pages))
    taken: list[tuple[int, int]] = []
    for _ in range(data.draw(st.integers(1, 30))):
        if taken and data.draw(st.booleans()):
            mfn, order = taken.pop(data.draw(st.integers(0, len(taken) - 1)))
            heap.give(mfn, order)
            free.update(range(mfn, mfn + (1 << order)))
        else:
            order = data.draw(st.integers(0, 5))
            legal = [m for m in range(0, 64, 1 << order) if free.issuperset(range(m, m + (1 << order)))]
            lowest = lowest_address(heap, order)
            assert (lowest is None) == (legal == [])
            assert [m for m in range(0, 70) if heap.find(m, order) is not None] == legal
            if lowest is None:
                continue
            assert lowest in legal
            mfn = data.draw(st.sampled_from([lowest, *legal]))
            heap.take(mfn, order)
            free.difference_update(range(mfn, mfn + (1 << order)))
            taken.append((mfn, order))
        assert_canonical(heap, free)


def test_default_policy_takes_the_lowest_smallest_block() -> None:
    heap = NodeHeap(0, 16)
    heap.take(4, 2)
    heap.take(15, 0)  # free now: 0-3, 8-11, 12-13, 14
    assert lowest_address(heap, 0) == 14
    assert lowest_address(heap, 1) == 12
    assert lowest_address(heap, 2) == 0
    assert lowest_address(heap, 3) is None


def test_taking_a_block_that_is_not_free_is_misuse() -> None:
    heap = NodeHeap(0, 8)
    heap.take(2, 1)
    for mfn, order in ((2, 0), (3, 0), (2, 1), (0, 2), (1, 1), (0, 4), (8, 0)):
        with pytest.raises(MisuseError, match=f"mfn {mfn} order {order} is not a free block"):
            heap.take(mfn, order)


def test_blocks_are_not_merged_beyond_max_order() -> None:
    heap = NodeHeap(0, 2 << MAX_ORDER)
    assert sorted(heap.blocks()) == [(0, MAX_ORDER), (1 << MAX_ORDER, MAX_ORDER)]
    heap.take(5, 0)
    heap.give(5, 0)
    assert sorted(heap.blocks()) == [(0, MAX_ORDER), (1 << MAX_ORDER, MAX_ORDER)]


def test_state_does_not_grow_with_use() -> None:
    """What the lowest-address queues remember of blocks that are gone stays bounded."""
    heap = NodeHeap(0, 1 << 12)
    heap.take(2048, 3)
    for page in range(0, 1024, 2):
        heap.take(page, 0)
    for _ in range(20):
        for page in range(0, 1024, 2):
            heap.give(page, 0)
        for page in range(0, 1024, 2):
            heap.take(page, 0)
    remembered = sum(map(len, heap._queue))
    assert remembered < 4 * sum(1 for _ in heap.blocks()) + 64 * (MAX_ORDER + 1)
