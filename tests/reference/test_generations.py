"""What each generation does otherwise than the next, in small: the recordings judge the rest."""

import pytest

from reference.claims import ClaimEntry
from reference.constants import (
    MAX_NUMNODES,
)
from reference.domain import mark_dying
from reference.generations import GENERATIONS
from reference.hypercalls import claim_memory, claim_pages, pausedomain, unpausedomain
from reference.page_alloc import alloc_heap_pages, assign_pages, free_domheap_pages, offline_page
from reference.properties import check_state
from reference.state import Host
from reference.status import HypervisorCrash, MisuseError, Status
from reference.steps import run
from tests.reference.hosts import GLOBAL, LEGACY, SINGLE_NODE, alloc, avail, claim, held, small_host


def stake(host: Host, domid: int, pages: int, node: int | None = None) -> Status:
    return host.semantics.set_outstanding_pages(host, host.domain(domid), pages, node)


def broken(host: Host) -> set[str]:
    return {violation.property for violation in check_state(host)}


@pytest.mark.parametrize("semantics", LEGACY + SINGLE_NODE)
def test_generations_without_claim_sets_say_so(semantics: str) -> None:
    host = small_host(semantics=semantics)
    with pytest.raises(MisuseError, match=f"{semantics} has no claim sets"):
        claim(host, 1, (1, 0))
    if semantics in [*LEGACY, "single-node-v1"]:
        with pytest.raises(MisuseError, match=f"{semantics} has no claim sets"):
            claim_memory(host, 1, [])


@pytest.mark.parametrize("semantics", list(GENERATIONS))
def test_every_generation_keeps_consistent_counters(semantics: str) -> None:
    host = small_host(semantics=semantics)
    assert stake(host, 1, 6) is Status.OK
    assert alloc(host, 1, 1, 0) == 0
    assert (held(host, 1)[1], held(host, 1)[2]) == (4, 2)
    assert broken(host) == set()
    run(free_domheap_pages(host, 0, 1))
    assert held(host, 1)[1] == (6 if semantics == "legacy-2013" else 4)
    assert stake(host, 1, 0) is Status.OK
    assert avail(host)[3] == 0


def test_2013_freed_pages_are_claimed_before_they_are_free() -> None:
    """The claim grows under page_alloc_lock, the pages reach the heap a critical section later (host-backed fails)."""
    host = small_host(2, semantics="legacy-2013")
    assert alloc(host, 1, 0) == 0
    assert stake(host, 1, 2) is Status.OK
    steps = free_domheap_pages(host, 0, 0)
    next(steps)
    assert broken(host) == {"host-backed"}
    assert avail(host) == ([1], 1, [0], 2)
    run(steps)
    assert broken(host) == set()


@pytest.mark.parametrize(
    ("semantics", "window"),
    [
        ("legacy-2013", True),
        ("legacy-redeem-at-assign", True),
        ("legacy-redeem-at-alloc", False),
        ("mainline-4.22", False),
    ],
)
def test_limbo_pages_stay_claimed_if_redeemed_at_assignment(semantics: str, window: bool) -> None:
    host = small_host(4, semantics=semantics)
    assert stake(host, 1, 4) is Status.OK
    mfn = alloc_heap_pages(host, host.domain(1), 1)
    assert mfn == 0
    assert avail(host)[1:] == (2, [0], 4 if window else 2)
    assert ("host-backed" in broken(host)) == window
    assign_pages(host, mfn, 1, host.domain(1))
    assert broken(host) == set()


@pytest.mark.parametrize("semantics", LEGACY)
def test_legacy_claims_are_not_mixed_with_unclaimed_memory(semantics: str) -> None:
    host = small_host(4, semantics=semantics)
    assert stake(host, 1, 2) is Status.OK
    assert stake(host, 2, 1) is Status.OK
    assert alloc(host, 1, 2) is None
    assert alloc(host, 1, 1) == 0  # its claim covers it
    assert alloc(host, 1, 1) is None  # 1 unclaimed page


@pytest.mark.parametrize(
    ("semantics", "coloring", "dying"),
    [
        ("legacy-2013", Status.OK, Status.OK),
        ("legacy-redeem-at-assign", Status.OK, Status.OK),
        ("legacy-redeem-at-alloc", Status.EOPNOTSUPP, Status.EINVAL),
        ("mainline-4.22", Status.EOPNOTSUPP, Status.EINVAL),
    ],
)
def test_merged_fixes_refuse_dying_domains_and_llc_colouring(semantics: str, coloring: Status, dying: Status) -> None:
    host = small_host(semantics=semantics, llc_coloring_enabled=True)
    assert run(claim_pages(host, 1, 2)) is coloring
    host = small_host(semantics=semantics)
    mark_dying(host.domain(1))
    assert run(claim_pages(host, 1, 2)) is dying


@pytest.mark.parametrize("semantics", [*LEGACY, "claim-sets-no-recall", "per-node-v8"])
def test_without_recall_offlining_leaves_claims_unbacked(semantics: str) -> None:
    host = small_host(2, semantics=semantics)
    assert stake(host, 1, 2) is Status.OK
    offline_page(host, 0)
    assert broken(host) == {"host-backed"}


def test_unsigned_arithmetic_accepts_claims_beyond_free_pages() -> None:
    host = small_host(2, semantics="legacy-redeem-at-alloc")
    assert stake(host, 1, 2) is Status.OK
    assert stake(host, 2, 50) is Status.ENOMEM
    offline_page(host, 0)
    assert stake(host, 2, 50) is Status.OK  # 1 - 2 wraps


@pytest.mark.parametrize(
    ("semantics", "offline", "zero_on_node"),
    [
        ("single-node-v1", Status.ENOMEM, Status.OK),
        ("single-node-v2", Status.EINVAL, Status.OK),
        ("single-node-v3", Status.EINVAL, Status.OK),
        ("single-node-v4", Status.ENOENT, Status.EINVAL),
    ],
)
def test_single_node_claim_is_checked_and_set(semantics: str, offline: Status, zero_on_node: Status) -> None:
    host = small_host(semantics=semantics)
    assert stake(host, 1, 1, 5) is offline
    assert stake(host, 1, 1, MAX_NUMNODES) is not Status.OK
    assert stake(host, 1, 0, 1) is zero_on_node
    assert stake(host, 2, 5, 1) is Status.OK
    assert stake(host, 1, 4, 1) is Status.ENOMEM
    assert stake(host, 1, 3, 1) is Status.OK
    assert stake(host, 1, 3, 1) is Status.EINVAL
    assert stake(host, 1, 3) is Status.EINVAL
    assert avail(host) == ([8, 8], 16, [0, 8], 8)


@pytest.mark.parametrize("semantics", SINGLE_NODE)
def test_single_node_claims_and_the_limit(semantics: str) -> None:
    host = small_host(semantics=semantics, max_pages=6)
    alloc(host, 1, 1)
    subtracts = semantics == "single-node-v4"
    assert stake(host, 1, 5) is (Status.OK if subtracts else Status.EINVAL)
    assert stake(host, 1, 0) is Status.OK
    assert stake(host, 1, 7) is Status.EINVAL
    assert stake(host, 1, 2) is (Status.EINVAL if subtracts else Status.OK)
    small = small_host(2, semantics=semantics)
    assert stake(small, 1, 3) is Status.ENOMEM


def test_v1_checks_exact_nodes_and_redeems_on_the_claimed_node() -> None:
    host = small_host(4, 8, semantics="single-node-v1")
    assert stake(host, 1, 4, 0) is Status.OK
    assert alloc(host, 2, 0, 0, 1) is None  # exact: claimed
    assert alloc(host, 2, 2, 0) == 0  # not exact: the claim is not checked
    assert "node-backed" in broken(host)
    assert alloc(host, 1, 0, 1) == 16
    assert held(host, 1)[0] == [4, 0]


def test_v2_checks_the_requested_or_claimed_node() -> None:
    host = small_host(4, 4, domains=0, semantics="single-node-v2")
    from reference.state import create_domain

    create_domain(host, 1, 100, (0,))
    create_domain(host, 2, 100)
    assert stake(host, 1, 3, 0) is Status.OK
    assert alloc(host, 2, 1, 0) is None
    assert alloc(host, 1, 2, None) is None  # its claim of 3 does not cover 4, nor does unclaimed memory of node 0
    assert alloc(host, 1, 1, None) == 16  # permitted by its claim, but the search gives it no credit: node 1
    assert [alloc(host, 2, 0, None) for _ in range(2)] == [18, 0]
    assert alloc(host, 2, 0, 9) is None


def test_v3_credits_the_claim_to_unrefcounted_requests() -> None:
    from reference.constants import MEMF_no_owner

    host = small_host(4, 4, semantics="single-node-v3")
    assert stake(host, 1, 4, 0) is Status.OK
    assert alloc(host, 1, 1, 0, MEMF_no_owner) == 0
    assert "node-backed" in broken(host)
    assert alloc(host, 2, 0, 0) == 16
    host = small_host(4, semantics="single-node-v3")
    assert stake(host, 1, 3, 0) is Status.OK
    assert alloc(host, 2, 1) is None
    assert alloc(host, 1, 1) == 0


def test_v4_keeps_the_claim_for_other_memory_below_the_limit() -> None:
    host = small_host(8, 8, semantics="single-node-v4", max_pages=8)
    assert stake(host, 1, 4, 0) is Status.OK
    assert alloc(host, 1, 1, 1) == 16
    assert held(host, 1)[0] == [4, 0]
    assert alloc(host, 1, 2, 1) == 20
    assert held(host, 1)[0] == [2, 0]  # 2 held + 4 redeemed + 4 claimed would be 2 over the limit: 2 are redeemed
    host = small_host(8, 8, semantics="single-node-v4", max_pages=7)
    assert stake(host, 1, 4, 0) is Status.OK
    assert alloc(host, 1, 2, 1) == 16
    assert held(host, 1)[0] == [3, 0]
    assert alloc(host, 1, 1, 0) == 0
    assert held(host, 1)[0] == [1, 0]


def test_v4_crashes_on_an_unbacked_claim() -> None:
    host = small_host(4, semantics="single-node-v4")
    assert stake(host, 1, 3, 0) is Status.OK
    offline_page(host, 0)
    offline_page(host, 1)
    with pytest.raises(HypervisorCrash, match="BUG_ON: claims > avail_pages"):
        alloc(host, 2, 0)


@pytest.mark.parametrize(
    ("entries", "status"),
    [
        ([(0, 0)], Status.EINVAL),
        ([(1, 0, 1)], Status.EINVAL),
        ([(21, 0)], Status.EINVAL),
        ([(8, 0), (13, 1)], Status.EINVAL),
        ([(1, GLOBAL), (1, GLOBAL)], Status.EINVAL),
        ([(1, GLOBAL | 1)], Status.EINVAL),
        ([(1, 0), (1, 0)], Status.EINVAL),
        ([(1, 7)], Status.ENOENT),
        ([(1, MAX_NUMNODES)], Status.ENOENT),
        ([(8, 0), (8, 1), (3, GLOBAL)], Status.EINVAL),  # with the 2 pages held beyond max_pages
        ([(8, 0), (7, 1)], Status.ENOMEM),
        ([(7, 0)], Status.ENOMEM),
        ([(6, 0), (7, 1), (1, GLOBAL)], Status.OK),
    ],
)
def test_v8_checks_a_set_in_order(entries: list[tuple[int, ...]], status: Status) -> None:
    host = small_host(semantics="per-node-v8", max_pages=20)
    alloc(host, 1, 1, 0)
    sets = [ClaimEntry(*entry) for entry in entries]  # type: ignore[arg-type]
    assert claim_memory(host, 1, sets) is status
    assert claim_memory(host, 1, sets) is (Status.EINVAL if status is Status.OK else status)  # no replacing
    assert claim_memory(host, 1, []) is Status.OK
    assert avail(host)[3] == 0


def test_v8_checks_the_call_in_order() -> None:
    host = small_host(semantics="per-node-v8", llc_coloring_enabled=True)
    one = [ClaimEntry(1, 0)]
    assert claim_memory(host, 9, one, pad=1) is Status.ESRCH
    assert claim_memory(host, 1, [], pad=1) is Status.EINVAL
    assert claim_memory(host, 1, []) is Status.OK
    assert claim_memory(host, 1, one) is Status.EOPNOTSUPP
    host = small_host(semantics="per-node-v8")
    assert claim_memory(host, 1, one * (MAX_NUMNODES + 2)) is Status.E2BIG
    assert unpausedomain(host, 1) is Status.OK
    assert claim_memory(host, 1, one) is Status.EBUSY
    assert pausedomain(host, 1) is Status.OK
    assert claim_memory(host, 1, one) is Status.OK
    mark_dying(host.domain(1))
    assert claim_memory(host, 1, one) is Status.ESRCH


def test_v8_pages_beyond_the_limit_refuse_any_set() -> None:
    host = small_host(semantics="per-node-v8")
    alloc(host, 1, 1)
    host.semantics.set_max_pages(host, host.domain(1), 1)
    assert claim(host, 1, (1, 0)) is Status.EINVAL


def test_v8_does_not_mix_on_the_host_check() -> None:
    """A large page that ``claim-sets`` permits is refused: 4 claimed and 4 unclaimed pages would make 8."""
    for semantics, permitted in (("claim-sets", True), ("per-node-v8", False)):
        host = small_host(8, 8, semantics=semantics)
        claim(host, 1, (4, 0))
        claim(host, 2, (8, 1))
        assert (alloc(host, 1, 3, 0) is not None) == permitted


def test_v8_claimant_allocates_when_claims_exceed_free_pages() -> None:
    host = small_host(4, semantics="per-node-v8")
    claim(host, 1, (2, 0))
    claim(host, 2, (2, 0))
    offline_page(host, 0)
    offline_page(host, 1)
    offline_page(host, 2)
    assert alloc(host, 1, 0) == 3
    assert broken(host) == {"node-backed", "host-backed"}  # domain 2's claim is left without memory
