"""The hypercalls: their own checks in the hypervisor's order, and the state after they fail half-way."""

import pytest

from reference.claims import ClaimEntry
from reference.constants import CLAIM_TARGET_LEGACY, MAX_NUMNODES, MAX_ORDER, UINT_MAX, MEMF_no_refcount
from reference.domain import mark_dying
from reference.hypercalls import (
    DomainInfo,
    claim_memory,
    claim_pages,
    destroydomain,
    getdomaininfo,
    max_mem,
    memory_exchange,
    unpausedomain,
)
from reference.page_alloc import offline_page
from reference.populate import PopulateResult, populate_physmap
from reference.properties import check_state
from reference.status import Status
from reference.steps import run
from tests.reference.hosts import GLOBAL, alloc, avail, claim, free, held, small_host


def sets(*entries: tuple[int, ...]) -> list[ClaimEntry]:
    return [ClaimEntry(*entry) for entry in entries]  # type: ignore[arg-type]


TOO_MANY = sets(*[(0, 0)] * (MAX_NUMNODES + 2))


@pytest.mark.parametrize(
    ("coloring", "entries", "pad", "domid", "status"),
    [
        (True, [], 1, 9, Status.ESRCH),  # the domain is looked up before all else
        (True, [], 1, 1, Status.EOPNOTSUPP),
        (False, [], 0, 1, Status.EINVAL),
        (False, TOO_MANY, 1, 1, Status.EINVAL),
        (False, TOO_MANY, 0, 2, Status.E2BIG),
        (False, TOO_MANY[:-1], 0, 2, Status.ESRCH),  # dying
        (False, TOO_MANY[:-1], 0, 1, Status.EINVAL),  # node 0 named twice
        (False, sets((1, 0)), 0, 1, Status.OK),
        (False, sets((1, CLAIM_TARGET_LEGACY), (1, 0)), 0, 1, Status.ENOENT),  # LEGACY stands alone
    ],
)
def test_claim_memory_checks_in_order(
    coloring: bool, entries: list[ClaimEntry], pad: int, domid: int, status: Status
) -> None:
    host = small_host(llc_coloring_enabled=coloring)
    mark_dying(host.domain(2))
    assert claim_memory(host, domid, entries, pad) is status


def test_claim_memory_with_one_legacy_entry_is_the_legacy_call() -> None:
    host = small_host()
    alloc(host, 1, 1)
    assert claim_memory(host, 1, sets((5, CLAIM_TARGET_LEGACY))) is Status.OK
    assert held(host, 1) == ([0, 0], 3, 2)
    assert claim_memory(host, 1, sets((6, CLAIM_TARGET_LEGACY))) is Status.EINVAL  # does not replace


@pytest.mark.parametrize(
    ("coloring", "domid", "arguments", "status"),
    [
        (True, 9, {"extent_order": 1}, Status.EOPNOTSUPP),
        (False, 1, {"extent_order": 1}, Status.EINVAL),
        (False, 1, {"mem_flags": 1}, Status.EINVAL),
        (False, 1, {"extent_start": 0}, Status.EINVAL),
        (False, 9, {}, Status.EINVAL),
        (False, 2, {}, Status.EINVAL),  # dying
        (False, 1, {}, Status.OK),
    ],
)
def test_claim_pages_checks_in_order(coloring: bool, domid: int, arguments: dict[str, int], status: Status) -> None:
    host = small_host(llc_coloring_enabled=coloring)
    mark_dying(host.domain(2))
    assert run(claim_pages(host, domid, 5, **arguments)) is status
    assert held(host, 1)[1] == (5 if status is Status.OK else 0)


def test_populate_physmap_reports_how_many_succeeded() -> None:
    host = small_host(4, 4)
    claim(host, 2, (3, 1))
    assert run(populate_physmap(host, 1, 3, 1)) == PopulateResult([0, 2], 2)
    assert held(host, 1)[2] == 4
    assert run(populate_physmap(host, 1, 7, 0, start_extent=3)) == PopulateResult([16], 4)
    assert run(populate_physmap(host, 9, 1, 0)) == PopulateResult([], 0)
    assert run(populate_physmap(host, 9, 5, 0, start_extent=3)) == PopulateResult([], 3)
    assert run(populate_physmap(host, 1, 1, MAX_ORDER + 1)) == PopulateResult([], 0)
    assert run(populate_physmap(host, 1, 0, 0)) == PopulateResult([], 0)


@pytest.mark.parametrize(
    ("semantics", "finished", "sections"),
    [
        ("claim-sets", False, 3),
        ("claim-sets", True, 3),
        ("mainline-4.22", False, 3),
        ("legacy-redeem-at-alloc", False, 2),
    ],
)
def test_builders_run_between_the_sections_of_an_extent(semantics: str, finished: bool, sections: int) -> None:
    """With a stash, the first section of each extent looks for a stashed one; then come allocation and assignment."""
    host = small_host(4, 4, semantics=semantics)
    if finished:
        unpausedomain(host, 1)
    steps = populate_physmap(host, 1, 2, 0, node=0)
    for _ in range(sections - 2):
        next(steps)
        assert (held(host, 1)[2], avail(host)[0]) == (0, [4, 4])
    next(steps)
    assert (held(host, 1)[2], avail(host)[0]) == (0, [3, 4])
    next(steps)
    assert (held(host, 1)[2], avail(host)[0]) == (1, [3, 4])
    assert run(populate_physmap(host, 2, 9, 0)) == PopulateResult([16, 1, 17, 2, 18, 3, 19], 7)
    assert run(steps) == PopulateResult([0], 1)


@pytest.mark.parametrize(
    ("in_mfns", "in_order", "out_order", "out"),
    [([0, 1, 2, 3], 0, 2, [4]), ([0], 2, 0, [4, 5, 6, 7]), ([0, 2], 1, 1, [4, 0]), ([2], 0, 0, [4])],
)
def test_memory_exchange_swaps_pages(in_mfns: list[int], in_order: int, out_order: int, out: list[int]) -> None:
    host = small_host(16)
    alloc(host, 1, 2)
    claim(host, 1, (2, 0))
    assert run(memory_exchange(host, 1, in_mfns, in_order, out_order)) == (Status.OK, out)
    assert held(host, 1) == ([2], 0, 4)  # claims are not redeemed
    assert avail(host)[:2] == ([12], 12)
    assert check_state(host) == []
    for block in list(host.pages.of_domain(host.domain(1))):
        free(host, block.mfn, block.order)
    assert (held(host, 1)[2], avail(host)[1]) == (0, 16)


def test_memory_exchange_cannot_use_the_domains_own_claims() -> None:
    host = small_host(8)
    alloc(host, 1, 2)
    claim(host, 1, (4, 0))
    assert run(memory_exchange(host, 1, [0], 2, 2)) == (Status.ENOMEM, [])
    assert held(host, 1) == ([4], 0, 4)
    assert [block.mfn for block in host.pages.of_domain(host.domain(1))] == [0]
    assert check_state(host) == []


def test_memory_exchange_keeps_the_chunks_that_succeeded() -> None:
    host = small_host(8)
    alloc(host, 1, 2)
    claim(host, 2, (2, 0))
    alloc(host, 2, 1)
    claim(host, 2, (1, 0))
    # One page is free for it: chunk by chunk it suffices, and a chunk that needs two fails.
    assert run(memory_exchange(host, 1, [0, 1, 2], 0, 0)) == (Status.OK, [6, 0, 1])
    assert run(memory_exchange(host, 1, [0, 1, 3, 6], 0, 1)) == (Status.ENOMEM, [])
    assert (held(host, 1)[2], check_state(host)) == (4, [])


def test_memory_exchange_frees_new_pages_if_an_extent_fails() -> None:
    host = small_host(8)
    alloc(host, 1, 2)
    alloc(host, None, 0)
    assert run(memory_exchange(host, 1, [0], 2, 0)) == (Status.ENOMEM, [])
    assert (held(host, 1)[2], avail(host)[1]) == (4, 3)
    assert check_state(host) == []


@pytest.mark.parametrize(
    ("domid", "in_mfns", "in_order", "out_order", "status"),
    [
        (9, [0], MAX_ORDER + 1, 0, Status.EPERM),
        (9, [0], 0, MAX_ORDER + 1, Status.EPERM),
        (9, [0, 1, 2], 0, 1, Status.EINVAL),
        (9, [0], 0, 0, Status.ESRCH),
        (1, [5], 0, 0, Status.EINVAL),  # free
        (1, [4], 0, 0, Status.EINVAL),  # of domain 2
        (1, [1], 1, 0, Status.EINVAL),  # not aligned
        (1, [2], 0, 0, Status.EINVAL),  # not counted in tot_pages
        (1, [0, 5], 0, 1, Status.EINVAL),  # the second is not its own: the first is given back
    ],
)
def test_memory_exchange_checks_in_order(
    domid: int, in_mfns: list[int], in_order: int, out_order: int, status: Status
) -> None:
    host = small_host(8)
    alloc(host, 1, 1)
    alloc(host, 1, 0, memflags=MEMF_no_refcount)
    alloc(host, 2, 0)
    assert [block.mfn for block in host.pages.of_domain(host.domain(2))] == [3]
    if domid == 1 and in_mfns == [4]:
        in_mfns = [3]
    before = (held(host, 1), held(host, 2), avail(host))
    assert run(memory_exchange(host, domid, in_mfns, in_order, out_order)) == (status, [])
    assert (held(host, 1), held(host, 2), avail(host)) == before
    assert check_state(host) == []


@pytest.mark.parametrize("kill_at", range(1, 9))
def test_memory_exchange_of_a_dying_domain_loses_no_page(kill_at: int) -> None:
    host = small_host(16)
    alloc(host, 1, 2)
    steps = memory_exchange(host, 1, [0], 2, 1)
    status = None
    for step in range(1, 30):
        if step == kill_at:
            mark_dying(host.domain(1))
        try:
            next(steps)
        except StopIteration as end:
            status = end.value.status
            break
        assert check_state(host) == []
    assert (status is Status.OK) == (kill_at > 7)
    assert run(destroydomain(host, 1)) is Status.OK
    assert 1 not in host.domains
    assert avail(host)[:2] == ([16], 16)


def test_failed_exchange_of_a_dying_domain_frees_stolen_pages() -> None:
    host = small_host(4)
    alloc(host, 1, 2)
    mark_dying(host.domain(1))
    assert run(memory_exchange(host, 1, [0], 2, 0)) == (Status.ENOMEM, [])
    assert (held(host, 1)[2], avail(host)[1]) == (0, 4)


def test_max_mem_saturates_at_the_limit_of_its_type() -> None:
    host = small_host()
    alloc(host, 1, 2)
    assert max_mem(host, 1, 1) is Status.OK  # below the pages held: not checked
    assert getdomaininfo(host, 1) == DomainInfo(4, 1, 0)
    assert max_mem(host, 1, UINT_MAX + 5) is Status.OK
    assert getdomaininfo(host, 1) == DomainInfo(4, UINT_MAX, 0)
    assert max_mem(host, 9, 1) is Status.ESRCH


def test_getdomaininfo_reports_all_claims() -> None:
    host = small_host()
    claim(host, 1, (3, 0), (2, GLOBAL))
    assert getdomaininfo(host, 1) == DomainInfo(0, 100, 5)
    assert getdomaininfo(host, 9) is Status.ESRCH


def test_destroydomain_takes_several_calls() -> None:
    host = small_host(8, 8)
    alloc(host, 1, 2, node=0)
    alloc(host, 1, 0, node=1)
    claim(host, 1, (3, 0), (2, GLOBAL))
    offline_page(host, 1)
    steps = destroydomain(host, 1)
    next(steps)
    assert host.domain(1).is_dying
    assert held(host, 1) == ([3, 0], 2, 5)
    next(steps)
    assert held(host, 1) == ([0, 0], 0, 5)
    assert avail(host) == ([4, 7], 11, [0, 0], 0)
    assert run(steps) is Status.OK
    assert 1 not in host.domains
    assert avail(host) == ([7, 8], 15, [0, 0], 0)
    assert run(destroydomain(host, 1)) is Status.ESRCH


def test_pages_in_limbo_do_not_delay_destruction() -> None:
    host = small_host()
    building = populate_physmap(host, 1, 5, 0)
    next(building)
    next(building)
    assert avail(host)[1] == 15
    assert run(destroydomain(host, 1)) is Status.OK
    assert 1 not in host.domains
    assert run(destroydomain(host, 1)) is Status.ESRCH
    assert run(building) == PopulateResult([], 0)  # its page cannot be assigned and goes back
    assert avail(host)[1] == 16
    assert check_state(host) == []


def test_concurrent_relinquish_frees_each_page_once() -> None:
    host = small_host()
    for _ in range(5):
        alloc(host, 1)
    first, second = destroydomain(host, 1), destroydomain(host, 1)
    for steps in (first, first, first, second, second, first, second, first):
        next(steps)
    assert run(second) is Status.OK
    assert run(first) is Status.OK
    assert avail(host)[1] == 16
    assert check_state(host) == []
