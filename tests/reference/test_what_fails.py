"""What still fails in ``claim-sets``: each test shows exactly how, step by step."""

import pytest

from reference.domain import domain_kill
from reference.hypercalls import claim_pages, destroydomain, getdomaininfo
from reference.page_alloc import alloc_heap_pages, assign_pages
from reference.properties import check_state
from reference.state import Host
from reference.status import Status
from reference.steps import run
from tests.reference.hosts import GLOBAL, avail, claim, held, small_host


def broken(host: Host) -> set[str]:
    return {violation.property for violation in check_state(host)}


def test_entitlement_fails_if_the_limit_drops_below_a_claim() -> None:
    """``XEN_DOMCTL_max_mem`` checks neither pages nor claims (qualifies DS-22)."""
    host = small_host(2, domains=1, max_pages=1)
    assert claim(host, 1, (1, 0)) is Status.OK
    host.semantics.set_max_pages(host, host.domain(1), 0)
    assert broken(host) == {"entitlement", "entitlement-without-limbo"}


def test_entitlement_fails_for_a_set_installed_with_limbo_pages() -> None:
    """The installer sees tot_pages, which does not count pages on their way to the domain (qualifies DS-11, DS-22)."""
    host = small_host(2, domains=1, max_pages=1)
    mfn = alloc_heap_pages(host, host.domain(1), 0)
    assert mfn == 0
    assert claim(host, 1, (1, 0)) is Status.OK
    assert broken(host) == {"entitlement"}  # 0 pages + 1 in limbo + 1 claimed > 1
    # The weaker form is violated when they arrive: assign_pages checks max_pages, not claims.
    assert assign_pages(host, mfn, 0, host.domain(1)) is Status.OK
    assert broken(host) == {"entitlement", "entitlement-without-limbo"}
    assert held(host, 1) == ([1], 0, 1)


def test_entitlement_fails_for_a_legacy_claim_with_limbo_pages() -> None:
    host = small_host(3, domains=1, max_pages=2)
    mfn = alloc_heap_pages(host, host.domain(1), 0)
    assert mfn is not None
    assert run(claim_pages(host, 1, 2)) is Status.OK
    assert broken(host) == {"entitlement"}
    assert assign_pages(host, mfn, 0, host.domain(1)) is Status.OK
    assert "entitlement-without-limbo" in broken(host)


@pytest.mark.parametrize("entry", [(1, 0), (1, GLOBAL)])
def test_entitlement_holds_when_all_pages_have_arrived(entry: tuple[int, int]) -> None:
    """The same steps without the overlap are refused."""
    host = small_host(2, domains=1, max_pages=1)
    mfn = alloc_heap_pages(host, host.domain(1), 0)
    assert mfn is not None
    assert assign_pages(host, mfn, 0, host.domain(1)) is Status.OK
    assert claim(host, 1, entry) is Status.EINVAL
    assert broken(host) == set()


def test_dying_domain_can_get_a_claim_by_the_legacy_call() -> None:
    """``XENMEM_claim_pages`` checks ``is_dying`` before it takes the locks, and misses a kill in between (DS-29)."""
    host = small_host(2, domains=1, max_pages=2)
    claiming = claim_pages(host, 1, 2)
    next(claiming)  # the checks passed
    run(domain_kill(host, host.domain(1)))  # marks it dying, releases its claims
    assert run(claiming) is Status.OK
    assert broken(host) == {"dead-hold-nothing"}
    info = getdomaininfo(host, 1)
    assert not isinstance(info, Status)
    assert info.outstanding_pages == 2
    # The claim is never released: destruction does not check it, and the host counts it forever.
    assert run(destroydomain(host, 1)) is Status.OK
    assert 1 not in host.domains
    assert avail(host)[3] == 2
    assert broken(host) == {"dead-hold-nothing", "aggregates-agree"}


def test_legacy_call_is_refused_after_a_completed_kill() -> None:
    host = small_host(2, domains=1, max_pages=2)
    run(domain_kill(host, host.domain(1)))
    assert run(claim_pages(host, 1, 2)) is Status.EINVAL
    assert broken(host) == set()
