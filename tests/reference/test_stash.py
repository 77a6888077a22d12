"""The stash of ``populate_physmap``: every sentence of its description, one test each."""

import pytest

from reference.constants import MEMF_exact_node, MEMF_no_refcount
from reference.domain import domain_kill, mark_dying
from reference.generations import GENERATIONS
from reference.hypercalls import pausedomain, unpausedomain
from reference.page_alloc import alloc_heap_pages, free_domheap_pages
from reference.pages import PageState
from reference.populate import PopulateResult, PreemptionChoice, populate_physmap
from reference.properties import check_state, limbo_pages
from reference.state import Host, Stash
from reference.status import MisuseError, Status
from reference.steps import run
from tests.reference.hosts import alloc, avail, broken, building_host, held, populate, stash_of

WITH_STASH = [name for name in GENERATIONS if GENERATIONS[name].stashes]
BETWEEN, SCRUBBING = "between extents", "scrubbing"


def stake(host: Host, domid: int, pages: int) -> Status:
    return host.semantics.set_outstanding_pages(host, host.domain(domid), pages)


def with_stash(order: int = 10, node: int | None = 0, semantics: str = "mainline-4.22", claimed: int = 2048) -> Host:
    """Domain 1 has an extent stashed after its first 256 pages."""
    host = building_host(semantics=semantics)
    if claimed:
        assert stake(host, 1, claimed) is Status.OK
    assert populate(host, 1, 1, order, node, preempt=(0, 256)).preempted == SCRUBBING
    return host


def test_known_generations_have_a_stash() -> None:
    assert WITH_STASH == [
        "mainline-4.22",
        "claim-sets-no-recall",
        "claim-sets",
        "claim-sets-v3",
        "claim-sets-v7",
        "claim-sets-hardened",
        "per-node-v8",
    ]


@pytest.mark.parametrize("semantics", WITH_STASH)
def test_stashed_extent_is_in_limbo_with_its_claim_redeemed(semantics: str) -> None:
    host = with_stash(semantics=semantics)
    assert stash_of(host, 1) == Stash(0, 10, 256)
    assert avail(host)[:2] == ([1024, 2048], 3072)
    assert (held(host, 1)[1:], avail(host)[3]) == ((1024, 0), 1024)
    assert limbo_pages(host) == {1: 1024}
    assert list(host.pages.of_domain(host.domain(1))) == []
    assert check_state(host) == []
    with pytest.raises(MisuseError, match="mfn 2048 is not allocated"):
        run(free_domheap_pages(host, 2048, 0))


@pytest.mark.parametrize("semantics", sorted(set(GENERATIONS) - set(WITH_STASH)))
def test_other_generations_never_stash(semantics: str) -> None:
    host = building_host(semantics=semantics)
    assert populate(host, 1, 1, 10, 0, preempt=(0, 256)) == PopulateResult([0], 1)
    assert stash_of(host, 1) is None
    assert unpausedomain(host, 1) is Status.OK


# -- P0: between extents


@pytest.mark.parametrize("semantics", ["legacy-redeem-at-alloc", *WITH_STASH])
def test_preemption_is_checked_before_all_but_the_first_extent(semantics: str) -> None:
    host = building_host(semantics=semantics)
    assert populate(host, 1, 5, 0, 0, preempt=(0, 0)).nr_done == 5  # no check before the first
    assert populate(host, 1, 5, 0, 0, start=1, preempt=(1, 0)).nr_done == 5
    assert populate(host, 1, 5, 0, 0, start=1, preempt=(3, 0)) == PopulateResult([9, 10], 3, BETWEEN)
    assert populate(host, 1, 5, 0, 0, start=3, preempt=(9, 0)) == PopulateResult([11, 12], 5)
    assert held(host, 1)[2] == 13


def test_preemption_between_extents_leaves_no_stash() -> None:
    host = building_host()
    assert populate(host, 1, 2, 10, 0, preempt=(1, 0)) == PopulateResult([0], 1, BETWEEN)
    assert stash_of(host, 1) is None


# -- P1: the stash is taken, or freed


@pytest.mark.parametrize(
    ("order", "node", "memflags", "taken"),
    [
        (10, None, 0, True),
        (10, 0, MEMF_exact_node, True),
        (10, None, MEMF_exact_node, True),
        (10, 1, 0, True),  # a preferred node does not matter
        (10, 1, MEMF_exact_node, False),
        (9, 0, MEMF_exact_node, False),
        (9, None, 0, False),
        (11, 0, 0, False),
    ],
)
def test_next_populate_takes_a_suitable_stash(order: int, node: int | None, memflags: int, taken: bool) -> None:
    host = with_stash()
    steps = populate_physmap(host, 1, 1, order, node, memflags)
    next(steps)  # P1
    assert stash_of(host, 1) is None
    assert avail(host)[0] == ([1024, 2048] if taken else [2048, 2048])
    assert limbo_pages(host) == ({1: 1024} if taken else {})
    result = run(steps)
    assert result.nr_done == 1
    assert not taken or result.mfns == [0]
    assert held(host, 1)[2] == 1 << order
    assert broken(host) == (set() if taken else {"no-claims-lost"})


def test_taking_a_stash_redeems_no_claim_again() -> None:
    host = with_stash()
    assert populate(host, 1, 1, 10) == PopulateResult([0], 1)
    assert held(host, 1)[1:] == (1024, 1024)
    assert check_state(host) == []


def test_freed_stash_never_restores_its_claim() -> None:
    host = with_stash()
    steps = populate_physmap(host, 1, 1, 9)
    next(steps)
    assert (avail(host)[1], avail(host)[3]) == (4096, 1024)
    assert held(host, 1)[1:] == (1024, 0)
    assert broken(host) == {"no-claims-lost"}


def test_another_domain_can_take_the_pages_of_a_dropped_stash() -> None:
    """The pages of a dropped stash are unclaimed: somebody else takes them, and the build falls short."""
    host = building_host(2048)
    assert stake(host, 1, 2048) is Status.OK
    populate(host, 1, 2, 10, preempt=(0, 512))
    steps = populate_physmap(host, 1, 1, 9)
    next(steps)
    assert alloc(host, 2, 10) is not None
    assert run(steps).nr_done == 1  # its claim of 1,024 is left, and 1,024 pages
    assert populate(host, 1, 9, 9).nr_done == 1
    assert (held(host, 1)[1:], avail(host)[1]) == ((0, 1024), 0)


# -- P2: allocation


def test_refused_extent_ends_the_call_without_preemption() -> None:
    host = building_host(1024, semantics="mainline-4.22")
    assert populate(host, 1, 3, 9, preempt=(2, 256)) == PopulateResult([0, 512], 2)
    assert stash_of(host, 1) is None


@pytest.mark.parametrize("semantics", WITH_STASH)
def test_nothing_is_stashed_after_creation(semantics: str) -> None:
    host = building_host(semantics=semantics)
    assert unpausedomain(host, 1) is Status.OK
    assert host.domain(1).creation_finished
    assert populate(host, 1, 1, 10, 0, preempt=(0, 256)) == PopulateResult([0], 1)
    assert pausedomain(host, 1) is Status.OK  # paused again is not unfinished again
    assert populate(host, 1, 1, 10, 0, preempt=(0, 256)) == PopulateResult([1024], 1)


def test_end_of_creation_during_scrubbing_ends_preemption() -> None:
    host = building_host()
    steps = populate_physmap(host, 1, 1, 10, 0, preempt_at=PreemptionChoice(0, 256))
    next(steps)
    next(steps)  # the pages are in limbo, and unscrubbed
    assert unpausedomain(host, 1) is Status.OK
    assert run(steps) == PopulateResult([0], 1)


# -- P3: scrubbing


@pytest.mark.parametrize(
    ("order", "index", "preempted"),
    [
        (8, 255, False),
        (8, 256, False),
        (9, 256, True),
        (9, 512, False),
        (10, 256, True),
        (10, 768, True),
        (10, 1024, False),
    ],
)
def test_preemption_comes_after_each_256_pages_but_the_last(order: int, index: int, preempted: bool) -> None:
    host = building_host()
    result = populate(host, 1, 1, order, 0, preempt=(0, index))
    expected = PopulateResult([], 0, SCRUBBING, index) if preempted else PopulateResult([0], 1)
    assert result == expected
    assert stash_of(host, 1) == (Stash(0, order, index) if preempted else None)


def test_only_the_named_extent_is_preempted() -> None:
    host = building_host()
    assert populate(host, 1, 3, 9, 0, preempt=(2, 256)) == PopulateResult([0, 512], 2, SCRUBBING, 256)
    assert held(host, 1)[2] == 1024


def test_continuation_scrubs_from_the_stored_index() -> None:
    host = with_stash()
    assert populate(host, 1, 1, 10, preempt=(0, 511)) == PopulateResult([0], 1)  # no check before 256 more pages
    host = with_stash()
    assert populate(host, 1, 1, 10, preempt=(0, 512)) == PopulateResult([], 0, SCRUBBING, 512)
    assert stash_of(host, 1) == Stash(0, 10, 512)
    assert populate(host, 1, 1, 10, preempt=(0, 768)).scrub_index == 768
    assert populate(host, 1, 1, 10) == PopulateResult([0], 1)
    assert check_state(host) == []


def test_second_stash_is_freed_and_the_call_ends() -> None:
    host = building_host()
    assert stake(host, 1, 2048) is Status.OK
    first = populate_physmap(host, 1, 1, 10, 0, preempt_at=PreemptionChoice(0, 256))
    next(first)
    next(first)
    assert populate(host, 1, 1, 9, 0, preempt=(0, 256)) == PopulateResult([], 0, SCRUBBING, 256)
    assert stash_of(host, 1) == Stash(1024, 9, 256)
    assert run(first) == PopulateResult([], 0, SCRUBBING, 256)
    assert stash_of(host, 1) == Stash(1024, 9, 256)  # at most one
    assert avail(host)[0] == [1536, 2048]
    assert held(host, 1)[1:] == (512, 0)
    assert broken(host) == {"no-claims-lost"}


def test_dying_domain_gets_no_stash() -> None:
    host = building_host()
    steps = populate_physmap(host, 1, 1, 10, 0, preempt_at=PreemptionChoice(0, 256))
    next(steps)
    next(steps)
    mark_dying(host.domain(1))
    assert run(steps) == PopulateResult([], 0, SCRUBBING, 256)
    assert stash_of(host, 1) is None
    assert avail(host)[1] == 4096
    assert check_state(host) == []


# -- P4: assignment


def test_unassignable_extent_is_freed_but_its_claim_is_lost() -> None:
    host = with_stash(order=9)
    host.semantics.set_max_pages(host, host.domain(1), 100)
    steps = populate_physmap(host, 1, 1, 9)
    next(steps)  # P1 takes it
    next(steps)  # P4 refuses it
    assert avail(host)[1] == 3584
    assert run(steps) == PopulateResult([], 0)
    assert avail(host)[1] == 4096
    assert held(host, 1)[1:] == (1536, 0)
    assert "no-claims-lost" in broken(host)


def test_extra_pages_are_stashed_as_such() -> None:
    host = building_host()
    assert stake(host, 1, 2048) is Status.OK
    assert populate(host, 1, 1, 9, 0, MEMF_no_refcount, preempt=(0, 256)).preempted == SCRUBBING
    assert held(host, 1)[1:] == (2048, 0)
    assert limbo_pages(host) == {}
    assert populate(host, 1, 1, 9, 0, MEMF_no_refcount) == PopulateResult([0], 1)
    with host.domain(1).page_alloc_lock:
        assert (host.domain(1).tot_pages, host.domain(1).extra_pages) == (0, 512)


# -- the end of a stash


@pytest.mark.parametrize("semantics", WITH_STASH)
def test_killing_marks_then_releases_then_frees_the_stash(semantics: str) -> None:
    host = with_stash(semantics=semantics)
    steps = domain_kill(host, host.domain(1))
    next(steps)
    assert host.domain(1).is_dying
    assert (avail(host)[1], avail(host)[3]) == (3072, 1024)
    next(steps)
    assert (avail(host)[1], avail(host)[3]) == (3072, 0)
    assert stash_of(host, 1) is not None
    run(steps)
    assert (avail(host)[1], avail(host)[3]) == (4096, 0)
    assert stash_of(host, 1) is None
    assert check_state(host) == []


def test_first_unpause_with_a_stash_crashes_the_domain() -> None:
    host = with_stash()
    assert pausedomain(host, 1) is Status.OK
    assert unpausedomain(host, 1) is Status.OK  # one pause is left
    assert stash_of(host, 1) is not None
    assert unpausedomain(host, 1) is Status.EBUSY
    assert stash_of(host, 1) is None
    assert avail(host)[1] == 4096
    assert held(host, 1)[1:] == (1024, 0)
    assert not host.domain(1).creation_finished
    assert unpausedomain(host, 1) is unpausedomain(host, 1) is Status.EINVAL  # the count stays 0
    assert populate(host, 1, 1, 9, 0, preempt=(0, 256)).preempted == SCRUBBING  # creation is never finished


def test_build_with_a_full_claim_can_still_fall_short() -> None:
    """2,048 pages are claimed; the first extent is dropped for another order, and others take its pages."""
    host = building_host(2048)
    assert stake(host, 1, 2048) is Status.OK
    populate(host, 1, 2, 10, preempt=(0, 512))
    assert populate(host, 1, 8, 0) == PopulateResult(list(range(8)), 8)
    assert alloc(host, 2, 9) is not None
    assert alloc(host, 2, 9) is not None
    assert populate(host, 1, 2048, 0, start=8).nr_done == 1024
    assert (held(host, 1)[1:], avail(host)[1]) == ((0, 1024), 0)


def test_legacy_claim_does_not_subtract_the_stash() -> None:
    host = with_stash(order=9, claimed=0)
    assert stake(host, 1, 1024) is Status.OK
    assert held(host, 1)[1:] == (1024, 0)
    assert populate(host, 1, 1, 9).nr_done == 1
    assert held(host, 1)[1:] == (1024, 512)  # 1,536 in all


def test_stash_does_not_hinder_the_allocator() -> None:
    host = with_stash()
    assert alloc_heap_pages(host, host.domain(1), 0, 0) == 1024
    assert sorted(block.state.value for block in host.pages.in_limbo()) == [PageState.LIMBO.value] * 2
