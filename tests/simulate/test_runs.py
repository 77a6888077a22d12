"""Runs of scenarios: repeatable, every page accounted for, and the measures mean what they say."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import msgspec
import pytest

from proofs.simulate.build import BuildEnding, BuildRequest, BuildResult, build
from proofs.simulate.extents import InBulk
from proofs.simulate.policies import POLICIES, PagesByTarget, default_policies, ignored, with_fallback
from proofs.simulate.results import measure, rows
from proofs.simulate.run import run_once
from proofs.simulate.running import RunningDomains
from proofs.simulate.scenario import (
    BallooningDomains,
    Builds,
    ControlDomain,
    MemorySize,
    Scenario,
    ScenarioHost,
    built_in,
    load,
)
from reference.constants import MEMF_no_owner
from reference.generations import GENERATIONS
from reference.page_alloc import alloc_heap_pages
from reference.state import Host, boot
from reference.steps import Steps, run
from tests.sampled import sampled

STORM = Scenario(
    name="storm",
    about="a test",
    host=ScenarioHost(nodes=2, node_memory=MemorySize(4096)),
    builds=Builds(count=6, memory=[MemorySize(1024), MemorySize(2048)], largest_extents="2MiB"),
)


def host_of(policy: str, *node_pages: int) -> Host:
    return boot(node_pages, 1 << 13, GENERATIONS[POLICIES[policy].semantics], check_locks=False)


DEFAULT = [policy.name for policy in POLICIES.values() if policy.by_default]


def building(host: Host, wanted: PagesByTarget, policy: str, **fields: Any) -> Steps[BuildResult]:
    request = BuildRequest(0, sum(wanted.values()), lambda: wanted, 9, with_fallback(POLICIES[policy], None))
    return build(host, replace(request, **fields), InBulk(), Random(0))


def scenario_with(top: dict[str, Any] | None = None, **fields: Any) -> Scenario:
    """STORM with other fields, and others of its builds."""
    return msgspec.structs.replace(STORM, **(top or {}), builds=msgspec.structs.replace(STORM.builds, **fields))


@pytest.mark.parametrize("policy", POLICIES)
def test_the_same_seed_gives_the_same_run(policy: str) -> None:
    assert run_once(STORM, policy, 3) == run_once(STORM, policy, 3)


@pytest.mark.parametrize("policy", sampled(DEFAULT, keep={"no-claims", "single-node", "claim-sets"}))
def test_every_build_ends_once_and_the_state_stays_right(policy: str) -> None:
    for seed in range(10):
        outcome = run_once(STORM, policy, seed)
        assert sum(outcome.values[ending.value] for ending in BuildEnding) == STORM.builds.count
        assert not outcome.broken
        assert not outcome.crash


@pytest.mark.parametrize("seeds", sampled([2, 4], keep={2}))
def test_only_builds_without_claims_fail_half_way(seeds: int) -> None:
    def half_way(policy: str, scenario: Scenario = STORM) -> float:
        return sum(run_once(scenario, policy, seed).values[BuildEnding.FAILED_HALF_WAY.value] for seed in range(seeds))

    assert half_way("no-claims") > 0
    assert [half_way(policy) for policy in DEFAULT if policy != "no-claims"] == [0] * (len(DEFAULT) - 1)
    assert half_way("claim-sets", scenario_with(no_claim_share=0.5)) > 0
    incoming = scenario_with(incoming_share=1.0)
    assert half_way("xl", incoming) > 0, "xl claims nothing for an incoming migration"
    assert half_way("legacy", incoming) == 0


def test_failed_build_leaves_no_pages_or_claims() -> None:
    host = host_of("no-claims", 1024)
    built = run(building(host, {0: 2048}, "no-claims"))
    assert built.ending is BuildEnding.FAILED_HALF_WAY
    assert built.by_order == {18: 0, 9: 1024, 0: 0}
    assert host.total_avail_pages == 1024
    assert not host.domains


def test_failed_claim_costs_no_page() -> None:
    host = host_of("claim-sets", 1024, 4096)
    built = run(building(host, {0: 2048}, "claim-sets"))
    assert built.ending is BuildEnding.FAILED_AT_CLAIM
    assert built.pages == 0
    assert not host.domains


def test_extents_become_small_without_large_blocks() -> None:
    """2 MiB are free and claimed, but every block of them has a page in use."""
    host = host_of("claim-sets", 1024)
    asked = BallooningDomains(count=1, memory=MemorySize(16), grows_to=MemorySize(1024))
    RunningDomains(host, msgspec.structs.replace(STORM, running=asked), 7, Random(0), InBulk())
    built = run(building(host, {0: 512}, "claim-sets"))
    assert built.ending is BuildEnding.COMPLETED
    assert built.refused_large == 1
    assert built.by_order == {18: 0, 9: 0, 0: 512}
    assert built.got_on_node == built.wanted_on_node == 512


@pytest.mark.parametrize(
    ("policy", "installed"),
    [
        ("claim-sets", [1024, 1024, 0]),
        ("single-node", [0, 0, 2048]),
        ("xl", [0, 0, 2048]),
        ("xenopsd", [0, 0, 2048]),
        ("no-claims", [0, 0, 0]),
    ],
)
def test_claim_of_a_domain_on_two_nodes(policy: str, installed: list[int]) -> None:
    host = host_of(policy, 2048, 2048)
    assert first_claim(host, building(host, {0: 1024, 1: 1024}, policy)) == installed


def first_claim(host: Host, steps: Steps[BuildResult]) -> list[int]:
    """Pages that were claimed before the first was allocated, by node, then host-wide."""
    free = host.total_avail_pages
    installed: list[int] = []
    for _ in steps:
        if host.domains:
            installed = list(host.domains[0].history.installed)
        if host.total_avail_pages < free:
            break
    return installed


@pytest.mark.parametrize("policy", ["xenopsd", "xenopsd-v4"])
def test_xenopsd_claims_on_a_node_then_host_wide(policy: str) -> None:
    """Case 4 of the public reports: on ENOMEM it claims host-wide."""
    host = host_of(policy, 2048, 2048)
    assert first_claim(host, building(host, {1: 1024}, policy)) == [0, 1024, 0]
    host = host_of(policy, 512, 2048)
    assert first_claim(host, building(host, {0: 1024}, policy)) == [0, 0, 1024]
    host = host_of(policy, 512, 256)
    assert run(building(host, {0: 1024}, policy)).ending is BuildEnding.FAILED_AT_CLAIM


def test_xenopsd_builds_without_a_claim_after_another_error() -> None:
    host = boot((2048,), 1 << 13, GENERATIONS["claim-sets"], check_locks=False, llc_coloring_enabled=True)
    built = run(building(host, {0: 1024}, "xenopsd"))
    assert built.ending is BuildEnding.COMPLETED
    assert host.domains[0].history.installed == [0, 0]
    refused = boot((2048,), 1 << 13, GENERATIONS["claim-sets"], check_locks=False, llc_coloring_enabled=True)
    assert run(building(refused, {0: 1024}, "claim-sets")).ending is BuildEnding.FAILED_AT_CLAIM


def test_toolstacks_get_memory_by_affinity() -> None:
    """No extent names a node, and the wanted node is full: what is missing comes from the other."""
    host = host_of("xl", 1024, 2048)
    built = run(building(host, {0: 1536}, "xl"))
    assert (built.got_on_node, built.pages) == (1024, 1536)


def test_xl_drops_its_claim_before_it_destroys() -> None:
    """The limit is lowered meanwhile, so that the build fails with a part of its claim left."""
    dropped = {}
    for policy in ("xl", "claim-sets"):
        host = host_of(policy, 4096)
        alive = []
        for _ in building(host, {0: 2048}, policy):
            for domain in host.domains.values():
                if domain.tot_pages == 512:
                    domain.max_pages = 512
                if domain.tot_pages and not domain.is_dying:
                    alive.append(host.outstanding_claims)
        dropped[policy] = alive[-1] == 0 and alive[-2] > 0
        assert not host.domains
    assert dropped == {"xl": True, "claim-sets": False}


def test_overhead_is_not_covered_by_a_claim() -> None:
    """Case 3 of the public reports."""
    host = host_of("xl", 1024)
    assert run(building(host, {0: 1024}, "xl", overhead=1)).ending is BuildEnding.FAILED_AT_CLAIM
    assert run(building(host, {0: 1024}, "xl", overhead=2000)).ending is BuildEnding.FAILED_BEFORE_CLAIM
    assert run(building(host, {0: 1023}, "xl", late_overhead=2)).ending is BuildEnding.FAILED_HALF_WAY
    assert (host.total_avail_pages, host.domains) == (1024, {})
    built = run(building(host, {0: 1022}, "xl", overhead=1, late_overhead=1))
    assert (built.ending, host.total_avail_pages) == (BuildEnding.COMPLETED, 0)


def test_fallback_of_a_scenario_takes_the_place_of_the_policy_s() -> None:
    tight = scenario_with({"host": ScenarioHost(3, MemorySize(1600))}, count=4, memory=[MemorySize(1200)], parallel=1)

    def completed(policy: str, fallback: str | None) -> float:
        builds = msgspec.structs.replace(tight.builds, fallback=fallback)
        return run_once(msgspec.structs.replace(tight, builds=builds), policy, 0).values["completed"]

    assert [completed("claim-sets", fallback) for fallback in (None, "none", "host-wide")] == [3, 3, 4]
    assert [completed("xenopsd", fallback) for fallback in (None, "none", "host-wide")] == [4, 3, 4]


@pytest.mark.parametrize("policy", sampled(DEFAULT, keep={"no-claims", "claim-sets"}))
def test_build_waits_until_a_balloon_has_given_memory(policy: str) -> None:
    """Case 5 of the public reports: one request after the other, all start; without requests, none that is too large."""
    fields = {"count": 3, "memory": [MemorySize(1024)], "parallel": 1}
    dom0 = ControlDomain(memory=MemorySize(6000), gives_down_to=MemorySize(4000))
    asking = scenario_with({"host": ScenarioHost(1, MemorySize(7100)), "dom0": dom0}, **fields, ask_then_start=True)
    silent = msgspec.structs.replace(
        scenario_with(**fields), host=asking.host, dom0=ControlDomain(memory=MemorySize(6000))
    )
    assert run_once(silent, policy, 0).values["completed"] == 1
    assert run_once(asking, policy, 0).values["completed"] == 3
    greedy = msgspec.structs.replace(asking, builds=msgspec.structs.replace(asking.builds, count=4))
    assert run_once(greedy, policy, 0).values[BuildEnding.FAILED_BEFORE_CLAIM.value] == 1


@pytest.mark.parametrize("seeds", sampled([6, 12], keep={6}))
def test_two_asking_at_once_fail_as_their_claims_say(seeds: int) -> None:
    """Both see the same free memory; xl does not see what the other claims, xenopsd does, and requests more."""
    running = BallooningDomains(count=2, memory=MemorySize(256), grows_to=MemorySize(1024), share_of_steps=0.0)
    top = {"host": ScenarioHost(1, MemorySize(2900)), "running": running}
    scenario = scenario_with(top, count=2, memory=[MemorySize(1200)], ask_then_start=True)
    ends = {
        policy: [run_once(scenario, policy, seed).values for seed in range(seeds)]
        for policy in ("no-claims", "xl", "xenopsd")
    }
    assert any(values[BuildEnding.FAILED_HALF_WAY.value] for values in ends["no-claims"])
    assert not any(values[BuildEnding.FAILED_HALF_WAY.value] for values in ends["xl"] + ends["xenopsd"])
    assert sum(v["failed at the claim"] for v in ends["xl"]) > sum(v["failed at the claim"] for v in ends["xenopsd"])


def test_preempted_extents_are_stashed_and_continued() -> None:
    host = host_of("xl", 4096)
    stashed = []
    steps = building(host, {0: 2048}, "xl", preempted=1.0)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            built = end.value
            break
        stashed += [domain.pending_scrub for domain in host.domains.values() if domain.pending_scrub]
    assert len({stash.mfn for stash in stashed}) == 4
    assert (built.ending, built.pages, built.claims_lost) == (BuildEnding.COMPLETED, 2048, 0)


def test_stash_that_is_dropped_loses_its_claim() -> None:
    """Case 6 of the public reports: of a granted claim a part is lost, and the build continues."""
    host = host_of("xl", 4096)
    built = run(building(host, {0: 2048}, "xl", preempted=1.0, then_smaller=1.0))
    assert (built.ending, built.pages) == (BuildEnding.COMPLETED, 2048)
    assert (built.stashes_dropped, built.claims_lost) == (4, 2048)
    full = host_of("xl", 2048)
    steps = building(full, {0: 2048}, "xl", preempted=1.0, then_smaller=1.0)
    while full.domains.get(0) is None or full.domains[0].history.lost == 0:
        next(steps)
    while alloc_heap_pages(full, None, 0, None, MEMF_no_owner) is not None:
        pass  # others take what is no longer claimed
    assert run(steps).ending is BuildEnding.FAILED_HALF_WAY


def test_field_that_a_policy_ignores_is_an_error() -> None:
    for field, value, policies in (
        ("legacy_share", 0.5, ["no-claims"]),
        ("no_claim_share", 0.5, ["no-claims"]),
        ("fallback", "host-wide", ["no-claims", "legacy", "xl"]),
        ("populate_preempted", 0.5, ["legacy", "single-node", "xenopsd-v4"]),
    ):
        scenario = scenario_with(**{field: value})
        assert [name for name, policy in POLICIES.items() if ignored(scenario, policy)] == policies
        assert not set(default_policies(scenario)) & set(policies)
        with pytest.raises(ValueError, match=f"storm: {policies[0]} ignores builds.{field} "):
            run_once(scenario, policies[0], 0)


@pytest.mark.parametrize("policy", sampled(DEFAULT, keep={"xenopsd"}))
def test_field_that_is_not_ignored_changes_the_run(policy: str) -> None:
    """Otherwise the list of what a policy ignores would be too short."""
    crowded = msgspec.structs.replace(STORM, host=ScenarioHost(2, MemorySize(3600)))
    changes: dict[str, Any] = {
        "legacy_share": 1.0,
        "no_claim_share": 1.0,
        "fallback": "none" if policy == "xenopsd" else "host-wide",
        "incoming_share": 1.0,
        "overhead": MemorySize(300),
        "late_overhead": MemorySize(300),
        "populate_preempted": 0.9,
    }
    same_claim = {"legacy": {"legacy_share"}, "xl": {"legacy_share"}}.get(policy, set())
    before = [run_once(crowded, policy, seed).values for seed in range(4)]
    for field, value in changes.items():
        builds = msgspec.structs.replace(crowded.builds, **{field: value})
        scenario = msgspec.structs.replace(crowded, builds=builds)
        if ignored(scenario, POLICIES[policy]) or field in same_claim:
            continue
        assert [run_once(scenario, policy, seed).values for seed in range(4)] != before, field


def test_host_stops_under_xenopsd_with_single_node_v4() -> None:
    """A claim on a node and a host-wide one are accepted for the same page."""
    assert "BUG_ON" in run_once(load(built_in()["boot-storm"]), "xenopsd-v4", 0).crash


def test_domains_shut_down_to_make_room() -> None:
    """On a host for two domains, six complete one after the other only if former ones go."""
    builds = Builds(count=6, memory=[MemorySize(2048)], parallel=1, largest_extents="2MiB", overhead=MemorySize(10))
    scenario = msgspec.structs.replace(STORM, host=ScenarioHost(1, MemorySize(4116)), builds=builds)
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
@pytest.mark.parametrize("policy", DEFAULT)
@pytest.mark.parametrize("name", built_in())
def test_built_in_scenarios_run_without_violation(name: str, policy: str) -> None:
    scenario = load(built_in()[name])
    if policy not in default_policies(scenario):
        pytest.skip(f"{name} sets a field that {policy} ignores")
    outcome = run_once(scenario, policy, 0)
    assert not outcome.broken
    assert not outcome.crash
