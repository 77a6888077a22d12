"""Runs of extents in one step: the host afterwards is the one that the reference has after every single extent."""

from __future__ import annotations

from contextlib import suppress
from copy import deepcopy
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofs.simulate.extents import Extents, InBulk, Runs, StepByStep, aligned_blocks, between, count_of
from proofs.simulate.policies import POLICIES, ignored
from proofs.simulate.run import run_once, started
from proofs.simulate.scenario import BallooningDomains, Builds, ControlDomain, MemorySize, Scenario, ScenarioHost
from reference.claims import ClaimEntry
from reference.constants import MEMF_no_owner
from reference.generations import GENERATIONS
from reference.hypercalls import claim_memory
from reference.page_alloc import offline_page
from reference.populate import PreemptionChoice, populate_physmap
from reference.state import Host, boot, create_domain
from reference.status import HypervisorCrash
from reference.steps import run
from tests.sampled import sampled

RULES = sorted({policy.semantics for policy in POLICIES.values()} | {"per-node-v8", "claim-sets-v7", "legacy-2013"})


def state(host: Host) -> dict[str, Any]:
    """All of a host that claims depend on; pages by page, because blocks of alike pages can be cut differently."""
    pages = {}
    for block in host.pages.blocks.values():
        for mfn in range(block.mfn, block.mfn + block.pages):
            pages[mfn] = (block.state, block.domid, block.refcounted)
    domains = {
        domain.domid: (
            domain.tot_pages,
            domain.claims,
            domain.global_claims,
            domain.claim_node,
            domain.last_alloc_node,
            [getattr(domain.history, line) for line in ("installed", "redeemed", "released", "recalled", "lost")],
        )
        for domain in host.domains.values()
    }
    found = {
        "free": [{order: blocks for order, blocks in enumerate(heap.free) if blocks} for heap in host.heap],
        "counters": (host.total_avail_pages, host.node_avail_pages, host.outstanding_claims),
        "node claims": host.node_outstanding_claims,
        "pages": pages,
        "unavailable": host.pages.unavailable,
        "domains": domains,
    }
    return deepcopy(found)


def history(rules: str, seed: int, runs: Runs) -> list[Any]:
    """Some runs on a small host with claims, holes and offlined pages; the host after each."""
    rng = Random(seed)
    nodes = rng.randint(1, 3)
    host = boot(tuple(rng.choice((48, 64)) for _ in range(nodes)), 64, GENERATIONS[rules], check_locks=False)
    domains = []
    for domid in range(3):
        affinity = tuple(rng.sample(range(nodes), rng.randint(1, nodes)))
        domain = create_domain(host, domid, rng.choice((16, 64, 200)), affinity)
        domains.append(domain)
        single = rules.startswith(("single", "legacy", "mainline"))
        node = rng.choice([None, *range(nodes)]) if single else None
        pages = [rng.randint(1, 12) for _ in range(nodes)]
        with suppress(HypervisorCrash):
            if single:
                host.semantics.set_outstanding_pages(host, domain, rng.randint(1, 40), node)
            else:
                claim_memory(host, domid, [ClaimEntry(count, target) for target, count in enumerate(pages)])
    held: list[tuple[Extents, ...]] = []
    seen: list[Any] = []
    try:
        for _ in range(14):
            order = rng.choice((0, 0, 0, 1, 3))
            node = rng.choice((None, 0, nodes - 1))
            domain, count = rng.choice(domains), rng.randint(1, 40)
            kind = rng.randrange(5)
            if kind < 2:
                got = runs.populate(host, domain, count, order, node)
            elif kind == 2:
                got = runs.allocate(host, domain, count, order, node, rng.choice((0, MEMF_no_owner)))
            elif kind == 3 and held:
                runs.free(host, held.pop(rng.randrange(len(held))))
                got = []
            else:
                offline_page(host, rng.randrange(48))
                got = []
            if got:
                held.append(tuple(got))
            seen += [got, state(host)]
    except HypervisorCrash as crash:
        seen.append(str(crash))
    return seen


@pytest.mark.parametrize("rules", sampled(RULES, keep={"claim-sets", "single-node-v4"}))
def test_run_in_bulk_equals_extents_one_by_one(rules: str) -> None:
    for seed in range(30):
        assert history(rules, seed, InBulk()) == history(rules, seed, StepByStep()), seed


def test_bulk_leaves_little_to_the_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the equality above would say nothing."""
    single = []
    allocate = StepByStep.allocate
    monkeypatch.setattr(StepByStep, "allocate", lambda self, *rest: single.append(rest) or allocate(self, *rest))
    host = boot((4096, 4096), 4096, GENERATIONS["claim-sets"], check_locks=False)
    domain = create_domain(host, 0, 8192)
    assert count_of(InBulk().allocate(host, domain, 8192, 0, None)) == 8192
    assert single == []
    assert InBulk().allocate(host, domain, 1, 0, None) == []
    assert len(single) == 1


def test_stash_is_left_to_the_reference() -> None:
    found = []
    for runs in (InBulk(), StepByStep()):
        host = boot((2048,), 2048, GENERATIONS["mainline-4.22"], check_locks=False)
        domain = create_domain(host, 0, 2048)
        run(populate_physmap(host, 0, 1, 9, preempt_at=PreemptionChoice(0, 256)))
        assert domain.pending_scrub is not None
        runs.populate(host, domain, 10, 0, None)
        assert domain.pending_scrub is None
        found.append(state(host))
    assert found[0] == found[1]


def test_little_that_is_kept_is_taken_back() -> None:
    found = []
    for runs in (InBulk(), StepByStep()):
        host = boot((256,), 256, GENERATIONS["claim-sets"], check_locks=False)
        domain = create_domain(host, 0, 256)
        had = runs.allocate(host, domain, 200, 0, 0)
        for kept in ([Extents(8, 8, 0), Extents(3, 2, 0)], [Extents(0, 100, 0), Extents(150, 50, 0)]):
            runs.free_all_but(host, domain, had, kept)
            found.append(state(host))
            runs.free(host, kept)
            had = runs.allocate(host, domain, 200, 0, 0)
    assert found[:2] == found[2:]


def test_more_than_the_largest_block_is_freed_as_several() -> None:
    found = []
    for runs in (InBulk(), StepByStep()):
        host = boot((1 << 22,), 1 << 22, GENERATIONS["claim-sets"], check_locks=False)
        domain = create_domain(host, 0, 1 << 22)
        had = runs.allocate(host, domain, 16, 18, 0)
        runs.free_all_but(host, domain, had, [Extents(3 << 20, 4, 18)])
        found.append(state(host))
        runs.free_all_but(host, domain, [Extents(3 << 20, 4, 18)], [])
        found.append(state(host))
        runs.free_all_but(host, domain, runs.allocate(host, domain, 16, 18, 0), [])
        found.append(state(host))
    assert found[:3] == found[3:]


SMALL = Scenario(
    name="small",
    about="a test",
    host=ScenarioHost(nodes=2, node_memory=MemorySize(2048)),
    builds=Builds(
        count=5,
        memory=[MemorySize(384), MemorySize(700)],
        largest_extents="2MiB",
        nodes_wanted=2,
        lives_for=2,
        incoming_share=0.3,
        no_claim_share=0.2,
        overhead=MemorySize(3),
        late_overhead=MemorySize(2),
        ask_then_start=True,
    ),
    running=BallooningDomains(count=3, memory=MemorySize(64), grows_to=MemorySize(800), share_of_steps=0.4),
    dom0=ControlDomain(memory=MemorySize(512), gives_down_to=MemorySize(64)),
    pages_offlined_per_build=2,
)


class SmallRuns(Scenario):
    """The same, with runs on a host that is small enough for the reference."""

    @property
    def run_of(self) -> int:
        return 16


@pytest.mark.parametrize("policy", sampled(POLICIES, keep={"claim-sets"}))
def test_scenario_in_bulk_equals_step_by_step(policy: str) -> None:
    fields = {name: getattr(SMALL, name) for name in Scenario.__struct_fields__}
    if policy == "no-claims":
        fields["builds"] = Builds(count=5, memory=[MemorySize(384)], largest_extents="2MiB", overhead=MemorySize(3))
        fields["dom0"] = ControlDomain(memory=MemorySize(512))
    scenario = SmallRuns(**fields)
    assert not ignored(scenario, POLICIES[policy])
    for seed in range(2):
        outcomes = [run_once(scenario, policy, seed, runs) for runs in (InBulk(), StepByStep())]
        assert outcomes[0] == outcomes[1]
        assert outcomes[0].values["completed"] > 0
        hosts = []
        for runs in (InBulk(), StepByStep()):
            begun = started(scenario, POLICIES[policy], seed, runs)
            begun.go()
            hosts.append(state(begun.host))
        assert hosts[0] == hosts[1]


@given(st.integers(0, 5000), st.integers(1, 5000))
@settings(max_examples=200, deadline=None)
def test_aligned_blocks_are_exactly_the_pages(mfn: int, pages: int) -> None:
    at = mfn
    for block, order in aligned_blocks(mfn, mfn + pages):
        assert block == at
        assert block % (1 << order) == 0
        at += 1 << order
    assert at == mfn + pages


def test_what_lies_between_kept_extents() -> None:
    had = [Extents(0, 10, 0), Extents(32, 4, 1)]
    kept = [Extents(34, 1, 1), Extents(0, 1, 0), Extents(4, 2, 0)]
    assert list(between(had, kept)) == [Extents(1, 3, 0), Extents(6, 4, 0), Extents(32, 1, 1), Extents(36, 2, 1)]
