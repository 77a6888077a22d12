"""Random traces: the same for the same seed, of every size of host and of every operation, at the bounds of checks."""

from __future__ import annotations

import gc
from collections import Counter
from functools import cache
from random import Random

import pytest

from model.named import GENERATIONS as MODEL
from proofs.fuzz.checker import Checker, Failure, ImpossibleEventError
from proofs.fuzz.generators import operations_of
from proofs.fuzz.generators.plan import draw_plan
from proofs.fuzz.hosts import draw_host
from proofs.fuzz.known import GenerationFacts
from proofs.fuzz.model_calls import ModelCalls
from proofs.fuzz.numbers import ModelState
from proofs.fuzz.trial import Trial, random_trial
from proofs.fuzz.world import RandomWorld
from proofs.operations import (
    OPERATIONS,
    AllocHeapPages,
    AssignPages,
    ClaimMemory,
    ClaimPages,
    Continue,
    CreateDomain,
    DestroyDomain,
    OfflinePage,
    PopulatePhysmap,
    PreemptionPoint,
    SetOutstandingPages,
    UnpauseDomain,
    name_of,
)
from proofs.operations.draw import EXTREMES, Draw
from proofs.traces.events import HostShape
from reference.generations import GENERATIONS
from tests.sampled import sampled


def nothing_known(semantics: str) -> GenerationFacts:
    return GenerationFacts(semantics, [], {})


def trials(semantics: str, number: int) -> list[Trial]:
    """Made again for every caller."""
    return [random_trial(nothing_known(semantics), seed) for seed in range(number)]


@cache
def _of_seed(semantics: str, seed: int) -> Trial:
    return random_trial(nothing_known(semantics), seed)


def kept_trials(semantics: str, number: int) -> list[Trial]:
    """The same, made once for all tests that only read them."""
    return [_of_seed(semantics, seed) for seed in range(number)]


@pytest.mark.parametrize("semantics", ["claim-sets", "single-node-v1"])
def test_the_same_seed_gives_the_same_trace(semantics: str) -> None:
    once = trials(semantics, 6)
    assert once == trials(semantics, 6)
    assert len({tuple(map(str, trial.events)) for trial in once}) == 6


@pytest.mark.parametrize("semantics", sampled(["claim-sets-v3", "single-node-v3"], keep={"single-node-v3"}))
def test_every_operation_is_drawn_and_traces_run_clean(semantics: str) -> None:
    made: Counter[str] = Counter()
    for trial in trials(semantics, 30):
        assert trial.failure is None, trial.failure
        made.update(event.op for event in trial.events)
    rare = {"domain_destroy", "destroydomain"}
    assert {name_of(kind) for kind in operations_of(GENERATIONS[semantics])} - rare <= set(made)
    assert made["continue"] > 0


def test_generator_draws_exactly_the_trace_operations() -> None:
    assert set(MODEL) == set(GENERATIONS)
    drawn = {name: {name_of(kind) for kind in operations_of(semantics)} for name, semantics in GENERATIONS.items()}
    assert drawn["claim-sets"] == set(OPERATIONS) - {"get_memory_claims"}
    assert drawn["per-node-v8"] == set(OPERATIONS)
    assert drawn["legacy-2013"] == set(OPERATIONS) - {"install_claim_set", "claim_memory", "get_memory_claims"}


def test_each_trace_has_its_own_operations_and_weights() -> None:
    plans = [draw_plan(Draw(Random(seed)), GENERATIONS["claim-sets"], {}) for seed in range(100)]
    chosen = [frozenset(name_of(kind) for kind in plan._kinds) for plan in plans]
    assert len(set(chosen)) > 50
    assert {len(c) == len(OPERATIONS) - 1 for c in chosen} == {True, False}
    assert {plan.wild for plan in plans} == {0.02, 0.1, 0.5}  # nearly always valid, mostly, half arbitrary
    assert {plan.interleaving for plan in plans} == {0.0, 0.5, 0.9}
    assert len({plan.length for plan in plans}) >= 4


def test_requested_operations_are_favoured() -> None:
    def share(wanted: dict[str, float]) -> int:
        plans = [draw_plan(Draw(Random(seed)), GENERATIONS["claim-sets"], wanted) for seed in range(200)]
        return sum(name_of(plan.kind(Draw(Random(1)))) == "offline_page" for plan in plans)

    assert share({"offline_page": 5.0}) > 2 * share({})


def test_drawn_hosts_have_1_to_64_nodes_of_varied_size() -> None:
    hosts = [draw_host(Draw(Random(seed))) for seed in range(3000)]
    sizes = {len(host.nodes) for host in hosts}
    assert {1, 2, 3, 4} <= sizes
    assert min(sizes) == 1
    assert 60 < max(sizes) <= 64
    pages = {pages for host in hosts for pages in host.nodes}
    assert {0, 1, 2**32} <= pages
    assert all(host.node_span & (host.node_span - 1) == 0 for host in hosts)
    assert any(host.llc_coloring for host in hosts)


@pytest.mark.parametrize("number", [8, pytest.param(25, marks=pytest.mark.long)])
def test_builders_interleave_at_critical_sections(number: int) -> None:
    most = 0
    for trial in kept_trials("claim-sets", number):
        checker = Checker(trial.host, nothing_known("claim-sets"))
        for event in trial.events:
            checker.do(event)
            running = set(checker.runner.in_flight)
            most = max(most, len(running))
            assert not isinstance(event, Continue) or event.builder != ""
    assert most >= 3


def in_flight_when_destroyed(semantics: str, number: int) -> Counter[str]:
    """The operations that continued with a domain that was off the list by then."""
    gone_on: Counter[str] = Counter()
    for trial in kept_trials(semantics, number):
        assert trial.failure is None, trial.failure
        checker = Checker(trial.host, nothing_known(semantics))
        for event in trial.events:
            running = checker.runner.in_flight.get(getattr(event, "builder", ""))
            domid = None if running is None else getattr(running.event, "domid", None)
            domain = checker.expectation.calls.domains.get(domid)  # type: ignore[arg-type]  # none is no key
            if running is not None and domain is not None and domain.is_destroyed:
                gone_on[running.event.op] += 1
            checker.do(event)
            if checker.crashed:
                break
    return gone_on


@pytest.mark.parametrize("number", [35, pytest.param(60, marks=pytest.mark.long)])
def test_domains_are_destroyed_while_operations_are_in_flight(number: int) -> None:
    gone_on = in_flight_when_destroyed("claim-sets", number)
    assert {"claim_pages", "populate_physmap", "alloc_domheap_pages"} <= set(gone_on)
    assert gone_on.total() > number / 3


def test_claim_of_a_destroyed_domain_is_drawn() -> None:
    """What breaks host-backed and aggregates-agree: the claim counts, and no loop over domains finds it."""
    broken: Counter[str] = Counter()
    for trial in kept_trials("claim-sets", 35):
        broken.update(trial.broken)
    assert broken["aggregates-agree"] > 0
    assert broken["dead-hold-nothing"] > 0


def test_id_is_not_reused_while_its_domain_is_in_use() -> None:
    checker = Checker(HostShape(64, [40], last_alloc_node=0), nothing_known("claim-sets"))
    world = RandomWorld(checker.runner, Draw(Random(1)), 0.1, killing=checker.killing, domids=range(3))
    checker.do(CreateDomain(domid=0, max_pages=60, node_affinity=[0]))
    checker.do(ClaimPages(domid=0, nr_extents=5, builder="b1"))
    checker.do(DestroyDomain(domid=0))
    assert 0 not in world.free_domids()
    with pytest.raises(ImpossibleEventError):
        checker.do(CreateDomain(domid=0, max_pages=60, node_affinity=[0]))
    checker.do(Continue(builder="b1"))
    assert checker.outcome == {"result": "OK"}
    assert checker.host.outstanding_claims == 5
    assert world.free_domids() == [0, 1, 2]
    assert checker.do(CreateDomain(domid=0, max_pages=60, node_affinity=[0])) is None
    assert checker.end() is None


def populated(semantics: str) -> tuple[Checker, list[Failure | None]]:
    """512 pages claimed, populated as two extents of 512 with the first preempted; one page of it marked offline."""
    checker = Checker(HostShape(2048, [2000], last_alloc_node=0), nothing_known(semantics))
    extent = {"domid": 0, "nr_extents": 2, "extent_order": 9}
    events = [
        CreateDomain(domid=0, max_pages=2000, node_affinity=[0]),
        SetOutstandingPages(domid=0, pages=512),
        PopulatePhysmap(**extent, preempt_at=PreemptionPoint(0, 256)),  # type: ignore[arg-type]  # they are its fields
    ]
    found = [checker.do(event) for event in events]
    assert checker.outcome == {"mfns": [], "nr_done": 0, "preempted": "scrubbing", "scrub_index": 256}
    stash = checker.host.domains[0].pending_scrub
    assert stash is not None
    found.append(checker.do(OfflinePage(mfn=stash.mfn)))
    return checker, found


@pytest.mark.parametrize("semantics", ["mainline-4.22", "claim-sets", "claim-sets+stash-claim-restored"])
def test_unsuitable_stash_is_freed_on_both_sides(semantics: str) -> None:
    checker, found = populated(semantics)
    found.append(checker.do(PopulatePhysmap(domid=0, nr_extents=1, extent_order=0)))
    assert [*found, checker.end()] == [None] * (len(found) + 1)
    kept = semantics.endswith("restored")
    assert checker.host.outstanding_claims == (511 if kept else 0)  # a page was redeemed
    assert checker.host.total_avail_pages == 2000 - 2


def test_stash_is_kept_where_the_rules_keep_it() -> None:
    checker, found = populated("claim-sets-hardened")
    found.append(checker.do(PopulatePhysmap(domid=0, nr_extents=1, extent_order=0)))
    assert checker.outcome == {"mfns": [], "nr_done": 0, "preempted": None}
    found.append(checker.do(UnpauseDomain(domid=0)))
    assert checker.outcome == {"result": "EBUSY"}
    found.append(checker.do(PopulatePhysmap(domid=0, nr_extents=2, extent_order=9)))
    assert checker.outcome["nr_done"] == 2
    assert [*found, checker.end()] == [None] * (len(found) + 1)


def test_first_unpause_with_a_stash_crashes_the_domain() -> None:
    checker, found = populated("mainline-4.22")
    for result in ("EBUSY", "EINVAL"):
        found.append(checker.do(UnpauseDomain(domid=0)))
        assert checker.outcome == {"result": result}
    assert not checker.host.domains[0].creation_finished
    assert [*found, checker.end()] == [None] * (len(found) + 1)


@pytest.mark.parametrize("debug_build", [False, True])
def test_mark_in_limbo_is_lost_or_stops_a_debug_build(debug_build: bool) -> None:
    shape = HostShape(64, [40], last_alloc_node=0, debug_build=debug_build)
    checker = Checker(shape, nothing_known("claim-sets"))
    checker.do(CreateDomain(domid=0, max_pages=60, node_affinity=[0]))
    checker.do(AllocHeapPages(domid=0, order=0, node=None, memflags=[]))
    assert checker.outcome is not None
    mfn = checker.outcome["mfn"]
    checker.do(OfflinePage(mfn=mfn))
    assert checker.do(AssignPages(mfn=mfn, order=0, domid=0)) is None
    assert checker.crashed is debug_build
    assert checker.end() is None
    assert bool(checker.host.pages.lost_marks) is not debug_build


def test_page_counts_are_drawn_at_check_bounds() -> None:
    """What is claimed on a node, against what fits there: exactly that, one less, one more, and the ends of C types."""
    checker = Checker(HostShape(64, [40]), nothing_known("claim-sets"))
    world = RandomWorld(checker.runner, Draw(Random(1)), 0.1)
    checker.do(CreateDomain(domid=0, max_pages=60, node_affinity=[0]))
    asked: Counter[int] = Counter()
    for _ in range(3000):
        event = ClaimMemory.drawn(world)
        assert event is not None
        asked.update(claim.pages for claim in event.claims if claim.target == 0)
    assert all(asked[pages] > 5 for pages in (39, 40, 41, 0, 1))
    assert sum(asked[pages] for pages in EXTREMES[3:]) > 20
    assert sum(n for pages, n in asked.items() if 1 < pages < 39) > 300


def test_trace_leaves_no_reference_cycles() -> None:
    """Shards run without the collector of garbage."""

    def alive() -> int:
        return sum(isinstance(o, (ModelCalls, ModelState)) for o in gc.get_objects())

    trials("claim-sets", 3)
    gc.collect()
    gc.disable()
    try:
        before = alive()
        trials("claim-sets", 3)
        assert alive() == before
    finally:
        gc.enable()


def test_malformed_claims_are_drawn_under_llc_colouring() -> None:
    checker = Checker(HostShape(64, [40], llc_coloring=True), nothing_known("claim-sets"))
    world = RandomWorld(checker.runner, Draw(Random(1)), 0.02)
    checker.do(CreateDomain(domid=0, max_pages=60, node_affinity=[0]))
    asked = [ClaimPages.drawn(world) for _ in range(100)]
    assert sum(event is not None and event.extent_order == 1 for event in asked) > 5
