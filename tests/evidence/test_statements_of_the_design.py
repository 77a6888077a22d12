"""Statements of the design that no obligation settles alone, each shown on the reference.

Where a statement holds only on a condition, the test of that name shows what happens without it; which statements these
bear on is in proofs/evidence/statements.toml.
"""

from collections.abc import Iterator
from itertools import combinations, count, product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.claims import ClaimEntry
from reference.constants import MAX_NUMNODES, MEMF_exact_node
from reference.domain import domain_kill
from reference.hypercalls import claim_memory, claim_pages, max_mem, memory_exchange
from reference.locks import LockError
from reference.page_alloc import alloc_heap_pages, assign_pages, free_heap_pages, offline_page
from reference.populate import PopulateResult, populate_physmap
from reference.properties import check_state
from reference.state import Host
from reference.status import Status
from reference.steps import Steps, run
from tests.reference.hosts import GLOBAL, alloc, avail, claim, free, held, small_host

LEGACY = ("legacy-redeem-at-alloc", "claim-sets")


def legacy_call(host: Host, domid: int, pages: int) -> Status:
    return run(claim_pages(host, domid, pages))


def seen_by_legacy_callers(host: Host) -> object:
    return [(sum(claims) + wide, tot) for claims, wide, tot in (held(host, d) for d in host.domains)], avail(host)


CALLS = st.one_of(
    st.tuples(st.just("claim"), st.sampled_from([1, 2]), st.integers(0, 7)),
    st.tuples(st.just("alloc"), st.sampled_from([None, 1, 2]), st.sampled_from([None, 0, 1])),
    st.tuples(st.just("free"), st.integers(0, 5), st.none()),
    st.tuples(st.just("max_mem"), st.sampled_from([1, 2]), st.integers(0, 7)),
    st.tuples(st.just("kill"), st.sampled_from([1, 2]), st.none()),
)


def called(host: Host, taken: list[int], call: tuple[str, Any, Any]) -> object:
    name, first, second = call
    if name == "claim":
        return legacy_call(host, first, second)
    if name == "alloc":
        mfn = alloc(host, first, 0, second)
        taken += [] if mfn is None else [mfn]
        return mfn
    if name == "free":
        return free(host, taken.pop(first % len(taken))) if taken else None
    if name == "max_mem":
        return max_mem(host, first, second)
    return run(domain_kill(host, host.domain(first)))


@given(st.lists(CALLS, max_size=20))
def test_legacy_callers_see_no_change_for_single_pages(calls: list[tuple[str, Any, Any]]) -> None:
    hosts = [small_host(4, 2, max_pages=6, semantics=name) for name in LEGACY]
    taken: list[list[int]] = [[], []]
    for call in calls:
        results = [called(host, mine, call) for host, mine in zip(hosts, taken, strict=True)]
        assert results[0] == results[1], call
        assert seen_by_legacy_callers(hosts[0]) == seen_by_legacy_callers(hosts[1]), call


def test_block_larger_than_the_legacy_claim_is_now_granted() -> None:
    """What changed for legacy callers: claimed and unclaimed memory may be mixed."""
    granted = []
    for name in LEGACY:
        host = small_host(4, semantics=name)
        assert legacy_call(host, 1, 1) is Status.OK
        assert legacy_call(host, 2, 2) is Status.OK
        granted.append(alloc(host, 1, 1) is not None)  # 2 pages: 1 claimed, 1 unclaimed
    assert granted == [False, True]


def test_offlining_now_recalls_legacy_claims() -> None:
    """What changed for legacy callers: recall."""
    left = []
    for name in LEGACY:
        host = small_host(1, semantics=name)
        assert legacy_call(host, 1, 1) is Status.OK
        offline_page(host, 0)
        left.append(held(host, 1)[1])
    assert left == [1, 0]


def test_host_wide_claim_can_exceed_every_node() -> None:
    host = small_host(4, 4, domains=1)
    assert claim(host, 1, (5, 0)) is Status.ENOMEM
    assert claim(host, 1, (8, GLOBAL)) is Status.OK
    assert all(alloc(host, 1) is not None for _ in range(8))
    assert held(host, 1) == ([0, 0], 0, 8)


@pytest.mark.parametrize("pages", range(6))
def test_host_wide_claim_equals_node_0_claim_on_one_node(pages: int) -> None:
    for other, limit, order in product(range(4), range(1, 6), range(3)):
        outcomes = []
        for target in (0, GLOBAL):
            host = small_host(4, max_pages=limit)
            claim(host, 2, (min(other, limit), 0))
            status = claim(host, 1, (pages, target))
            taken = alloc(host, 1, order)
            claims, wide, tot_pages = held(host, 1)
            outcomes.append(
                (status is Status.OK, taken, claims[0] + wide, tot_pages, alloc(host, 2), alloc(host, None))
            )
        assert outcomes[0] == outcomes[1], (other, limit, order)


def test_errno_of_a_claim_beyond_free_pages_and_limit() -> None:
    """The free pages of a node are checked before the limit, those of the host after it."""
    host = small_host(4, max_pages=1)
    assert claim(host, 1, (5, 0)) is Status.ENOMEM
    assert claim(host, 1, (5, GLOBAL)) is Status.EINVAL


def test_running_domain_cannot_take_claimed_memory() -> None:
    host = small_host(4)
    running = alloc(host, 2)
    assert running is not None
    assert claim(host, 1, (3, 0)) is Status.OK
    assert alloc(host, 2) is None
    assert run(populate_physmap(host, 2, 1, 0)).mfns == []
    assert run(memory_exchange(host, 2, [running], 0, 0)).status is Status.ENOMEM
    assert claim(host, 2, (1, GLOBAL)) is Status.ENOMEM
    free(host, running)
    assert alloc(host, 2) is not None  # the page it gave back was never claimed
    assert alloc(host, 2) is None
    assert held(host, 1) == ([3], 0, 0)


def test_legacy_claim_of_zero_releases_node_claims() -> None:
    host = small_host()
    claim(host, 1, (3, 0), (2, GLOBAL))
    assert legacy_call(host, 1, 0) is Status.OK
    assert held(host, 1) == ([0, 0], 0, 0)
    assert avail(host)[2:] == ([0, 0], 0)


@pytest.mark.parametrize("order", range(1, 4))
@pytest.mark.parametrize("target", [0, GLOBAL])
def test_allocation_beyond_the_claim_uses_unclaimed_memory(order: int, target: int) -> None:
    host = small_host(8)
    claim(host, 1, (1, target))
    claim(host, 2, (8 - (1 << order), 0))
    assert alloc(host, 1, order) is not None
    assert held(host, 1) == ([0], 0, 1 << order)
    assert alloc(host, 1) is None  # the rest is the other's


def test_claim_lost_by_failed_assignment_harms_no_other_domain() -> None:
    host = small_host(4, max_pages=2)
    claim(host, 1, (2, 0))
    claim(host, 2, (2, 0))
    host.semantics.set_max_pages(host, host.domain(1), 0)
    mfn = alloc_heap_pages(host, host.domain(1), 0)
    assert mfn is not None
    assert assign_pages(host, mfn, 0, host.domain(1)) is Status.E2BIG
    free_heap_pages(host, mfn, 0)
    assert held(host, 1) == ([1], 0, 0)  # lost
    run(domain_kill(host, host.domain(1)))  # the build is abandoned
    assert held(host, 2) == ([2], 0, 0)
    assert avail(host) == ([4], 4, [2], 2)
    assert [violation.property for violation in check_state(host)] == ["no-claims-lost"]  # of that build only


def test_builder_loses_its_claim_by_a_failed_assignment() -> None:
    host = small_host(2, max_pages=2)
    claim(host, 1, (1, 0))
    host.semantics.set_max_pages(host, host.domain(1), 0)
    assert alloc(host, 1) is None
    host.semantics.set_max_pages(host, host.domain(1), 2)
    assert claim(host, 2, (2, 0)) is Status.OK  # nothing is kept for it any more
    assert alloc(host, 1) is None


def test_freeing_pages_restores_no_claim() -> None:
    host = small_host()
    claim(host, 1, (2, 0), (2, GLOBAL))
    taken = [alloc(host, 1, 1, node) for node in (0, 1)]
    assert held(host, 1) == ([0, 0], 0, 4)
    for mfn in taken:
        assert mfn is not None
        free(host, mfn, 1)
    assert held(host, 1) == ([0, 0], 0, 0)


# Boot storms: every builder claims, then populates page by page.


def builder(host: Host, domid: int, claims: tuple[int, int], outcome: dict[int, str]) -> Steps[None]:
    entries = [ClaimEntry(claims[0], 0), ClaimEntry(claims[1], GLOBAL)]
    if claim_memory(host, domid, entries) is not Status.OK:
        outcome[domid] = "failed at the claim"
        return
    yield
    wanted = sum(claims)
    mfns = yield from populated(populate_physmap(host, domid, wanted, 0))
    outcome[domid] = "complete" if len(mfns) == wanted else "failed half-way"


def populated(steps: Steps[PopulateResult]) -> Steps[list[int]]:
    """Of the three critical sections of an extent the first, which looks for a stash and finds none, goes with the next."""
    for number in count():
        try:
            next(steps)
        except StopIteration as end:
            return end.value.mfns
        if number % 3:
            yield
    raise AssertionError


def interleavings(one: int, other: int) -> Iterator[list[int]]:
    """Every order of so many critical sections of two builders."""
    for first in combinations(range(one + other), one):
        yield [1 if at in first else 2 for at in range(one + other)]


@pytest.mark.parametrize("nodes", [(2, 1), *(pytest.param(n, marks=pytest.mark.long) for n in [(3,), (1, 2), (2, 2)])])
def test_boot_storm_builds_fail_at_the_claim_or_complete(nodes: tuple[int, ...]) -> None:
    seen = set()
    for first, second in product([(1, 0), (0, 2), (1, 1), (2, 0)], [(0, 2), (1, 1), (2, 1)]):
        for order in interleavings(1 + 2 * sum(first), 1 + 2 * sum(second)):
            host = small_host(*nodes, max_pages=3)
            outcome: dict[int, str] = {}
            at_work = {1: builder(host, 1, first, outcome), 2: builder(host, 2, second, outcome)}
            for domid in order:
                next(at_work[domid], None)
            for steps in at_work.values():
                for _ in steps:
                    pass
            assert set(outcome.values()) <= {"complete", "failed at the claim"}, (first, second, order)
            seen |= set(outcome.values())
    assert seen == {"complete", "failed at the claim"}


def test_build_fails_half_way_if_a_claimed_page_goes_offline() -> None:
    host = small_host(2, max_pages=3)
    outcome: dict[int, str] = {}
    build = builder(host, 1, (2, 0), outcome)
    next(build)
    offline_page(host, 0)
    for _ in build:
        pass
    assert outcome == {1: "failed half-way"}


def test_superpage_build_fails_half_way_if_memory_is_fragmented() -> None:
    host = small_host(4, max_pages=4)
    kept = [alloc(host, 2) for _ in range(4)]
    free(host, kept[0] or 0)
    free(host, kept[2] or 0)
    assert claim(host, 1, (2, 0)) is Status.OK
    assert run(populate_physmap(host, 1, 1, 1)).mfns == []  # a block of two pages
    assert len(run(populate_physmap(host, 1, 2, 0)).mfns) == 2


def test_build_fails_half_way_if_its_limit_is_lowered() -> None:
    host = small_host(2, max_pages=2)
    outcome: dict[int, str] = {}
    build = builder(host, 1, (2, 0), outcome)
    next(build)
    host.semantics.set_max_pages(host, host.domain(1), 1)
    for _ in build:
        pass
    assert outcome == {1: "failed half-way"}


def test_set_has_at_most_one_entry_per_node_and_one_host_wide() -> None:
    host = small_host(*[1] * MAX_NUMNODES, domains=1)
    every_node = [ClaimEntry(1 if node else 0, node) for node in range(MAX_NUMNODES)]
    assert claim_memory(host, 1, [*every_node, ClaimEntry(1, GLOBAL)]) is Status.OK
    assert claim_memory(host, 1, [*every_node, ClaimEntry(1, GLOBAL), ClaimEntry(0, 0)]) is Status.E2BIG
    assert sum(held(host, 1)[0]) + held(host, 1)[1] == MAX_NUMNODES


def test_search_without_exact_node_tries_every_node() -> None:
    host = small_host(2, 2, 2, domains=2)
    claim(host, 2, (2, 0), (1, 1))
    assert alloc(host, 1, 0, 0, MEMF_exact_node) is None
    assert [alloc(host, 1, 0, 0) for _ in range(4)] == [16, 32, 33, None]


def test_allocator_cannot_take_the_page_alloc_lock() -> None:
    """The allocator runs under heap_lock, and the limit needs the lock that comes before it."""
    host = small_host()
    with host.heap_lock:
        with pytest.raises(LockError, match=r"max_pages touched without page_alloc_lock"):
            _ = host.domain(1).max_pages
        with pytest.raises(LockError, match="wrong lock order"):
            host.domain(1).page_alloc_lock.__enter__()
