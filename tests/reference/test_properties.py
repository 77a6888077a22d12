"""Every property of a state is broken by hand, and its check says so with the numbers."""

from collections.abc import Callable

import pytest

from reference.page_alloc import alloc_heap_pages, offline_page
from reference.properties import STATE_PROPERTIES, broken_properties, check_state
from reference.state import Host, all_locks
from tests.reference.hosts import GLOBAL, alloc, claim, small_host


def busy_host() -> Host:
    """Two nodes; assigned, anonymous, limbo and offline pages; claims on a node and host-wide. All is well."""
    host = small_host(max_pages=20)
    claim(host, 1, (3, 0), (2, GLOBAL))
    alloc(host, 1, 0, node=0)
    alloc(host, None, 0, node=1)
    alloc_heap_pages(host, host.domain(1), 0, 0)
    offline_page(host, 23)
    return host


def too_many_claims_on_node(host: Host) -> None:
    host.node_outstanding_claims[1] = 9


def too_many_claims(host: Host) -> None:
    host.outstanding_claims = 17


def limbo_beyond_limit(host: Host) -> None:
    host.domain(1).max_pages = 4


def limit_below_claims(host: Host) -> None:
    host.domain(1).max_pages = 3


def wrong(attribute: str) -> Callable[[Host], None]:
    def change(host: Host) -> None:
        owner = host if hasattr(host, attribute) else host.domain(1)
        setattr(owner, attribute, getattr(owner, attribute) + 1)

    return change


def cancelling_claims(host: Host) -> None:
    host.domain(2).claims[0] = 1
    host.domain(2).claims[1] = -1


def page_freed_twice(host: Host) -> None:
    host.heap[0].give(0, 0)


def page_lost(host: Host) -> None:
    host.node_pages = (9, 8)


def unbooked_claim(target: int) -> Callable[[Host], None]:
    def change(host: Host) -> None:
        host.domain(1).history.redeemed[target] += 1

    return change


def dying_with_claims(host: Host) -> None:
    host.domain(1).is_dying = True


def lost_claims(host: Host) -> None:
    host.domain(1).history.lost = 2


def lost_mark(host: Host) -> None:
    host.pages.lost_marks.add(7)


def destroyed_with_claims(host: Host) -> None:
    domain = host.domain(1)
    domain.is_dying = domain.is_dead = domain.is_destroyed = True
    del host.domains[1]
    host.orphans.append(domain)


BREAKERS: list[tuple[str, Callable[[Host], None], str]] = [
    ("node-backed", too_many_claims_on_node, "node 1: node_outstanding_claims 9 > node_avail_pages 6"),
    ("host-backed", too_many_claims, "host: outstanding_claims 17 > total_avail_pages 12"),
    ("entitlement", limbo_beyond_limit, "d1: tot_pages 1 + limbo 1 + global_claims 2 + node_claims 1 > max_pages 4"),
    ("entitlement", limit_below_claims, "d1: tot_pages 1 + global_claims 2 + node_claims 1 > max_pages 3"),
    ("aggregates-agree", wrong("total_avail_pages"), "host: total_avail_pages 13 != sum 12"),
    ("aggregates-agree", wrong("outstanding_claims"), "host: outstanding_claims 4 != sum 3"),
    ("aggregates-agree", wrong("node_claims"), "d1: node_claims 2 != sum 1"),
    ("aggregates-agree", wrong("global_claims"), "host: outstanding_claims 3 != sum 4"),
    ("aggregates-agree", cancelling_claims, "node 0: node_outstanding_claims 1 != sum 2"),
    ("redeemed-once", page_freed_twice, "node 0: node_avail_pages 6 != pages in the heap 7"),
    ("redeemed-once", page_lost, "node 0: free 6 + in use or offline 2 != installed 9"),
    ("redeemed-once", unbooked_claim(0), "d1 node 0: installed 3 != outstanding + redeemed + released + recalled 4"),
    ("redeemed-once", unbooked_claim(2), "d1 global: installed 2 != outstanding + redeemed + released + recalled 3"),
    ("dead-hold-nothing", dying_with_claims, "d1: dying with global_claims 2, node_claims 1"),
    ("dead-hold-nothing", destroyed_with_claims, "d1: destroyed with global_claims 2, node_claims 1"),
    ("aggregates-agree", destroyed_with_claims, "host: outstanding_claims 3 != sum 0"),
    ("no-claims-lost", lost_claims, "d1: 2 pages, granted or claimed, were lost before they reached tot_pages"),
    ("offline-mark-kept", lost_mark, "mfn 7: the page was marked offline in limbo and lost its mark"),
]


def test_busy_host_violates_no_property() -> None:
    assert check_state(busy_host()) == []


@pytest.mark.parametrize(("name", "breaker", "message"), BREAKERS, ids=lambda value: getattr(value, "__name__", None))
def test_violated_property_is_named_with_its_numbers(name: str, breaker: Callable[[Host], None], message: str) -> None:
    host = busy_host()
    with all_locks(host):
        breaker(host)
        found = [str(violation) for violation in STATE_PROPERTIES[name](host)]
    assert any(line.endswith(message) for line in found), found
    assert all(line.startswith(name) for line in found)
    assert found[0] in [str(violation) for violation in broken_properties(host)]


def test_every_property_has_a_violating_example() -> None:
    assert {name for name, _, _ in BREAKERS} == set(STATE_PROPERTIES)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda host: host.heap[0].free[0].add(0), "mfn 0: both "),
        (lambda host: host.pages.offlined.add(0), "mfn 0: both "),
        (lambda host: host.pages.unavailable.__setitem__(0, 1), "unavailable: [1, 2] != count of the blocks [2, 2]"),
        (lambda host: setattr(host.pages, "limbo_blocks", 0), "limbo_blocks: 0 != count of the blocks 1"),
        (lambda host: setattr(host.heap[1], "free_pages", 5), "free_pages: [6, 5] != count of the blocks [6, 6]"),
    ],
)
def test_pages_are_recounted_block_by_block(spoil: Callable[[Host], object], message: str) -> None:
    host = busy_host()
    with all_locks(host):
        spoil(host)
    assert any(message in str(violation) for violation in check_state(host)), check_state(host)
