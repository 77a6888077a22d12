"""``lock-order``: a lock taken out of order, or a field touched without its lock, is an error at that line."""

import pytest

from reference import claims
from reference.generation import Request
from reference.locks import LockError
from reference.page_alloc import get_free_buddy
from reference.state import Domain, Host, all_locks
from tests.reference.hosts import claim, small_host

GUARDED_HOST = ["total_avail_pages", "node_avail_pages", "node_outstanding_claims", "outstanding_claims", "heap"]
GUARDED_DOMAIN = {
    "tot_pages": "page_alloc_lock",
    "max_pages": "page_alloc_lock",
    "extra_pages": "page_alloc_lock",
    "pending_scrub": "page_alloc_lock",
    "claims": "heap_lock",
    "node_claims": "heap_lock",
    "global_claims": "heap_lock",
    "claim_node": "heap_lock",
    "charged_pages": "heap_lock",
    "charge_limit": "heap_lock",
    "last_alloc_node": "heap_lock",
    "history": "heap_lock",
}


@pytest.mark.parametrize("field", GUARDED_HOST)
def test_host_fields_need_the_heap_lock(field: str) -> None:
    host = small_host()
    with pytest.raises(LockError, match=f"Host.{field} touched without heap_lock"):
        getattr(host, field)
    with host.heap_lock:
        value = getattr(host, field)
    with pytest.raises(LockError, match=f"Host.{field} touched without heap_lock"):
        setattr(host, field, value)
    with host.heap_lock:
        setattr(host, field, value)


@pytest.mark.parametrize(("field", "lock"), GUARDED_DOMAIN.items())
def test_domain_fields_need_their_lock(field: str, lock: str) -> None:
    domain = small_host().domain(1)
    other = domain.heap_lock if lock == "page_alloc_lock" else domain.page_alloc_lock
    with other, pytest.raises(LockError, match=f"Domain.{field} touched without {lock}"):
        getattr(domain, field)
    with getattr(domain, lock):
        getattr(domain, field)


def test_every_field_of_the_specification_is_guarded() -> None:
    properties = {name for cls in (Host.Checked, Domain.Checked) for name in vars(cls) if name[0] != "_"}
    assert properties == {*GUARDED_HOST, *GUARDED_DOMAIN}


def test_list_kept_after_a_critical_section_is_guarded() -> None:
    host = small_host()
    with host.heap_lock:
        kept = host.node_avail_pages
    for touch in (
        lambda: kept[0],
        lambda: kept.__setitem__(0, 1),
        lambda: list(kept),
        lambda: kept == [8, 8],
        lambda: kept != [8, 8],
    ):
        with pytest.raises(LockError, match="node_avail_pages touched without heap_lock"):
            touch()
    with host.heap_lock:
        kept[0] = 7
        assert kept == [7, 8]
        assert kept != [8, 8]


def test_page_alloc_lock_is_never_taken_while_holding_heap_lock() -> None:
    host = small_host()
    with host.heap_lock, pytest.raises(LockError, match="page_alloc_lock of d1 taken while holding heap_lock"):
        host.domain(1).page_alloc_lock.__enter__()
    with host.domain(1).page_alloc_lock, host.heap_lock:
        pass


def test_lock_is_not_taken_twice() -> None:
    host = small_host()
    with host.heap_lock, pytest.raises(LockError, match="heap_lock is already held"):
        host.heap_lock.__enter__()


def test_locks_are_released_when_a_critical_section_fails() -> None:
    host = small_host()
    with pytest.raises(ZeroDivisionError), host.heap_lock:
        raise ZeroDivisionError
    assert host.locks_held == []


def test_missing_lock_in_an_operation_is_found() -> None:
    """The parts of a critical section, called without it, fail at the line that touches the first field."""
    host = small_host()
    domain = host.domain(1)
    for part in (
        lambda: get_free_buddy(host, Request(1, 0, None, None, None, 0)),
        lambda: claims.release_all_claims(host, domain),
        lambda: claims.stake_claims(host, domain, {0: 1}, 0),
        lambda: claims.recall_claims(host, 0),
        lambda: claims.redeem_claims_for_allocation(host, domain, 1, 0),
    ):
        with pytest.raises(LockError, match="touched without heap_lock"):
            part()


def test_fields_are_plain_without_lock_checks() -> None:
    host = small_host(check_locks=False)
    assert type(host) is Host
    assert type(host.domain(1)) is Domain
    assert claim(host, 1, (3, 0)) == "OK"
    assert host.node_outstanding_claims == [3, 0]
    with all_locks(host):
        assert host.domain(1).claims == [3, 0]
