"""A page marked offline while nobody owns it: what becomes of the mark when it is assigned."""

from collections.abc import Callable

import pytest

from reference.domain import mark_dying
from reference.generations import GENERATIONS
from reference.hypercalls import memory_exchange
from reference.page_alloc import (
    alloc_heap_pages,
    assign_pages,
    free_domheap_pages,
    free_heap_pages,
    offline_page,
    online_page,
)
from reference.properties import check_state
from reference.state import Host
from reference.status import HypervisorCrash, PageStatus, Status
from reference.steps import run
from tests.reference.hosts import alloc, avail, broken, building_host, free, populate, small_host

KEPT = ["claim-sets+marks-kept", "claim-sets-hardened"]


def marked_in_limbo(semantics: str = "claim-sets", **options: bool) -> Host:
    """Page 1 of two pages on their way to domain 1 is marked."""
    host = small_host(4, semantics=semantics, **options)
    assert alloc_heap_pages(host, host.domain(1), 1) == 0
    assert offline_page(host, 1) is PageStatus.ANONYMOUS_FAILED
    return host


@pytest.mark.parametrize("semantics", [name for name in GENERATIONS if name not in KEPT])
def test_assigning_a_marked_page_stops_a_debug_build(semantics: str) -> None:
    host = marked_in_limbo(semantics, debug_build=True)
    with pytest.raises(HypervisorCrash, match="ASSERT"):
        assign_pages(host, 0, 1, host.domain(1))


@pytest.mark.parametrize("semantics", [name for name in GENERATIONS if name not in KEPT])
def test_release_build_loses_the_mark(semantics: str) -> None:
    host = marked_in_limbo(semantics)
    assert check_state(host) == []
    assert assign_pages(host, 0, 1, host.domain(1)) is Status.OK
    assert broken(host) == {"offline-mark-kept"}
    assert [str(violation) for violation in check_state(host)] == [
        "offline-mark-kept: mfn 1: the page was marked offline in limbo and lost its mark"
    ]
    free(host, 0, 1)
    assert avail(host)[:2] == ([4], 4)  # it is back in the heap
    assert online_page(host, 1) is PageStatus.NOT_OFFLINE


@pytest.mark.parametrize("semantics", KEPT)
@pytest.mark.parametrize("debug_build", [False, True])
def test_kept_mark_takes_the_page_offline_when_freed(semantics: str, debug_build: bool) -> None:
    host = marked_in_limbo(semantics, debug_build=debug_build)
    assert assign_pages(host, 0, 1, host.domain(1)) is Status.OK
    assert check_state(host) == []
    free(host, 0, 1)
    assert avail(host)[:2] == ([3], 3)
    assert online_page(host, 1) is PageStatus.ONLINED
    assert avail(host)[:2] == ([4], 4)


@pytest.mark.parametrize("debug_build", [False, True])
def test_marked_limbo_page_goes_offline_when_freed(debug_build: bool) -> None:
    host = marked_in_limbo(debug_build=debug_build)
    mark_dying(host.domain(1))
    assert assign_pages(host, 0, 1, host.domain(1)) is Status.EINVAL
    free_heap_pages(host, 0, 1)
    assert avail(host)[:2] == ([3], 3)
    assert check_state(host) == []
    assert online_page(host, 1) is PageStatus.ONLINED


@pytest.mark.parametrize("debug_build", [False, True])
def test_mark_withdrawn_before_assignment_is_not_lost(debug_build: bool) -> None:
    host = marked_in_limbo(debug_build=debug_build)
    assert online_page(host, 1) is PageStatus.ONLINED
    assert assign_pages(host, 0, 1, host.domain(1)) is Status.OK
    assert check_state(host) == []


@pytest.mark.parametrize("debug_build", [False, True])
def test_marks_of_other_pages_do_not_matter(debug_build: bool) -> None:
    host = marked_in_limbo(debug_build=debug_build)
    assert alloc(host, 2) == 2
    assert offline_page(host, 2) is PageStatus.OWNED_PENDING
    assert check_state(host) == []
    free(host, 2)
    assert avail(host)[1] == 1


def test_page_marked_during_free_goes_offline() -> None:
    host = small_host(4, debug_build=True)
    assert alloc(host, 1) == 0
    steps = free_domheap_pages(host, 0, 0)
    next(steps)
    assert offline_page(host, 0) is PageStatus.ANONYMOUS_FAILED
    run(steps)
    assert avail(host)[1] == 3


def _taken(host: Host) -> None:
    assert populate(host, 1, 1, 9, 0).mfns == [0]


def _dropped(host: Host) -> None:
    assert populate(host, 1, 1, 10, 0).mfns != []


@pytest.mark.parametrize(("what", "lost"), [(_taken, True), (_dropped, False)])
def test_fate_of_a_mark_on_a_stashed_page(what: Callable[[Host], None], lost: bool) -> None:
    host = building_host()
    populate(host, 1, 1, 9, 0, preempt=(0, 256))
    assert offline_page(host, 7) is PageStatus.ANONYMOUS_FAILED
    what(host)
    assert ("offline-mark-kept" in broken(host)) == lost
    assert (7 in host.pages.offlined) != lost


def test_page_marked_in_an_exchange_loses_its_mark() -> None:
    """Stolen pages and new ones have no owner: they can be marked, and lose the mark when they are assigned."""
    for debug_build in (False, True):
        host = small_host(4, debug_build=debug_build)
        assert alloc(host, 1) == 0
        steps = memory_exchange(host, 1, [0], 0, 0)
        for _ in range(3):
            next(steps)
        assert offline_page(host, 1) is PageStatus.ANONYMOUS_FAILED  # the new page
        if debug_build:
            with pytest.raises(HypervisorCrash, match="ASSERT"):
                run(steps)
        else:
            assert run(steps).status is Status.OK
            assert broken(host) == {"offline-mark-kept"}
