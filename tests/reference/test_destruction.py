"""Destroyed domains: operations in flight continue with them, no page is lost, and a claim they get has no owner."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from reference.constants import MEMF_no_refcount
from reference.domain import domain_destroy, mark_dying, relinquish_memory
from reference.generations import GENERATIONS
from reference.hypercalls import claim_pages, destroydomain, memory_exchange
from reference.page_alloc import alloc_domheap_pages, free_domheap_pages, offline_page
from reference.pages import PageState
from reference.populate import PreemptionChoice, populate_physmap
from reference.properties import check_state
from reference.state import Domain, Host, create_domain
from reference.status import Status
from reference.steps import Steps, run
from tests.reference.hosts import alloc, avail, broken, building_host, claim, free, small_host

FIVE_EVENTS = {"aggregates-agree", "host-backed", "dead-hold-nothing"}


def staked_after_destruction(semantics: str) -> tuple[Host, Status]:
    """Five events: create; claim_pages past its check; destroydomain to its end; continue; offline_page."""
    host = small_host(2, domains=0, semantics=semantics)
    create_domain(host, 1, 2)
    claiming = claim_pages(host, 1, 2)
    next(claiming)
    assert run(destroydomain(host, 1)) is Status.OK
    status = run(claiming)
    offline_page(host, 0)
    return host, status


@pytest.mark.parametrize("semantics", ["claim-sets", "claim-sets-v3", "claim-sets-v7", "claim-sets-no-recall"])
def test_claim_of_a_destroyed_domain_is_never_released(semantics: str) -> None:
    host, status = staked_after_destruction(semantics)
    assert status is Status.OK
    assert broken(host) == FIVE_EVENTS
    assert list(host.domains) == []
    assert avail(host)[3] == 2  # recall does not visit it
    create_domain(host, 2, 9)
    assert alloc(host, 2) is None  # nobody can have the page that is left
    details = [str(violation) for violation in check_state(host)]
    assert "dead-hold-nothing: d1: destroyed with global_claims 2, node_claims 0" in details
    assert "aggregates-agree: host: outstanding_claims 2 != sum 0" in details


@pytest.mark.parametrize("semantics", ["claim-sets-hardened", "claim-sets+dying-checked"])
def test_hardened_claim_sets_refuse_a_claim_after_destruction(semantics: str) -> None:
    host, status = staked_after_destruction(semantics)
    assert status is Status.EINVAL
    assert broken(host) == set()
    assert avail(host)[3] == 0


@pytest.mark.parametrize("semantics", list(GENERATIONS))
def test_other_generations_leak_the_claim_too(semantics: str) -> None:
    host, status = staked_after_destruction(semantics)
    leaked = semantics != "claim-sets-hardened"
    assert (status is Status.OK) == leaked
    assert ("dead-hold-nothing" in broken(host)) == leaked


@pytest.mark.parametrize("semantics", ["claim-sets", "per-node-v8"])
def test_recall_skips_destroyed_domains(semantics: str) -> None:
    """A claim on a node, installed by the hypervisor's function itself: only the domains of the list give."""
    host = small_host(4, semantics=semantics)
    gone = host.domain(1)
    assert run(destroydomain(host, 1)) is Status.OK
    assert claim(host, 2, (2, 0)) is Status.OK
    with gone.page_alloc_lock, host.heap_lock:
        from reference.claims import stake_claims

        stake_claims(host, gone, {0: 2}, 0)
        stake_claims(host, gone, {}, 0)
    assert host.orphans == [gone]  # once
    offline_page(host, 0)
    with host.heap_lock:
        recalled = 2 - host.domain(2).claims[0]
        assert (recalled, gone.claims) == (1 if semantics == "claim-sets" else 0, [2])


def test_claims_held_at_destruction_are_never_released() -> None:
    """``domain_kill`` releases claims before; one that came after the release is destroyed with the domain."""
    host = small_host(4)
    domain = host.domain(1)
    claiming = claim_pages(host, 1, 3)
    next(claiming)
    steps = destroydomain(host, 1)
    next(steps)  # dying
    next(steps)  # claims released
    assert run(claiming) is Status.OK
    assert run(steps) is Status.OK
    assert host.orphans == [domain]
    assert broken(host) == {"dead-hold-nothing", "aggregates-agree"}


# -- operations in flight over a destruction, at every boundary of both


def populating(host: Host) -> Steps[Any]:
    return populate_physmap(host, 1, 3, 9, 0)


def populating_preempted(host: Host) -> Steps[Any]:
    return populate_physmap(host, 1, 3, 9, 0, preempt_at=PreemptionChoice(1, 256))


def populating_from_a_stash(host: Host) -> Steps[Any]:
    run(populate_physmap(host, 1, 1, 9, 0, preempt_at=PreemptionChoice(0, 256)))
    return populate_physmap(host, 1, 2, 9, 0)


def populating_extra_pages(host: Host) -> Steps[Any]:
    return populate_physmap(host, 1, 2, 9, 0, MEMF_no_refcount)


def allocating(host: Host) -> Steps[Any]:
    return alloc_domheap_pages(host, host.domain(1), 2)


def exchanging(host: Host) -> Steps[Any]:
    mfns = [alloc(host, 1, 1, 0), alloc(host, 1, 1, 0)]
    return memory_exchange(host, 1, [mfn for mfn in mfns if mfn is not None], 1, 0)


def exchanging_into_one(host: Host) -> Steps[Any]:
    mfn = alloc(host, 1, 1, 0)
    assert mfn is not None
    return memory_exchange(host, 1, [mfn, mfn + 1], 0, 1)


def exchanging_without_memory(host: Host) -> Steps[Any]:
    mfn = alloc(host, 1, 1, 0)
    assert mfn is not None
    return memory_exchange(host, 1, [mfn, mfn + 1], 0, 12)


def freeing(host: Host) -> Steps[Any]:
    mfn = alloc(host, 1, 2, 0)
    assert mfn is not None
    return free_domheap_pages(host, mfn, 2)


def freeing_extra_pages(host: Host) -> Steps[Any]:
    mfn = alloc(host, 1, 2, 0, MEMF_no_refcount)
    assert mfn is not None
    return free_domheap_pages(host, mfn, 2)


def freeing_one_of_two(host: Host) -> Steps[Any]:
    assert alloc(host, 1, 0, 1) is not None
    return freeing(host)


OPERATIONS = [
    populating,
    populating_preempted,
    populating_from_a_stash,
    populating_extra_pages,
    allocating,
    exchanging,
    exchanging_into_one,
    exchanging_without_memory,
    freeing,
    freeing_extra_pages,
    freeing_one_of_two,
]


def exhausted(steps: Steps[Any]) -> bool:
    try:
        next(steps)
    except StopIteration:
        return True
    return False


def has_pages(host: Host, domain: Domain) -> bool:
    """Counted by the domain, whoever holds them just now."""
    with domain.page_alloc_lock:
        counted = domain.tot_pages + domain.extra_pages
    owned = sum(b.pages for b in host.pages.blocks.values() if b.owner is domain and b.state is PageState.ASSIGNED)
    assert counted >= owned
    return counted > 0


def held_up(host: Host, domain: Domain) -> Iterator[str]:
    """What still keeps a domain whose domain_kill is over."""
    if has_pages(host, domain):
        yield "pages"
    if domain.last_frees:
        yield "the free of its last page"


def run_over_destruction(host: Host, steps: Steps[Any], before: int, within: int) -> tuple[bool, bool]:
    """The operation runs to a boundary, destruction to one of its own, the operation to its end, then destruction.

    :returns: whether each of the two had ended before that boundary
    """
    domain = host.domain(1)
    done = ended = False
    for _ in range(before):
        done = done or exhausted(steps)
        assert "redeemed-once" not in broken(host)
    destruction = destroydomain(host, 1)
    for _ in range(within):
        ended = ended or exhausted(destruction)
        assert "redeemed-once" not in broken(host)
    reached = done, ended
    while not done:
        if ended:
            assert (1 in host.domains) == (list(held_up(host, domain)) != [])
        done = exhausted(steps)
        assert "redeemed-once" not in broken(host)
    while not ended:
        ended = exhausted(destruction)
    return reached


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("semantics", ["legacy-2013", "legacy-redeem-at-alloc", "mainline-4.22", "claim-sets-hardened"])
def test_destruction_at_any_boundary_loses_no_page(operation: Callable[[Host], Steps[Any]], semantics: str) -> None:
    """At every boundary of both. Who frees pages holds them: destruction begins after its first section."""
    interleavings = 0
    for before in range(operation.__name__.startswith("freeing"), 40):
        for within in range(40):
            host = building_host(semantics=semantics)
            host.semantics.set_outstanding_pages(host, host.domain(1), 2048)
            done, ended = run_over_destruction(host, operation(host), before, within)
            interleavings += 1
            assert 1 not in host.domains
            assert avail(host)[:2] == ([2048, 2048], 4096)
            assert host.pages.blocks == {}
            assert broken(host) == set()
            if ended:
                break
        if done:
            break
    assert 6 <= interleavings < 1600


def test_freeing_the_last_page_keeps_the_domain_until_it_ends() -> None:
    host = small_host()
    mfn = alloc(host, 1)
    assert mfn is not None
    steps = free_domheap_pages(host, mfn, 0)
    next(steps)
    assert run(destroydomain(host, 1)) is Status.OK
    assert 1 in host.domains
    assert run(destroydomain(host, 1)) is Status.OK  # nothing is left to do for it
    run(steps)
    assert 1 not in host.domains
    assert run(destroydomain(host, 1)) is Status.ESRCH


def test_freeing_the_last_page_during_kill_keeps_the_domain() -> None:
    host = small_host()
    mfn = alloc(host, 1)
    assert mfn is not None
    mark_dying(host.domain(1))
    free(host, mfn)
    assert 1 in host.domains
    run(relinquish_memory(host, host.domain(1)))
    domain_destroy(host, host.domain(1))
    assert 1 not in host.domains


def test_pages_in_limbo_do_not_move_to_a_reused_domain_id() -> None:
    host = small_host()
    building = populate_physmap(host, 1, 1, 0)
    next(building)
    next(building)
    assert run(destroydomain(host, 1)) is Status.OK
    create_domain(host, 1, 9)
    assert run(building).nr_done == 0
    assert not has_pages(host, host.domain(1))
    assert avail(host)[1] == 16
