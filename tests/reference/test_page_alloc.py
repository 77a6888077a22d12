"""The allocator: checks, limbo, assignment and its failures, freeing, offlining."""

import pytest

from reference.constants import MAX_ORDER, MEMF_exact_node, MEMF_no_owner, MEMF_no_refcount
from reference.domain import mark_dying
from reference.page_alloc import (
    alloc_domheap_pages,
    alloc_heap_pages,
    assign_pages,
    free_domheap_pages,
    free_heap_pages,
    offline_page,
    online_page,
    release_ownership,
)
from reference.pages import PageState
from reference.properties import check_state, limbo_pages
from reference.state import boot, create_domain
from reference.status import MisuseError, PageStatus, Status
from reference.steps import run
from tests.reference.hosts import GLOBAL, alloc, avail, claim, free, held, small_host


def test_claimed_memory_is_protected_from_others() -> None:
    host = small_host()
    claim(host, 1, (6, 0), (6, GLOBAL))
    assert alloc(host, 2, 3) is None  # 8 pages, 4 unclaimed
    assert alloc(host, None, 2, node=0) == 16  # 4 pages: node 0 has 2 unclaimed, so node 1
    assert alloc(host, 2, 0) is None
    assert alloc(host, 1, 2, node=0) == 0


def test_host_check_credits_the_set_and_node_check_the_node() -> None:
    host = small_host()
    claim(host, 2, (7, 0))
    claim(host, 1, (8, 1))
    assert alloc(host, 1, 0, node=0, memflags=MEMF_exact_node) == 0  # one unclaimed page
    assert alloc(host, 1, 0, node=0, memflags=MEMF_exact_node) is None
    assert alloc(host, 1, 0, node=0) == 16  # the search continues


@pytest.mark.parametrize("memflags", [MEMF_no_refcount, MEMF_no_owner])
def test_unrefcounted_requests_neither_use_nor_redeem_claims(memflags: int) -> None:
    host = small_host(8)
    claim(host, 1, (7, 0))
    assert alloc(host, 1, 1, memflags=memflags) is None
    assert alloc(host, 1, 0, memflags=memflags) == 0
    assert held(host, 1) == ([7], 0, 0)


def test_allocation_needs_a_large_enough_block() -> None:
    host = small_host(6)
    assert alloc(host, 1, 3) is None
    assert alloc(host, 1, 2) == 0
    assert alloc(host, 1, 2) is None
    assert alloc(host, 1, MAX_ORDER + 1) is None


def test_search_goes_round_from_the_last_node() -> None:
    """A new domain's last node is 0, as ``struct domain`` is cleared: its first pages come from node 1."""
    host = small_host(8, 8, 8)
    assert [alloc(host, 1) for _ in range(4)] == [16, 32, 0, 17]
    assert alloc(host, 1, node=0) == 1
    assert alloc(host, 1) == 18


@pytest.mark.parametrize(("first", "mfns"), [(0, [16, 32, 0]), (1, [32, 0, 16]), (2, [0, 16, 32]), (None, [0, 16, 32])])
def test_trace_may_set_the_last_node_of_a_new_domain(first: int | None, mfns: list[int]) -> None:
    host = boot((8, 8, 8), 16, small_host().semantics, last_alloc_node=first)
    domain = create_domain(host, 1, 9)
    assert [run(alloc_domheap_pages(host, domain, 0)) for _ in mfns] == mfns
    create_domain(host, 2, 9, (0,))
    assert alloc(host, 2) == 1 + mfns[mfns.index(0)]


def test_limbo_pages_are_counted_until_assigned() -> None:
    host = small_host()
    mfn = alloc_heap_pages(host, host.domain(1), 1)
    assert mfn == 16
    assert held(host, 1)[2] == 0
    assert limbo_pages(host) == {1: 2}
    assert assign_pages(host, mfn, 1, host.domain(1)) is Status.OK
    assert held(host, 1)[2] == 2
    assert limbo_pages(host) == {}
    steps = free_domheap_pages(host, mfn, 1)
    next(steps)
    assert held(host, 1)[2] == 0
    assert [block.state for block in host.pages.in_limbo()] == [PageState.LIMBO]
    assert avail(host)[1] == 14
    with pytest.raises(StopIteration):
        next(steps)
    assert avail(host)[1] == 16


@pytest.mark.parametrize(
    ("max_pages", "dying", "status"),
    [(3, False, Status.EPERM), (4, False, Status.E2BIG), (5, False, Status.E2BIG), (100, True, Status.EINVAL)],
)
def test_failed_assignment_returns_pages_but_no_claims(max_pages: int, dying: bool, status: Status) -> None:
    host = small_host()
    alloc(host, 1, 2, 0)
    claim(host, 1, (3, 0))
    if dying:
        mark_dying(host.domain(1))
    host.semantics.set_max_pages(host, host.domain(1), max_pages)
    mfn = alloc_heap_pages(host, host.domain(1), 1, 0)
    assert mfn is not None
    assert assign_pages(host, mfn, 1, host.domain(1)) is status
    free_heap_pages(host, mfn, 1)
    assert held(host, 1) == ([1, 0], 0, 4)
    assert alloc(host, 1, 1, 0) is None
    assert held(host, 1) == ([0, 0], 0, 4)
    assert avail(host) == ([4, 8], 12, [0, 0], 0)


def test_unrefcounted_pages_are_not_in_tot_pages() -> None:
    host = small_host(max_pages=0)
    mfn = alloc(host, 1, 1, node=0, memflags=MEMF_no_refcount)
    assert mfn == 0
    assert held(host, 1)[2] == 0
    assert [block.mfn for block in host.pages.of_domain(host.domain(1))] == [0]
    free(host, mfn, 1)
    assert avail(host)[1] == 16


def test_parts_or_several_allocations_can_be_freed_together() -> None:
    host = small_host()
    alloc(host, 1, 3, node=0)
    free(host, 5)
    assert held(host, 1)[2] == 7
    free(host, 0, 2)
    assert held(host, 1)[2] == 3
    free(host, 6, 1)
    assert held(host, 1)[2] == 1
    assert alloc(host, 1, node=0) == 5
    free(host, 4, 1)  # two allocations in one
    assert (held(host, 1)[2], avail(host)[0]) == (0, [8, 8])
    assert check_state(host) == []


@pytest.mark.parametrize(
    ("mfn", "order", "message"),
    [
        (4, 0, "mfn 4 is not allocated"),
        (0, 3, "mfn 4 is not allocated"),
        (1, 1, "mfn 1 is not aligned"),
        (0, 2, "differ in owner"),
        (200, 0, "mfn 200 is not allocated"),
    ],
)
def test_freeing_anything_but_one_allocation_is_misuse(mfn: int, order: int, message: str) -> None:
    host = small_host(8)
    alloc(host, 1, 1)
    alloc(host, 2, 1)
    with pytest.raises(MisuseError, match=message):
        free(host, mfn, order)
    assert check_state(host) == []


@pytest.mark.parametrize(("meant_for", "given_to"), [(1, 2), (2, 1)])
def test_pages_go_only_to_the_domain_they_were_allocated_for(meant_for: int, given_to: int) -> None:
    host = small_host()
    mfn = alloc_heap_pages(host, host.domain(meant_for), 0)
    assert mfn is not None
    with pytest.raises(MisuseError, match=f"was not allocated for d{given_to}"):
        assign_pages(host, mfn, 0, host.domain(given_to))
    assert check_state(host) == []


def test_freeing_twice_is_misuse() -> None:
    host = small_host()
    alloc(host, 1, node=0)
    free(host, 0)
    with pytest.raises(MisuseError, match="mfn 0 is not allocated"):
        free(host, 0)


def test_sections_refuse_pages_in_the_wrong_state() -> None:
    host = small_host()
    alloc(host, 1, node=0)
    with pytest.raises(MisuseError, match="mfn 0 still belongs to d1"):
        free_heap_pages(host, 0, 0)
    with pytest.raises(MisuseError, match="mfn 0 already belongs to d1"):
        assign_pages(host, 0, 0, host.domain(2))
    alloc(host, None)
    with pytest.raises(MisuseError, match="mfn 1 belongs to no domain"):
        release_ownership(host, 1, 0)


def test_page_goes_offline_at_once_if_free_else_when_freed() -> None:
    host = small_host(4)
    alloc(host, 1, 1)
    claim(host, 2, (2, 0))
    assert offline_page(host, 0) is PageStatus.OWNED_PENDING
    assert avail(host) == ([2], 2, [2], 2)
    assert offline_page(host, 2) is PageStatus.OFFLINED
    assert avail(host) == ([1], 1, [1], 1)
    assert offline_page(host, 2) is PageStatus.OFFLINED  # again: nothing changes
    claim(host, 2, (1, 0))
    free(host, 0, 1)
    assert avail(host) == ([2], 2, [1], 1)
    assert check_state(host) == []
    assert alloc(host, 1) == 1
    assert alloc(host, 1) is None


def test_freeing_a_marked_page_recalls_no_claim() -> None:
    """Freeing cannot make claims exceed free pages, so this recall is for shortages from elsewhere: none here."""
    host = small_host(4)
    alloc(host, 1, 0)
    claim(host, 2, (3, 0))
    offline_page(host, 0)
    free(host, 0)
    assert avail(host) == ([3], 3, [3], 3)


def test_ownerless_pages_can_be_marked_and_freed() -> None:
    host = small_host(4)
    alloc(host, None)
    alloc_heap_pages(host, host.domain(1), 0)
    assert offline_page(host, 0) is PageStatus.ANONYMOUS_FAILED
    assert offline_page(host, 1) is PageStatus.ANONYMOUS_FAILED  # in limbo
    free(host, 0)
    assert avail(host)[1] == 2


def test_online_page_returns_or_withdraws_the_mark() -> None:
    host = small_host(4)
    offline_page(host, 0)
    assert online_page(host, 0) is PageStatus.ONLINED
    assert online_page(host, 0) is PageStatus.NOT_OFFLINE
    assert avail(host)[:2] == ([4], 4)
    alloc(host, 1)
    offline_page(host, 0)
    assert online_page(host, 0) is PageStatus.ONLINED
    free(host, 0)
    assert avail(host)[:2] == ([4], 4)
    assert check_state(host) == []


@pytest.mark.parametrize("operation", [offline_page, online_page])
def test_frames_outside_the_host_are_refused(operation: object) -> None:
    host = boot((4, 6), 8, small_host().semantics)
    for mfn in (4, 7, 14, 16, -1):
        with pytest.raises(MisuseError, match=f"the host has no mfn {mfn}"):
            operation(host, mfn)  # type: ignore[operator]
    assert offline_page(host, 13) is PageStatus.OFFLINED


def test_frames_outside_a_node_are_not_allocated() -> None:
    host = boot((5, 0, 3), 8, small_host().semantics)
    taken = [alloc(host, None) for _ in range(9)]
    assert taken == [4, 0, 1, 2, 3, 18, 16, 17, None]


def test_only_refcounted_limbo_pages_count_against_the_limit() -> None:
    host = small_host()
    alloc_heap_pages(host, host.domain(1), 0, None, MEMF_no_refcount)
    assert len(list(host.pages.in_limbo())) == 1
    assert limbo_pages(host) == {}
