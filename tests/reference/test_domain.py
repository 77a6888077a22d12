"""Boot, creation and the end of domains."""

import pytest

from reference.domain import domain_destroy, domain_kill, mark_dying, relinquish_memory
from reference.page_alloc import alloc_heap_pages
from reference.state import boot, create_domain
from reference.status import MisuseError
from reference.steps import run
from tests.reference.hosts import alloc, claim, free, held, small_host


def test_host_of_64_tebibytes_boots_quickly() -> None:
    host = boot((1 << 28,) * 64, 1 << 28, small_host().semantics)
    with host.heap_lock:
        assert host.total_avail_pages == 1 << 34
        assert sum(1 for heap in host.heap for _ in heap.blocks()) == 64 << 8


@pytest.mark.parametrize(
    ("nodes", "span", "message"),
    [
        ((), 8, "1 to 64 nodes, not 0"),
        ((1,) * 65, 8, "1 to 64 nodes, not 65"),
        ((8,), 12, "node_span 12 is not a power of two"),
        ((8,), 0, "node_span 0 is not a power of two"),
        ((9,), 8, "a node of 9 pages does not fit"),
        ((-1,), 8, "a node of -1 pages does not fit"),
    ],
)
def test_invalid_hosts_are_misuse(nodes: tuple[int, ...], span: int, message: str) -> None:
    with pytest.raises(MisuseError, match=message):
        boot(nodes, span, small_host().semantics)


def test_invalid_domains_are_misuse() -> None:
    host = small_host()
    for domid, affinity, message in (
        (1, None, "domain 1 exists"),
        (0x7FF0, None, "out of range"),
        (-1, None, "out of range"),
        (3, (7,), "no node of its node_affinity is online"),
    ):
        with pytest.raises(MisuseError, match=message):
            create_domain(host, domid, 1, affinity)
    with pytest.raises(MisuseError, match="no domain 9"):
        host.domain(9)


def test_affinity_is_clamped_and_domains_are_ordered() -> None:
    host = small_host(8, 8, 8, domains=0)
    create_domain(host, 5, 1, (9, 2, 0, 2))
    create_domain(host, 3, 1)
    assert list(host.domains) == [3, 5]
    assert host.domain(5).node_affinity == (0, 2)
    assert host.domain(3).node_affinity == (0, 1, 2)


def test_domain_kill_marks_then_releases() -> None:
    host = small_host()
    alloc(host, 1)
    claim(host, 1, (3, 0))
    steps = domain_kill(host, host.domain(1))
    next(steps)
    assert host.domain(1).is_dying
    assert held(host, 1) == ([3, 0], 0, 1)
    run(steps)
    assert held(host, 1) == ([0, 0], 0, 1)
    run(domain_kill(host, host.domain(1)))


def test_domain_is_destroyed_only_when_its_pages_are_freed() -> None:
    host = small_host()
    domain = host.domain(1)
    mfn = alloc(host, 1)
    assert mfn is not None
    with pytest.raises(MisuseError, match="d1 is not dying"):
        domain_destroy(host, domain)
    with pytest.raises(MisuseError, match="d1 is not dying"):
        run(relinquish_memory(host, domain))
    mark_dying(domain)
    with pytest.raises(MisuseError, match="d1 still has pages"):
        domain_destroy(host, domain)
    free(host, mfn)
    assert 1 in host.domains  # domain_kill is not over
    domain_destroy(host, domain)
    assert 1 not in host.domains
    with pytest.raises(MisuseError, match="d1 is gone already"):
        domain_destroy(host, domain)


def test_destruction_ignores_claims_and_pages_in_limbo() -> None:
    host = small_host()
    domain = host.domain(1)
    claim(host, 1, (1, 0))
    assert alloc_heap_pages(host, domain, 0, 1) is not None
    mark_dying(domain)
    domain_destroy(host, domain)
    assert domain.is_destroyed
    assert list(host.domains) == [2]
    create_domain(host, 1, 5)  # its id is free again
    assert host.domain(1) is not domain
