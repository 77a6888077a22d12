"""At the very edge of a check, where mutants of the check survived."""

import pytest

from reference.constants import MAX_NUMNODES, MEMF_no_refcount
from reference.generations import GENERATIONS
from reference.heap import NodeHeap, lowest_address
from reference.hypercalls import claim_pages, memory_exchange
from reference.page_alloc import alloc_heap_pages, free_heap_pages, offline_page, release_ownership
from reference.pages import PageState
from reference.state import boot, create_domain
from reference.status import MisuseError, Status
from reference.steps import run
from tests.reference.hosts import alloc, claim, held, small_host


@pytest.mark.parametrize(("node", "expected"), [(MAX_NUMNODES - 1, Status.ENOMEM), (MAX_NUMNODES, Status.EINVAL)])
def test_v1_checks_only_the_range_of_a_node_id(node: int, expected: Status) -> None:
    host = boot((4,), 4, GENERATIONS["single-node-v1"])
    domain = create_domain(host, 1, max_pages=4)
    assert host.semantics.set_outstanding_pages(host, domain, 1, node) is expected


def test_exchange_cannot_steal_pages_in_limbo() -> None:
    host = boot((8,), 8, GENERATIONS["claim-sets"])
    domain = create_domain(host, 1, max_pages=8)
    mfn = alloc_heap_pages(host, domain, 0)
    assert mfn is not None
    assert run(memory_exchange(host, 1, [mfn], 0, 0)).status is Status.EINVAL
    assert host.pages.exact(mfn, 0).state is PageState.LIMBO


def test_ownerless_pages_cannot_leave_tot_pages() -> None:
    host = boot((8,), 8, GENERATIONS["claim-sets"])
    mfn = alloc_heap_pages(host, create_domain(host, 1, max_pages=8), 0)
    assert mfn is not None
    with pytest.raises(MisuseError, match="belongs to no domain"):
        release_ownership(host, mfn, 0)


def test_search_skips_a_node_without_a_large_enough_block() -> None:
    host = small_host(10, 8)
    offline_page(host, 3)
    assert alloc(host, 1, 3, 0) == 16


def test_v4_redeems_all_if_less_would_exceed_the_limit() -> None:
    host = small_host(8, 8, semantics="single-node-v4", max_pages=4)
    assert host.semantics.set_outstanding_pages(host, host.domain(1), 4, 0) is Status.OK
    assert alloc(host, 1, 2, 1) == 16
    assert held(host, 1) == ([0, 0], 0, 4)


def test_unlocked_reads_work_without_lock_checks() -> None:
    host = small_host(semantics="single-node-v3", check_locks=False)
    alloc(host, 1, 1)
    assert run(claim_pages(host, 1, 5)) is Status.OK
    assert held(host, 1)[1:] == (3, 2)


def test_exchange_notices_that_its_new_pages_changed_owner() -> None:
    """Only a free of pages that the caller does not hold leads there."""
    host = small_host(4)
    assert alloc(host, 1) == 0
    steps = memory_exchange(host, 1, [0], 0, 0)
    for _ in range(3):
        next(steps)
    free_heap_pages(host, 1, 0)
    assert alloc(host, 2) == 1
    with pytest.raises(MisuseError, match="mfn 1 already belongs to d2"):
        run(steps)


def test_queue_of_stale_blocks_is_rebuilt() -> None:
    heap = NodeHeap(0, 4)
    heap.take(1, 0)
    heap.take(3, 0)
    for _ in range(200):
        assert lowest_address(heap, 0) == 0
        heap.take(2, 0)
        heap.give(2, 0)
    assert sorted(heap.blocks()) == [(0, 0), (2, 0)]


def test_redeemed_at_assign_applies_to_refcounted_pages_only() -> None:
    host = small_host(8, semantics="claim-sets+redeemed-at-assign")
    assert claim(host, 1, (4, 0)) is Status.OK
    assert alloc(host, 1, 1, 0, MEMF_no_refcount) == 0
    assert held(host, 1) == ([4], 0, 0)
    assert alloc(host, 1, 1, 0) == 2
    assert held(host, 1) == ([2], 0, 2)
