"""``claim-sets-hardened``: what fails in ``claim-sets`` (test_what_fails.py) is refused, and nothing else is."""

import pytest

from reference.domain import domain_kill, mark_dying
from reference.hypercalls import claim_pages, max_mem
from reference.page_alloc import alloc_heap_pages, assign_pages, free_heap_pages
from reference.properties import check_state
from reference.status import Status
from reference.steps import run
from tests.reference.hosts import GLOBAL, alloc, claim, free, held, small_host

HARDENED = "claim-sets-hardened"


def test_limit_below_pages_and_claims_is_refused() -> None:
    host = small_host(4, semantics=HARDENED, max_pages=4)
    alloc(host, 1)
    claim(host, 1, (2, 0))
    assert max_mem(host, 1, 2) is Status.EINVAL
    assert max_mem(host, 1, 3) is Status.OK
    assert check_state(host) == []


@pytest.mark.parametrize("entry", [(1, 0), (1, GLOBAL)])
def test_pages_in_limbo_count_when_a_claim_is_made(entry: tuple[int, int]) -> None:
    host = small_host(2, semantics=HARDENED, max_pages=1)
    mfn = alloc_heap_pages(host, host.domain(1), 0)
    assert mfn is not None
    assert claim(host, 1, entry) is Status.EINVAL
    assert run(claim_pages(host, 1, 1)) is Status.EINVAL
    assert assign_pages(host, mfn, 0, host.domain(1)) is Status.OK
    assert check_state(host) == []


def test_unassigned_pages_are_no_longer_charged() -> None:
    host = small_host(4, semantics=HARDENED, max_pages=1)
    mfn = alloc_heap_pages(host, host.domain(1), 0)
    assert mfn is not None
    assert alloc_heap_pages(host, host.domain(1), 0) is None  # beyond the limit: not even out of the heap
    free_heap_pages(host, mfn, 0)
    assert alloc(host, 1) == mfn
    free(host, mfn)
    assert claim(host, 1, (1, 0)) is Status.OK


def test_claims_left_after_redeeming_count_against_the_limit() -> None:
    host = small_host(8, semantics=HARDENED, max_pages=4)
    claim(host, 1, (3, 0))
    assert alloc(host, 1, 1) is not None  # 2 of 3 claimed pages
    assert held(host, 1) == ([1], 0, 2)
    assert alloc(host, 1, 1) is not None  # 1 page claimed, 1 not claimed: the limit is reached
    assert alloc(host, 1, 0) is None


def test_kill_between_check_and_claim_is_noticed() -> None:
    host = small_host(2, semantics=HARDENED)
    claiming = claim_pages(host, 1, 2)
    next(claiming)
    run(domain_kill(host, host.domain(1)))
    assert run(claiming) is Status.EINVAL
    assert claim(host, 1, (1, 0)) is Status.ESRCH
    assert check_state(host) == []
    mark_dying(host.domain(2))
    assert host.semantics.set_outstanding_pages(host, host.domain(2), 0) is Status.OK
