"""The parts of variants: each changes what it says, alone and with others."""

import pytest

from reference.constants import MEMF_exact_node
from reference.domain import domain_kill, mark_dying
from reference.generations import GENERATIONS
from reference.generations.hardened import ClaimSetsHardened
from reference.generations.parts import PARTS, changed
from reference.hypercalls import unpausedomain
from reference.page_alloc import alloc_heap_pages, assign_pages, offline_page
from reference.populate import PopulateResult, PreemptionChoice, populate_physmap
from reference.properties import check_state
from reference.state import Host, Stash
from reference.status import PageStatus, Status
from reference.steps import run
from tests.reference.hosts import (
    GLOBAL,
    alloc,
    avail,
    broken,
    building_host,
    claim,
    free,
    held,
    populate,
    small_host,
    stash_of,
)


def host_with(part: str, *nodes: int, max_pages: int = 4, base: str = "claim-sets") -> Host:
    return small_host(*nodes, semantics=f"{base}+{part}", max_pages=max_pages)


def limit(host: Host, pages: int) -> Status:
    return host.semantics.set_max_pages(host, host.domain(1), pages)


def in_limbo(host: Host, order: int = 0) -> int:
    mfn = alloc_heap_pages(host, host.domain(1), order)
    assert mfn is not None
    return mfn


@pytest.mark.parametrize("name", ["claim-sets+nothing", "claim-sets+", "no-generation", "no-generation+limbo-counted"])
def test_unknown_variant_names_are_refused(name: str) -> None:
    assert name not in GENERATIONS
    with pytest.raises(KeyError):
        GENERATIONS[name]


def test_variant_is_found_by_name_but_not_listed() -> None:
    name = "per-node-v8+limbo-counted+dying-checked"
    assert name in GENERATIONS
    assert GENERATIONS[name].name == name
    assert not any("+" in listed for listed in GENERATIONS)


def test_hardened_claim_sets_consist_of_six_parts() -> None:
    named = ["limbo-counted", "low-limit-refused", "charged-at-alloc", "dying-checked", "stash-kept", "marks-kept"]
    assert ClaimSetsHardened.__mro__[1:] == type(changed(GENERATIONS["claim-sets"], named)).__mro__[1:]
    assert set(named) < set(PARTS)


def test_limbo_counted_counts_limbo_pages_when_claiming() -> None:
    host = host_with("limbo-counted")
    in_limbo(host, 1)
    assert claim(host, 1, (3, 0)) is Status.EINVAL
    assert claim(host, 1, (2, 0)) is Status.OK
    assert limit(host, 0) is Status.OK  # no other part


def test_low_limit_refused_alone_ignores_limbo_pages() -> None:
    host = host_with("low-limit-refused")
    in_limbo(host, 1)
    assert claim(host, 1, (1, 0)) is Status.OK
    assert limit(host, 0) is Status.EINVAL
    assert limit(host, 1) is Status.OK


def test_charged_at_alloc_refuses_pages_beyond_the_limit() -> None:
    host = host_with("charged-at-alloc")
    in_limbo(host, 1)
    assert claim(host, 1, (4, 0)) is Status.OK  # no other part
    assert alloc(host, 1) is None
    assert claim(host, 1, (1, 0)) is Status.OK
    assert alloc(host, 1, 1) is not None  # one claimed, one not: 4 pages in total
    assert alloc(host, 1) is None
    assert alloc(host, None) is not None


def test_dying_checked_refuses_claims_of_dying_domains() -> None:
    host = host_with("dying-checked")
    mark_dying(host.domain(1))
    assert claim(host, 1, (1, 0)) is Status.ESRCH


def test_limit_read_unlocked_ignores_limbo_pages() -> None:
    host = host_with("limit-read-unlocked", max_pages=2)
    first, second = in_limbo(host, 1), in_limbo(host, 1)
    assert assign_pages(host, first, 1, host.domain(1)) is Status.OK
    assert alloc_heap_pages(host, host.domain(1), 0) is None
    assert assign_pages(host, second, 1, host.domain(1)) is Status.E2BIG
    assert alloc(host, None) is not None


def test_all_claims_at_alloc_refuses_claimed_pages() -> None:
    host = host_with("all-claims-at-alloc")
    claim(host, 1, (4, 0))
    assert alloc(host, 1) is None
    claim(host, 1, (2, 0))
    assert alloc(host, 1, 1) is not None


def test_claims_checked_at_assign_counts_claims_at_assignment() -> None:
    host = host_with("claims-checked-at-assign")
    mfn = in_limbo(host, 1)
    claim(host, 1, (4, 0))
    assert assign_pages(host, mfn, 1, host.domain(1)) is Status.E2BIG
    claim(host, 1, (2, 0))
    assert assign_pages(host, mfn, 1, host.domain(1)) is Status.OK
    limit(host, 1)
    assert assign_pages(host, in_limbo(host), 0, host.domain(1)) is Status.EPERM


def test_claims_trimmed_releases_host_wide_claims_first() -> None:
    host = host_with("claims-trimmed", 8, 8)
    claim(host, 1, (1, 0), (2, 1), (1, GLOBAL))
    for pages, claims, host_wide in ((5, [1, 2], 1), (3, [1, 2], 0), (2, [0, 2], 0), (1, [0, 1], 0), (0, [0, 0], 0)):
        assert limit(host, pages) is Status.OK
        assert held(host, 1)[:2] == (claims, host_wide)


def test_redeemed_at_assign_keeps_claims_until_assignment() -> None:
    host = host_with("redeemed-at-assign", 8)
    claim(host, 1, (3, 0))
    mfn = in_limbo(host, 1)
    assert avail(host)[2:] == ([3], 3)
    assign_pages(host, mfn, 1, host.domain(1))
    assert avail(host)[2:] == ([1], 1)


def test_others_kept_redeems_other_nodes_only_at_the_limit() -> None:
    host = host_with("others-kept", 8, 8, max_pages=4)
    claim(host, 1, (3, 0))
    assert alloc(host, 1, 0, 1) is not None
    assert held(host, 1)[0] == [3, 0]  # 4 in all
    assert alloc(host, 1, 0, 1) is not None
    assert held(host, 1)[0] == [2, 0]  # the limit
    host = host_with("others-kept", 2, 2, max_pages=8)
    claim(host, 1, (2, 0))
    claim(host, 2, (1, GLOBAL))
    assert alloc(host, 1, 1, 1) is not None
    assert (held(host, 1)[0], avail(host)[3]) == ([1, 0], 2)  # free pages that the other's claim does not need


def test_parts_apply_to_per_node_v8() -> None:
    host = host_with("limbo-counted", base="per-node-v8")
    in_limbo(host, 1)
    assert claim(host, 1, (3, 0)) is Status.EINVAL
    assert claim(host, 1, (2, 0)) is Status.OK


# -- the stash, and offline marks


def building(part: str, base: str = "mainline-4.22", order: int = 9) -> Host:
    """Domain 1 claims 2,048 pages, and has an extent of node 0 stashed after its first 256."""
    host = building_host(semantics=f"{base}+{part}")
    assert host.semantics.set_outstanding_pages(host, host.domain(1), 2048) is Status.OK
    assert populate(host, 1, 1, order, 0, preempt=(0, 256)).preempted is not None
    return host


def test_stash_kept_refuses_an_unsuitable_populate() -> None:
    host = building("stash-kept")
    before = (avail(host), held(host, 1), stash_of(host, 1))
    assert populate(host, 1, 4, 0) == PopulateResult([], 0)
    assert populate(host, 1, 4, 9, 1, MEMF_exact_node, start=2) == PopulateResult([], 2)
    assert (avail(host), held(host, 1), stash_of(host, 1)) == before
    assert populate(host, 1, 1, 9) == PopulateResult([0], 1)
    assert check_state(host) == []


def test_stash_kept_refuses_to_unpause() -> None:
    host = building("stash-kept")
    assert unpausedomain(host, 1) is unpausedomain(host, 1) is Status.EBUSY
    assert stash_of(host, 1) is not None
    assert populate(host, 1, 1, 9) == PopulateResult([0], 1)
    assert unpausedomain(host, 1) is Status.OK
    assert host.domain(1).creation_finished


def test_stash_kept_does_not_preempt_a_second_extent() -> None:
    host = building_host(semantics="mainline-4.22+stash-kept")
    first = populate_physmap(host, 1, 1, 10, 0, preempt_at=PreemptionChoice(0, 256))
    next(first)
    next(first)
    assert populate(host, 1, 1, 9, 0, preempt=(0, 256)).preempted is not None
    assert run(first) == PopulateResult([0], 1)  # scrubbed on, and assigned
    assert stash_of(host, 1) == Stash(1024, 9, 256)
    assert check_state(host) == []


def test_stash_kept_frees_the_stash_of_a_dying_domain() -> None:
    host = building("stash-kept")
    run(domain_kill(host, host.domain(1)))
    assert avail(host)[1] == 4096
    second = building_host(semantics="mainline-4.22+stash-kept")
    steps = populate_physmap(second, 1, 1, 10, 0, preempt_at=PreemptionChoice(0, 256))
    next(steps)
    next(steps)
    mark_dying(second.domain(1))
    assert run(steps) == PopulateResult([], 0, "scrubbing", 256)
    assert avail(second)[1] == 4096


@pytest.mark.parametrize(
    ("base", "claims"),
    [("mainline-4.22", ([0, 0], 2048)), ("claim-sets", ([512, 0], 1536)), ("per-node-v8", ([512, 0], 1536))],
)
def test_stash_claim_restored_claims_freed_stash_pages(base: str, claims: tuple[list[int], int]) -> None:
    """Where claims have nodes it is a claim on the node of the pages."""
    host = building("stash-claim-restored", base)
    steps = populate_physmap(host, 1, 1, 0)
    next(steps)
    assert (held(host, 1)[:2], avail(host)[1], avail(host)[3]) == (claims, 4096, 2048)
    assert check_state(host) == []
    assert run(steps).nr_done == 1


def test_stash_claim_restored_only_during_creation() -> None:
    host = building("stash-claim-restored")
    assert unpausedomain(host, 1) is Status.EBUSY
    assert (held(host, 1)[1], check_state(host)) == (2048, [])
    host = building("stash-claim-restored")
    run(domain_kill(host, host.domain(1)))
    assert (avail(host)[1], avail(host)[3], check_state(host)) == (4096, 0, [])


def test_stash_claim_restored_excludes_refused_pages() -> None:
    host = building("stash-claim-restored")
    limit(host, 100)
    assert populate(host, 1, 1, 9) == PopulateResult([], 0)
    assert held(host, 1)[1] == 1536
    assert "no-claims-lost" in broken(host)


def test_marks_kept_takes_the_page_offline_when_freed() -> None:
    """All else of it: test_offline_marks.py."""
    host = small_host(4, semantics="mainline-4.22+marks-kept", debug_build=True)
    mfn = in_limbo(host)
    assert offline_page(host, mfn) is PageStatus.ANONYMOUS_FAILED
    assert assign_pages(host, mfn, 0, host.domain(1)) is Status.OK
    free(host, mfn)
    assert avail(host)[1] == 3
