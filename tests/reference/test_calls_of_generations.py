"""The hypercalls by which generations take a node, and the queries that tell what is installed."""

import pytest

from reference.claims import ClaimEntry
from reference.constants import (
    CLAIM_TARGET_LEGACY,
    CLAIM_TARGET_NO_NODE,
    MAX_NUMNODES,
    MAX_PAUSE_COUNT,
    NUMA_NO_NODE,
    XENMEMF_exact_node_request,
)
from reference.domain import mark_dying
from reference.generations import GENERATIONS
from reference.hypercalls import claim_memory, claim_pages, get_memory_claims, pausedomain, unpausedomain
from reference.status import MisuseError, Status
from reference.steps import run
from tests.reference.hosts import GLOBAL, SINGLE_NODE, alloc, avail, claim, held, small_host


@pytest.mark.parametrize(
    ("mem_flags", "status", "node"),
    [
        (0, Status.OK, None),
        (XENMEMF_exact_node_request, Status.OK, None),
        (XENMEMF_exact_node_request | 2 << 8, Status.OK, 1),
        (XENMEMF_exact_node_request | 2 << 8 | 1, Status.OK, 1),  # other flags are ignored
        (2 << 8, Status.EINVAL, None),  # a node that is only preferred
        (XENMEMF_exact_node_request | (MAX_NUMNODES + 1) << 8, Status.EINVAL, None),
        (XENMEMF_exact_node_request | 6 << 8, Status.ENOMEM, None),  # not online: it has no memory
    ],
)
def test_v1_takes_the_node_from_mem_flags(mem_flags: int, status: Status, node: int | None) -> None:
    host = small_host(semantics="single-node-v1")
    assert run(claim_pages(host, 1, 3, mem_flags=mem_flags)) is status
    assert avail(host)[2:] == ([0, 3] if node == 1 else [0, 0], 3 if status is Status.OK else 0)


@pytest.mark.parametrize("semantics", SINGLE_NODE[1:])
def test_later_single_node_generations_take_a_list_of_one_node(semantics: str) -> None:
    host = small_host(semantics=semantics)
    v4 = semantics == "single-node-v4"
    no_node = CLAIM_TARGET_NO_NODE if v4 else NUMA_NO_NODE
    two = [ClaimEntry(1, 0), ClaimEntry(1, 1)]
    assert run(claim_pages(host, 1, 3, mem_flags=XENMEMF_exact_node_request | 2 << 8)) is Status.EINVAL
    assert claim_memory(host, 9, two) is Status.ESRCH
    assert claim_memory(host, 1, two) is (Status.EINVAL if v4 else Status.EOPNOTSUPP)
    assert claim_memory(host, 1, [ClaimEntry(3, 1)]) is Status.OK
    assert claim_memory(host, 1, [ClaimEntry(1, 5)]) is (Status.ENOENT if v4 else Status.EINVAL)
    assert avail(host)[2] == [0, 3]
    assert claim_memory(host, 1, []) is (Status.EINVAL if v4 else Status.OK)
    assert claim_memory(host, 1, [ClaimEntry(0, no_node)]) is Status.OK
    assert claim_memory(host, 1, [ClaimEntry(2, no_node)]) is Status.OK
    assert avail(host)[2:] == ([0, 0], 2)
    mark_dying(host.domain(2))
    assert claim_memory(host, 2, [ClaimEntry(2, 0, 1)]) is (Status.EINVAL if v4 else Status.OK)
    host = small_host(semantics=semantics, llc_coloring_enabled=True)
    assert claim_memory(host, 1, [ClaimEntry(1, 0)]) is (Status.EOPNOTSUPP if v4 else Status.OK)


def test_v3_subtracts_pages_held_before_taking_the_locks() -> None:
    host = small_host(semantics="single-node-v3")
    alloc(host, 1, 1)
    assert run(claim_pages(host, 1, 5)) is Status.OK
    assert held(host, 1)[1:] == (3, 2)
    assert run(claim_pages(host, 1, 0)) is Status.OK
    assert run(claim_pages(host, 1, 2)) is Status.OK  # 2 - 2 is a release
    assert run(claim_pages(host, 1, 1)) is Status.ENOMEM  # 1 - 2 wraps
    steps = claim_pages(host, 1, 5)
    next(steps)
    alloc(host, 1, 1)
    assert run(steps) is Status.OK
    assert held(host, 1)[1:] == (3, 4)  # 7 in all: the page count was read before


def test_claim_sets_v3_has_one_installer_for_legacy_claims() -> None:
    host = small_host(semantics="claim-sets-v3")
    alloc(host, 1, 1)
    legacy = ClaimEntry(6, CLAIM_TARGET_LEGACY)
    for entries, status in (
        ([], Status.EINVAL),
        ([legacy] * (MAX_NUMNODES + 2), Status.E2BIG),
        ([legacy, ClaimEntry(1, GLOBAL)], Status.EINVAL),
        ([legacy, ClaimEntry(1, 0)], Status.EINVAL),
        ([legacy._replace(pad=1)], Status.EINVAL),
        ([legacy._replace(pages=2)], Status.EINVAL),
        ([legacy, ClaimEntry(0, 0)], Status.OK),
        ([legacy], Status.EINVAL),  # it does not replace
    ):
        assert claim_memory(host, 1, entries) is status
    assert held(host, 1) == ([0, 0], 4, 2)
    assert claim_memory(host, 1, [ClaimEntry(3, 1)]) is Status.OK
    assert claim_memory(host, 1, [ClaimEntry(3, 1)], 1) is Status.EOPNOTSUPP  # not the mode SET
    assert claim_memory(host, 9, [ClaimEntry(3, 1)]) is Status.ESRCH
    assert held(host, 1) == ([0, 3], 0, 2)
    host = small_host(semantics="claim-sets-v3", llc_coloring_enabled=True)
    assert claim_memory(host, 1, [legacy]) is Status.EOPNOTSUPP


def test_claim_sets_v3_returns_the_installed_set() -> None:
    host = small_host(semantics="claim-sets-v3")
    assert get_memory_claims(host, 1, 0) == (Status.ERANGE, 1, ())
    assert get_memory_claims(host, 1, 9) == (Status.OK, 1, ((0, GLOBAL, 0),))
    claim(host, 1, (3, 1), (2, GLOBAL))
    assert get_memory_claims(host, 1, 1) == (Status.ERANGE, 2, ())
    assert get_memory_claims(host, 1, 2) == (Status.OK, 2, ((2, GLOBAL, 0), (3, 1, 0)))
    assert get_memory_claims(host, 1, 2, 7).status is Status.EOPNOTSUPP
    assert get_memory_claims(host, 9, 2).status is Status.ESRCH
    mark_dying(host.domain(1))
    assert get_memory_claims(host, 1, 2).status is Status.ESRCH


def test_v8_returns_a_set_that_it_would_accept() -> None:
    host = small_host(semantics="per-node-v8")
    assert get_memory_claims(host, 1, 0) == (Status.OK, 0, ())
    claim(host, 1, (3, 1), (1, 0), (2, GLOBAL))
    claim(host, 2, (1, 1))
    found = get_memory_claims(host, 1, 3)
    assert found == (Status.OK, 3, ((2, GLOBAL, 0), (1, 0, 0), (3, 1, 0)))
    assert get_memory_claims(host, 1, 2) == (Status.ENOBUFS, 3, ())
    assert get_memory_claims(host, 1, 3, pad=1).status is Status.EINVAL
    assert get_memory_claims(host, 9, 3).status is Status.ESRCH
    assert claim_memory(host, 1, []) is Status.OK
    assert claim_memory(host, 1, found.entries) is Status.OK
    mark_dying(host.domain(2))
    assert get_memory_claims(host, 2, 3).entries == ((1, 1, 0),)


def test_other_generations_cannot_query_claims() -> None:
    for semantics in set(GENERATIONS) - {"claim-sets-v3", "claim-sets-v7", "per-node-v8"}:
        with pytest.raises(MisuseError, match=f"{semantics} has no query"):
            get_memory_claims(small_host(semantics=semantics), 1, 1)


def test_pauses_are_counted() -> None:
    host = small_host()
    assert pausedomain(host, 9) is unpausedomain(host, 9) is Status.ESRCH
    for _ in range(MAX_PAUSE_COUNT - 1):
        assert pausedomain(host, 1) is Status.OK
    assert pausedomain(host, 1) is Status.EOVERFLOW
    for _ in range(MAX_PAUSE_COUNT):
        assert unpausedomain(host, 1) is Status.OK
    assert unpausedomain(host, 1) is Status.EINVAL
