"""Extra pages (MEMF_no_refcount, owned): counted apart, and what they do to claims in each generation."""

import pytest

from reference.constants import MEMF_no_refcount
from reference.domain import mark_dying, relinquish_memory
from reference.generations import GENERATIONS
from reference.page_alloc import alloc_heap_pages, assign_pages, free_domheap_pages, free_heap_pages
from reference.properties import check_state
from reference.state import Host
from reference.status import MisuseError, Status
from reference.steps import run
from tests.reference.hosts import alloc, avail, broken, free, held, small_host

AT_ASSIGN = [name for name in GENERATIONS if not GENERATIONS[name].redeems_at_alloc]
AT_ALLOC = [name for name in GENERATIONS if GENERATIONS[name].redeems_at_alloc]


def counted(host: Host, domid: int = 1) -> tuple[int, int]:
    """(tot_pages, extra_pages)."""
    domain = host.domain(domid)
    with domain.page_alloc_lock:
        return domain.tot_pages, domain.extra_pages


def stake(host: Host, pages: int, node: int | None = None) -> Status:
    return host.semantics.set_outstanding_pages(host, host.domain(1), pages, node)


def extra(host: Host, order: int = 0, node: int | None = 0) -> int:
    mfn = alloc(host, 1, order, node, MEMF_no_refcount)
    assert mfn is not None
    return mfn


def test_five_generations_redeem_at_assignment() -> None:
    assert AT_ASSIGN == ["legacy-2013", "legacy-redeem-at-assign", "single-node-v1", "single-node-v2", "single-node-v3"]


@pytest.mark.parametrize("semantics", list(GENERATIONS))
def test_extra_pages_are_owned_but_not_in_tot_pages(semantics: str) -> None:
    host = small_host(semantics=semantics, max_pages=2)
    alloc(host, 1, node=0)
    mfn = extra(host, 2)
    assert counted(host) == (1, 4)  # no limit is checked for them
    assert {block.mfn for block in host.pages.of_domain(host.domain(1))} == {0, mfn}
    free(host, mfn, 2)
    assert counted(host) == (1, 0)
    assert avail(host)[1] == 15
    assert check_state(host) == []


def test_pages_held_beyond_the_limit_do_not_refuse_extra_pages() -> None:
    host = small_host()
    alloc(host, 1, 1)
    host.semantics.set_max_pages(host, host.domain(1), 0)
    assert alloc(host, 1) is None
    extra(host)
    assert counted(host) == (2, 1)


def test_dying_domain_gets_no_extra_pages() -> None:
    host = small_host()
    mfn = alloc_heap_pages(host, host.domain(1), 0, 0, MEMF_no_refcount)
    assert mfn is not None
    mark_dying(host.domain(1))
    assert assign_pages(host, mfn, 0, host.domain(1), MEMF_no_refcount) is Status.EINVAL
    free_heap_pages(host, mfn, 0)
    assert avail(host)[1] == 16


@pytest.mark.parametrize(("allocated", "assigned"), [(0, MEMF_no_refcount), (MEMF_no_refcount, 0)])
def test_assignment_needs_the_flags_of_the_allocation(allocated: int, assigned: int) -> None:
    host = small_host()
    mfn = alloc_heap_pages(host, host.domain(1), 0, 0, allocated)
    assert mfn is not None
    with pytest.raises(MisuseError, match="was not allocated for d1 with these memflags"):
        assign_pages(host, mfn, 0, host.domain(1), assigned)


def test_extra_pages_are_freed_with_the_domain() -> None:
    host = small_host()
    alloc(host, 1)
    extra(host, 1)
    mark_dying(host.domain(1))
    assert run(relinquish_memory(host, host.domain(1))) == 3
    assert avail(host)[1] == 16


@pytest.mark.parametrize("semantics", list(GENERATIONS))
@pytest.mark.parametrize(("claimed", "order", "left"), [(5, 1, 3), (1, 1, 0), (4, 2, 0)])
def test_extra_pages_redeem_only_at_assignment(semantics: str, claimed: int, order: int, left: int) -> None:
    host = small_host(semantics=semantics)
    assert stake(host, claimed) is Status.OK
    extra(host, order)
    assert held(host, 1)[1] == avail(host)[3] == (left if semantics in AT_ASSIGN else claimed)
    # What they take of the claim, tot_pages does not get.
    assert broken(host) == ({"no-claims-lost"} if semantics in AT_ASSIGN else set())


@pytest.mark.parametrize("semantics", ["single-node-v1", "single-node-v2", "single-node-v3"])
def test_extra_pages_of_another_node_redeem_nothing(semantics: str) -> None:
    host = small_host(semantics=semantics)
    assert stake(host, 3, 1) is Status.OK
    extra(host, 1, 0)
    assert held(host, 1)[0] == [0, 3]
    extra(host, 1, 1)
    assert held(host, 1)[0] == [0, 1]


@pytest.mark.parametrize("semantics", list(GENERATIONS))
def test_freeing_extra_pages_grows_only_the_2013_claim(semantics: str) -> None:
    host = small_host(semantics=semantics)
    mfn = extra(host, 1)
    assert stake(host, 3) is Status.OK
    free(host, mfn, 1)
    assert held(host, 1)[1] == avail(host)[3] == (5 if semantics == "legacy-2013" else 3)


def test_freeing_extra_pages_grows_no_absent_claim() -> None:
    host = small_host(semantics="legacy-2013")
    free(host, extra(host, 1), 1)
    assert held(host, 1)[1] == avail(host)[3] == 0


def test_claim_grows_before_the_extra_pages_are_free() -> None:
    host = small_host(4, semantics="legacy-2013")
    mfn = extra(host, 1)
    assert stake(host, 2) is Status.OK
    steps = free_domheap_pages(host, mfn, 1)
    next(steps)
    assert (avail(host)[1], avail(host)[3]) == (2, 4)
    assert broken(host) == {"host-backed"}
    run(steps)
    assert broken(host) == set()
