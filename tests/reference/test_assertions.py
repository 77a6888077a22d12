"""Mainline's BUG_ONs on claims: where they stand, and at which number they stop the host."""

import pytest

from reference.constants import MEMF_no_refcount
from reference.generations import GENERATIONS
from reference.page_alloc import alloc_heap_pages, assign_pages
from reference.state import Host
from reference.status import HypervisorCrash, Status
from tests.reference.hosts import small_host

AT_ALLOC = ["legacy-redeem-at-alloc", "mainline-4.22", "per-node-v8"]
AT_ASSIGN = ["legacy-2013", "legacy-redeem-at-assign", "single-node-v1", "single-node-v2", "single-node-v3"]
MESSAGE = "BUG_ON: outstanding > outstanding_claims"


def host_that_counts(semantics: str, outstanding: int, claimed: int = 4) -> Host:
    """Domain 1 holds a claim, of which the host has counted so much: less is out of reach, so it is set by hand."""
    host = small_host(semantics=semantics)
    assert host.semantics.set_outstanding_pages(host, host.domain(1), claimed) is Status.OK
    with host.heap_lock:
        host.outstanding_claims = outstanding
    return host


@pytest.mark.parametrize("semantics", AT_ALLOC)
def test_assertion_at_allocation_compares_redeemed_claims(semantics: str) -> None:
    """It compares what the request redeems."""
    host = host_that_counts(semantics, 2)
    assert alloc_heap_pages(host, host.domain(1), 1) is not None
    with pytest.raises(HypervisorCrash, match=MESSAGE):
        alloc_heap_pages(host, host.domain(1), 0)
    assert alloc_heap_pages(host, host.domain(2), 0) is not None
    assert alloc_heap_pages(host, host.domain(1), 0, None, MEMF_no_refcount) is not None
    assert alloc_heap_pages(host, None, 0) is not None
    host = host_that_counts(semantics, 3)
    with pytest.raises(HypervisorCrash, match=MESSAGE):
        alloc_heap_pages(host, host.domain(1), 3)  # redeems 4 for 8 pages


@pytest.mark.parametrize("semantics", AT_ASSIGN)
@pytest.mark.parametrize("memflags", [0, MEMF_no_refcount])
def test_assertion_at_assignment_compares_the_whole_claim(semantics: str, memflags: int) -> None:
    """It compares the whole claim, and the allocator compares nothing."""
    host = host_that_counts(semantics, 4)
    mfn = alloc_heap_pages(host, host.domain(1), 0, None, memflags)
    assert mfn is not None
    with host.heap_lock:
        host.outstanding_claims = 3
    with pytest.raises(HypervisorCrash, match=MESSAGE):
        assign_pages(host, mfn, 0, host.domain(1), memflags)
    with host.heap_lock:
        host.outstanding_claims = 4
    assert assign_pages(host, mfn, 0, host.domain(1), memflags) is Status.OK


@pytest.mark.parametrize("semantics", sorted(set(GENERATIONS) - {*AT_ALLOC, *AT_ASSIGN}))
def test_other_generations_have_no_assertion(semantics: str) -> None:
    host = host_that_counts(semantics, 0)
    mfn = alloc_heap_pages(host, host.domain(1), 0)
    assert mfn is not None
    assert assign_pages(host, mfn, 0, host.domain(1)) is Status.OK
