"""Runs of scenarios: repeatable, every page accounted for, and the measures mean what they say."""

from __future__ import annotations

from random import Random

import msgspec
import pytest

from proofs.simulate.build import BuildEnding, build
from proofs.simulate.policies import POLICIES
from proofs.simulate.results import measure, rows
from proofs.simulate.run import run_once
from proofs.simulate.running import RunningDomains
from proofs.simulate.scenario import BallooningDomains, Builds, MemorySize, Scenario, ScenarioHost, built_in, load
from reference.generations import GENERATIONS
from reference.state import Host, boot
from reference.steps import run

STORM = Scenario(
    name="storm",
    about="a test",
    host=ScenarioHost(nodes=2, node_memory=MemorySize(4096)),
    builds=Builds(count=6, memory=[MemorySize(1024), MemorySize(2048)], largest_extents="2MiB"),
)


def host_of(policy: str, *node_pages: int) -> Host:
    return boot(node_pages, 1 << 13, GENERATIONS[POLICIES[policy].semantics], check_locks=False)


@pytest.mark.parametrize("policy", POLICIES)
def test_the_same_seed_gives_the_same_run(policy: str) -> None:
    assert run_once(STORM, policy, 3) == run_once(STORM, policy, 3)


@pytest.mark.parametrize("policy", POLICIES)
def test_every_build_ends_once_and_the_state_stays_right(policy: str) -> None:
    for seed in range(10):
        outcome = run_once(STORM, policy, seed)
        assert sum(outcome.values[ending.value] for ending in BuildEnding) == STORM.builds.count
        assert not outcome.broken
        assert not outcome.crash


def test_only_builds_without_claims_fail_half_way() -> None:
    def half_way(policy: str) -> float:
        return sum(run_once(STORM, policy, seed).values[BuildEnding.FAILED_HALF_WAY.value] for seed in range(10))

    assert half_way("no-claims") > 0
    assert [half_way(policy) for policy in POLICIES if policy != "no-claims"] == [0, 0, 0]


def test_failed_build_leaves_no_pages_or_claims() -> None:
    host = host_of("no-claims", 1024)
    built = run(build(host, 0, {0: 2048}, 9, POLICIES["no-claims"]))
    assert built.ending is BuildEnding.FAILED_HALF_WAY
    assert built.by_order == {18: 0, 9: 1024, 0: 0}
    assert host.total_avail_pages == 1024
    assert not host.domains


def test_failed_claim_costs_no_page() -> None:
    host = host_of("claim-sets", 1024, 4096)
    built = run(build(host, 0, {0: 2048}, 9, POLICIES["claim-sets"]))
    assert built.ending is BuildEnding.FAILED_AT_CLAIM
    assert built.pages == 0
    assert not host.domains


def test_extents_become_small_without_large_blocks() -> None:
    """2 MiB are free and claimed, but every block of them has a page in use."""
    host = host_of("claim-sets", 1024)
    asked = BallooningDomains(count=1, memory=MemorySize(2), grows_to=MemorySize(1024))
    RunningDomains(host, asked, 7, Random(0))
    built = run(build(host, 0, {0: 512}, 9, POLICIES["claim-sets"]))
    assert built.ending is BuildEnding.COMPLETED
    assert built.refused_large == 1
    assert built.by_order == {18: 0, 9: 0, 0: 512}
    assert built.got_on_node == built.wanted_on_node == 512


def test_set_spreads_a_domain_where_one_claim_cannot() -> None:
    installed = {}
    for policy in ("claim-sets", "single-node"):
        host = host_of(policy, 2048, 2048)
        steps = build(host, 0, {0: 1024, 1: 1024}, 9, POLICIES[policy])
        next(steps)  # before the claim
        next(steps)  # after it
        installed[policy] = host.domains[0].history.installed
    assert installed == {"claim-sets": [1024, 1024, 0], "single-node": [0, 0, 2048]}


def test_domains_shut_down_to_make_room() -> None:
    """On a host for two domains, six complete one after the other only if former ones go."""
    builds = Builds(count=6, memory=[MemorySize(2048)], parallel=1, largest_extents="2MiB")
    scenario = msgspec.structs.replace(STORM, host=ScenarioHost(1, MemorySize(4096)), builds=builds)
    assert run_once(scenario, "claim-sets", 0).values["completed"] == 2
    lasting = msgspec.structs.replace(scenario, builds=msgspec.structs.replace(builds, lives_for=1))
    assert run_once(lasting, "claim-sets", 0).values["completed"] == 6


def test_interval_contains_the_mean_and_narrows_with_more_runs() -> None:
    rng = Random(1)
    values = [rng.random() for _ in range(400)]
    few, many = measure(values[:20]), measure(values)
    assert few.low <= few.mean <= few.high
    assert many.high - many.low < few.high - few.low
    assert measure([2.0]) == measure([2.0, 2.0])


def test_rows_do_not_depend_on_the_order_of_runs() -> None:
    outcomes = [run_once(STORM, policy, seed) for policy in ("legacy", "claim-sets") for seed in range(4)]
    assert rows(outcomes) == rows([*reversed(outcomes[:4]), *reversed(outcomes[4:])])


@pytest.mark.long
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("name", built_in())
def test_built_in_scenarios_run_without_violation(name: str, policy: str) -> None:
    outcome = run_once(load(built_in()[name]), policy, 0)
    assert not outcome.broken
    assert not outcome.crash
