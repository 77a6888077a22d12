"""Installing, releasing and redeeming claims: the order of the checks, and the state after each."""

import pytest

from reference.claims import ClaimEntry
from reference.constants import CLAIM_TARGET_LEGACY, MAX_NUMNODES, UINT_MAX
from reference.page_alloc import get_outstanding_claims
from reference.state import all_locks
from reference.status import Status
from tests.reference.hosts import GLOBAL, alloc, avail, claim, held, small_host

U64 = 2**64 - 1


def test_set_is_installed_and_replaces_the_one_before() -> None:
    host = small_host()
    assert claim(host, 1, (3, 0), (2, GLOBAL), (1, 1)) is Status.OK
    assert held(host, 1) == ([3, 1], 2, 0)
    assert avail(host) == ([8, 8], 16, [3, 1], 6)
    assert claim(host, 1, (8, 1)) is Status.OK  # own claims are credited
    assert held(host, 1) == ([0, 8], 0, 0)
    assert avail(host) == ([8, 8], 16, [0, 8], 8)
    assert get_outstanding_claims(host) == (16, 8)


def test_zero_pages_release_everything() -> None:
    host = small_host()
    claim(host, 1, (3, 0), (2, GLOBAL))
    assert claim(host, 1, (0, 1)) is Status.OK
    assert held(host, 1) == ([0, 0], 0, 0)
    claim(host, 1, (3, 0), (2, GLOBAL))
    assert host.semantics.set_outstanding_pages(host, host.domain(1), 0) is Status.OK
    assert held(host, 1) == ([0, 0], 0, 0)
    assert avail(host) == ([8, 8], 16, [0, 0], 0)


def test_existing_pages_are_not_subtracted_from_a_set() -> None:
    host = small_host()
    alloc(host, 1, 1)
    assert claim(host, 1, (3, 0)) is Status.OK
    assert held(host, 1) == ([3, 0], 0, 2)


@pytest.mark.parametrize(
    ("entries", "status"),
    [
        ([(1, 0, 1)], Status.EINVAL),  # pad
        ([(U64, GLOBAL), (1, GLOBAL)], Status.EINVAL),  # a second host-wide entry, before the first is checked
        ([(1, 2)], Status.ENOENT),
        ([(1, MAX_NUMNODES)], Status.ENOENT),
        ([(1, CLAIM_TARGET_LEGACY)], Status.ENOENT),
        ([(1, 0), (1, 0)], Status.EINVAL),
        ([(0, 0), (0, 0)], Status.EINVAL),
        ([(1, 1), (UINT_MAX, 0)], Status.EINVAL),  # the sum of node pages does not fit, before availability
        ([(UINT_MAX, 0)], Status.ENOMEM),
        ([(9, 0)], Status.ENOMEM),
        ([(5, 1)], Status.ENOMEM),  # domain 2 holds 4 of node 1
        ([(9, 0), (1, 0, 1)], Status.ENOMEM),  # the first entry that fails decides
        ([(1, 0, 1), (9, 0)], Status.EINVAL),
        ([(101, GLOBAL)], Status.EINVAL),  # max_pages, before the host's memory
        ([(98, GLOBAL), (3, 0)], Status.EINVAL),
        ([(99, GLOBAL)], Status.EINVAL),  # with the 2 pages held
        ([(98, GLOBAL)], Status.ENOMEM),
        ([(11, GLOBAL)], Status.ENOMEM),
        ([(10, GLOBAL)], Status.OK),
        ([(6, 0), (4, 1)], Status.OK),
        ([(6, 0), (4, 1), (1, GLOBAL)], Status.ENOMEM),
    ],
)
def test_the_first_check_that_fails_decides_and_nothing_changes(entries: list[tuple[int, ...]], status: Status) -> None:
    host = small_host()
    claim(host, 2, (4, 1))
    alloc(host, 1, 1, node=0)
    claim(host, 1, (1, 0), (2, GLOBAL))
    before = (held(host, 1), held(host, 2), avail(host))
    assert claim(host, 1, *entries) is status  # type: ignore[arg-type]
    if status is not Status.OK:
        assert (held(host, 1), held(host, 2), avail(host)) == before


@pytest.mark.parametrize(
    ("pages", "status"),
    [
        (2, Status.EINVAL),  # not above what it has
        (101, Status.EINVAL),
        (13, Status.ENOMEM),  # 11 more than the 10 unclaimed
        (12, Status.OK),
        (3, Status.OK),
        (0, Status.OK),
    ],
)
def test_legacy_claim_subtracts_pages_held(pages: int, status: Status) -> None:
    host = small_host()
    claim(host, 2, (4, 1))
    alloc(host, 1, 1, node=0)
    assert host.semantics.set_outstanding_pages(host, host.domain(1), pages) is status
    assert held(host, 1) == ([0, 0], pages - 2 if status is Status.OK and pages else 0, 2)


def test_legacy_claim_is_refused_while_a_claim_is_held() -> None:
    for entry in ((1, 0), (1, GLOBAL)):
        host = small_host()
        claim(host, 1, entry)
        assert host.semantics.set_outstanding_pages(host, host.domain(1), 5) is Status.EINVAL


@pytest.mark.parametrize(
    ("order", "left"),
    [
        (0, ([2, 2, 1], 1)),  # the allocation node's claim first
        (1, ([1, 2, 1], 1)),
        (2, ([0, 2, 1], 0)),  # then host-wide
        (3, ([0, 0, 0], 0)),  # then the other nodes, ascending; the rest from unclaimed memory
    ],
)
def test_redeeming_takes_node_then_host_wide_then_other_nodes(order: int, left: tuple[list[int], int]) -> None:
    host = small_host(8, 8, 8)
    claim(host, 1, (3, 0), (2, 1), (1, 2), (1, GLOBAL))
    assert alloc(host, 1, order, node=0) is not None
    assert held(host, 1) == (*left, 1 << order)


def test_step_three_stops_at_the_first_node_that_suffices() -> None:
    host = small_host(8, 8, 8)
    claim(host, 1, (3, 1), (3, 2))
    alloc(host, 1, 2, node=0)
    assert held(host, 1) == ([0, 0, 2], 0, 4)


def test_recall_takes_exactly_the_shortage_by_domain_id() -> None:
    from reference.page_alloc import offline_page

    host = small_host(4, 4, domains=3)
    claim(host, 3, (1, 0))
    claim(host, 2, (2, 0))
    claim(host, 1, (1, 0), (4, GLOBAL))
    assert avail(host) == ([4, 4], 8, [4, 0], 8)
    offline_page(host, 0)  # node 0 short by one: the lowest id gives it; then the host is short by none
    assert [held(host, domid)[:2] for domid in (1, 2, 3)] == [([0, 0], 4), ([2, 0], 0), ([1, 0], 0)]
    offline_page(host, 4 + 12)  # node 1 has no claims; the host is short by one: host-wide claims give it
    assert [held(host, domid)[:2] for domid in (1, 2, 3)] == [([0, 0], 3), ([2, 0], 0), ([1, 0], 0)]
    offline_page(host, 1)
    assert [held(host, domid)[:2] for domid in (1, 2, 3)] == [([0, 0], 3), ([1, 0], 0), ([1, 0], 0)]
    assert avail(host) == ([2, 3], 5, [2, 0], 5)


def test_recall_takes_from_several_domains() -> None:
    from reference.claims import recall_claims

    host = small_host(4, domains=3)
    claim(host, 1, (1, 0))
    claim(host, 2, (1, GLOBAL))
    claim(host, 3, (2, GLOBAL))
    with all_locks(host):
        host.node_avail_pages[0] -= 3
        host.total_avail_pages -= 3
        recall_claims(host, 0)
    assert [held(host, domid)[:2] for domid in (1, 2, 3)] == [([1], 0), ([0], 0), ([0], 0)]


def test_limit_below_pages_held_refuses_any_set() -> None:
    host = small_host()
    alloc(host, 1, 2)
    host.semantics.set_max_pages(host, host.domain(1), 3)
    assert claim(host, 1, (0, 0)) is Status.EINVAL
    assert host.semantics.install_claim_set(host, host.domain(1), [ClaimEntry(0, GLOBAL)]) is Status.EINVAL
