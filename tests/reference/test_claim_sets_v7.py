"""``claim-sets-v7``: where the posted code departs from its own design, and its interface."""

import pytest

from reference.claims import ClaimEntry
from reference.constants import CLAIM_TARGET_LEGACY, MAX_NUMNODES, UINT_MAX
from reference.domain import mark_dying
from reference.hypercalls import claim_memory, claim_pages, get_memory_claims
from reference.page_alloc import alloc_heap_pages
from reference.state import Host
from reference.status import Status
from reference.steps import run
from tests.reference.hosts import GLOBAL, alloc, avail, broken, claim, held, small_host

V3, V7 = "claim-sets-v3", "claim-sets-v7"


def legacy(pages: int, *others: tuple[int, int]) -> list[ClaimEntry]:
    return [ClaimEntry(pages, CLAIM_TARGET_LEGACY), *(ClaimEntry(*entry) for entry in others)]


def limit(host: Host, pages: int) -> None:
    host.semantics.set_max_pages(host, host.domain(1), pages)


# -- the three departures, each against the design


@pytest.mark.parametrize(("semantics", "granted"), [(V3, True), (V7, False)])
def test_v7_host_check_does_not_mix(semantics: str, granted: bool) -> None:
    """4 claimed and 4 unclaimed pages make 8 in the design."""
    host = small_host(8, 8, semantics=semantics)
    claim(host, 1, (4, 0))
    claim(host, 2, (8, 1))
    assert (alloc(host, 1, 3, 0) is not None) == granted
    if not granted:
        assert alloc(host, 1, 2, 0) is not None  # covered by claims alone
        assert alloc(host, 1, 2, 0) is not None  # covered by unclaimed memory alone
        assert alloc(host, 1, 0) is None
        assert alloc(host, None) is None


def test_v7_node_check_mixes() -> None:
    host = small_host(8, 16, semantics=V7)
    claim(host, 1, (2, 0))
    claim(host, 2, (4, 0))
    assert alloc(host, 1, 2, 0) == 0  # 2 unclaimed and 2 claimed of node 0; the host has 18 unclaimed
    assert held(host, 1) == ([0, 0], 0, 4)


@pytest.mark.parametrize(("semantics", "status"), [(V3, Status.EINVAL), (V7, Status.ENOMEM)])
@pytest.mark.parametrize("entries", [[(1, 1), (UINT_MAX, 0)], [(1, 1), (2**64 - 1, 0)]])
def test_v7_does_not_check_node_pages_against_their_type(
    semantics: str, status: Status, entries: list[tuple[int, int]]
) -> None:
    host = small_host(semantics=semantics)
    assert claim(host, 1, *entries) is status
    assert avail(host)[3] == 0


@pytest.mark.parametrize(("semantics", "status"), [(V3, Status.EINVAL), (V7, Status.OK)])
@pytest.mark.parametrize("entries", [[(0, 0)], [(0, GLOBAL)], [(0, 1), (0, GLOBAL), (0, 0)]])
def test_all_zero_set_releases_before_the_limit_checks(
    semantics: str, status: Status, entries: list[tuple[int, int]]
) -> None:
    host = small_host(semantics=semantics)
    alloc(host, 1, 1)
    claim(host, 1, (2, 0), (1, GLOBAL))
    limit(host, 1)
    assert claim(host, 1, *entries) is status
    assert avail(host)[3] == (0 if status is Status.OK else 3)


def test_empty_set_releases_claims() -> None:
    """The installer itself: the hypercall refuses a set without entries."""
    host = small_host(semantics=V7)
    claim(host, 1, (2, 0))
    assert claim(host, 1) is Status.OK
    assert avail(host)[3] == 0


# -- what is as in any set


@pytest.mark.parametrize(
    ("entries", "status"),
    [
        ([(1, 0, 1)], Status.EINVAL),
        ([(1, GLOBAL), (1, GLOBAL)], Status.EINVAL),
        ([(1, GLOBAL), (1, CLAIM_TARGET_LEGACY)], Status.EINVAL),
        ([(1, 7)], Status.ENOENT),
        ([(1, MAX_NUMNODES)], Status.ENOENT),
        ([(1, 0), (1, 0)], Status.EINVAL),
        ([(9, 0)], Status.ENOMEM),
        ([(21, GLOBAL)], Status.EINVAL),
        ([(6, 0), (15, GLOBAL)], Status.EINVAL),
        ([(6, 0), (13, GLOBAL)], Status.EINVAL),  # with the 2 pages held
        ([(15, GLOBAL)], Status.ENOMEM),
        ([(6, 0), (8, 1), (1, GLOBAL)], Status.ENOMEM),
        ([(6, 0), (8, 1)], Status.OK),
        ([(0, 0), (3, 1)], Status.OK),
    ],
)
def test_the_first_check_that_fails_decides(entries: list[tuple[int, ...]], status: Status) -> None:
    host = small_host(semantics=V7, max_pages=20)
    alloc(host, 1, 1, 0)
    claim(host, 1, (1, 1))
    before = (held(host, 1), avail(host))
    assert claim(host, 1, *entries) is status  # type: ignore[arg-type]
    if status is not Status.OK:
        assert (held(host, 1), avail(host)) == before
    assert broken(host) == set()


def test_v7_set_replaces_the_one_before() -> None:
    host = small_host(semantics=V7)
    assert claim(host, 1, (8, 0), (8, GLOBAL)) is Status.OK
    assert claim(host, 1, (8, 1)) is Status.OK
    assert held(host, 1) == ([0, 8], 0, 0)


# -- a LEGACY entry, and the legacy call


@pytest.mark.parametrize(
    ("entries", "status", "claimed"),
    [
        (legacy(6), Status.OK, 4),
        (legacy(6, (0, 0)), Status.OK, 4),
        (legacy(6, (1, 0)), Status.EINVAL, 0),  # node pages
        (legacy(0, (1, 0)), Status.EINVAL, 0),
        (legacy(0), Status.OK, 0),
        (legacy(2), Status.EINVAL, 0),  # not above the pages held
        (legacy(3), Status.OK, 1),
        (legacy(11), Status.EINVAL, 0),  # 9 more than 2 held: above max_pages
        (legacy(10), Status.OK, 8),
        (legacy(13), Status.EINVAL, 0),
    ],
)
def test_v7_legacy_entry_makes_a_legacy_claim(entries: list[ClaimEntry], status: Status, claimed: int) -> None:
    host = small_host(semantics=V7, max_pages=10)
    alloc(host, 1, 1)
    assert claim_memory(host, 1, entries) is status
    assert held(host, 1)[1] == avail(host)[3] == claimed


def test_v7_legacy_entry_releases_but_does_not_replace() -> None:
    host = small_host(semantics=V7)
    assert claim(host, 1, (1, 0)) is Status.OK
    assert claim_memory(host, 1, legacy(5)) is Status.EINVAL
    assert claim_memory(host, 1, legacy(0)) is Status.OK
    assert avail(host)[3] == 0
    assert claim(host, 1, (1, GLOBAL)) is Status.OK
    assert claim_memory(host, 1, legacy(5)) is Status.EINVAL


def test_v7_legacy_claim_has_the_limits_of_any_set() -> None:
    """What is left to claim is held against max_pages together with the pages held."""
    host = small_host(semantics=V7, max_pages=100)
    alloc(host, 1, 1)
    assert run(claim_pages(host, 1, 17)) is Status.ENOMEM
    assert run(claim_pages(host, 1, 16)) is Status.OK
    assert held(host, 1)[1:] == (14, 2)
    assert run(claim_pages(host, 1, 0)) is Status.OK
    limit(host, 15)
    assert run(claim_pages(host, 1, 16)) is Status.EINVAL


@pytest.mark.parametrize("entry", [(1, 0), (1, CLAIM_TARGET_LEGACY)])
def test_parts_apply_to_the_v7_installer(entry: tuple[int, int]) -> None:
    host = small_host(semantics="claim-sets-v7+limbo-counted", max_pages=1)
    assert alloc_heap_pages(host, host.domain(1), 0) is not None
    assert claim(host, 1, entry) is Status.EINVAL
    assert small_host_claims("claim-sets-v7", entry) is Status.OK
    host = small_host(semantics="claim-sets-v7+dying-checked")
    mark_dying(host.domain(1))
    assert claim(host, 1, entry) is Status.ESRCH


def small_host_claims(semantics: str, entry: tuple[int, int]) -> Status:
    """The same with a page in limbo, in another generation."""
    host = small_host(semantics=semantics, max_pages=1)
    alloc_heap_pages(host, host.domain(1), 0)
    return claim(host, 1, entry)


# -- the hypercall


def test_v7_pad_of_the_call_is_a_mode() -> None:
    host = small_host(semantics=V7)
    one = [ClaimEntry(1, 0)]
    assert claim_memory(host, 9, one, 5) is Status.ESRCH
    assert claim_memory(host, 1, one, 5) is Status.EOPNOTSUPP
    assert claim_memory(host, 1, []) is Status.EINVAL
    assert claim_memory(host, 1, one * (MAX_NUMNODES + 2)) is Status.E2BIG
    assert claim_memory(host, 1, one) is Status.OK
    mark_dying(host.domain(1))
    assert claim_memory(host, 1, one) is Status.ESRCH
    colored = small_host(semantics=V7, llc_coloring_enabled=True)
    assert claim_memory(colored, 1, one) is Status.EOPNOTSUPP


def test_v7_get_is_refused_for_dying_or_coloured_domains() -> None:
    host = small_host(semantics=V7)
    claim(host, 1, (3, 1))
    assert get_memory_claims(host, 9, 2, 5).status is Status.ESRCH
    assert get_memory_claims(host, 1, 2).entries == ((0, GLOBAL, 0), (3, 1, 0))
    assert get_memory_claims(host, 1, 2, 5).status is Status.EOPNOTSUPP
    mark_dying(host.domain(1))
    assert get_memory_claims(host, 1, 2).status is Status.ESRCH
    colored = small_host(semantics=V7, llc_coloring_enabled=True)
    assert get_memory_claims(colored, 1, 2).status is Status.EOPNOTSUPP
