"""Random traces: the same for the same seed, of every size of host and of every operation, at the bounds of checks."""

from __future__ import annotations

import gc
from collections import Counter
from random import Random

import pytest

from model.semantics import SEMANTICS as MODEL
from proofs.fuzz.checker import Checker
from proofs.fuzz.compiled import ModelState
from proofs.fuzz.draw import EXTREMES, Draw
from proofs.fuzz.generators import MAKERS, makers_of
from proofs.fuzz.generators.claiming import claim_memory, claim_pages
from proofs.fuzz.generators.plan import draw_plan
from proofs.fuzz.hosts import draw_host
from proofs.fuzz.known import Known
from proofs.fuzz.model_calls import ModelCalls
from proofs.fuzz.trial import Trial, random_trial
from proofs.fuzz.world import World
from proofs.traces.events import CreateDomain, HostShape
from proofs.traces.own_events import Continue
from reference.generations import SEMANTICS


def nothing_known(semantics: str) -> Known:
    return Known(semantics, [], {})


def trials(semantics: str, number: int) -> list[Trial]:
    return [random_trial(nothing_known(semantics), seed) for seed in range(number)]


@pytest.mark.parametrize("semantics", ["claim-sets", "single-node-v1"])
def test_the_same_seed_gives_the_same_trace(semantics: str) -> None:
    once = trials(semantics, 6)
    assert once == trials(semantics, 6)
    assert len({tuple(map(str, trial.events)) for trial in once}) == 6


@pytest.mark.parametrize("semantics", ["claim-sets-v3", "single-node-v3"])
def test_every_operation_is_made_and_traces_run_clean(semantics: str) -> None:
    made: Counter[str] = Counter()
    for trial in trials(semantics, 30):
        assert trial.failure is None, trial.failure
        made.update(event.op for event in trial.events)
    rare = {"domain_destroy", "destroydomain"}
    assert {maker.name for maker in makers_of(SEMANTICS[semantics])} - rare <= set(made)
    assert made["continue"] > 0


def test_makers_and_their_names_are_the_operations_of_traces() -> None:
    assert set(MODEL) == set(SEMANTICS)
    makers = {name: {m.name for m in makers_of(semantics)} for name, semantics in SEMANTICS.items()}
    assert makers["claim-sets"] == set(MAKERS) - {"get_memory_claims"}
    assert makers["per-node-v8"] == set(MAKERS)
    assert makers["legacy-2013"] == set(MAKERS) - {"install_claim_set", "claim_memory", "get_memory_claims"}


def test_swarm_each_trace_has_its_own_operations_and_weights() -> None:
    plans = [draw_plan(Draw(Random(seed)), SEMANTICS["claim-sets"], {}) for seed in range(100)]
    chosen = [frozenset(maker.name for maker in plan._makers) for plan in plans]
    assert len(set(chosen)) > 50
    assert {len(c) == len(MAKERS) - 1 for c in chosen} == {True, False}
    assert {plan.wild for plan in plans} == {0.02, 0.1, 0.5}  # nearly always valid, mostly, half arbitrary
    assert {plan.interleaving for plan in plans} == {0.0, 0.5, 0.9}
    assert len({plan.length for plan in plans}) >= 4


def test_wanted_operations_are_favoured() -> None:
    def share(wanted: dict[str, float]) -> int:
        plans = [draw_plan(Draw(Random(seed)), SEMANTICS["claim-sets"], wanted) for seed in range(200)]
        return sum(plan.maker(Draw(Random(1))).name == "offline_page" for plan in plans)

    assert share({"offline_page": 5.0}) > 2 * share({})


def test_hosts_have_one_to_64_nodes_of_none_to_more_than_a_domain_counts() -> None:
    hosts = [draw_host(Draw(Random(seed))) for seed in range(3000)]
    sizes = {len(host.nodes) for host in hosts}
    assert {1, 2, 3, 4} <= sizes
    assert min(sizes) == 1
    assert 60 < max(sizes) <= 64
    pages = {pages for host in hosts for pages in host.nodes}
    assert {0, 1, 2**32} <= pages
    assert all(host.node_span & (host.node_span - 1) == 0 for host in hosts)
    assert any(host.llc_coloring for host in hosts)


def test_builders_interleave_at_critical_sections() -> None:
    most = 0
    for trial in trials("claim-sets", 25):
        checker = Checker(trial.host, nothing_known("claim-sets"))
        for event in trial.events:
            checker.do(event)
            running = set(checker.machine.running)
            most = max(most, len(running))
            assert not isinstance(event, Continue) or event.builder != ""
    assert most >= 3


def test_page_counts_are_drawn_at_the_bounds_of_the_checks() -> None:
    """What is claimed on a node, against what fits there: exactly that, one less, one more, and the ends of C types."""
    checker = Checker(HostShape(64, [40]), nothing_known("claim-sets"))
    world = World(checker.machine, Draw(Random(1)), 0.1)
    checker.do(CreateDomain(domid=0, max_pages=60, node_affinity=[0]))
    asked: Counter[int] = Counter()
    for _ in range(3000):
        event = claim_memory(world)
        assert event is not None
        asked.update(claim.pages for claim in event.claims if claim.target == 0)
    assert all(asked[pages] > 5 for pages in (39, 40, 41, 0, 1))
    assert sum(asked[pages] for pages in EXTREMES[3:]) > 20
    assert sum(n for pages, n in asked.items() if 1 < pages < 39) > 300


def test_a_trace_leaves_no_cycles_behind() -> None:
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


def test_where_colouring_refuses_every_claim_malformed_ones_are_asked_too() -> None:
    checker = Checker(HostShape(64, [40], llc_coloring=True), nothing_known("claim-sets"))
    world = World(checker.machine, Draw(Random(1)), 0.02)
    checker.do(CreateDomain(domid=0, max_pages=60, node_affinity=[0]))
    asked = [claim_pages(world) for _ in range(100)]
    assert sum(event is not None and event.extent_order == 1 for event in asked) > 5
