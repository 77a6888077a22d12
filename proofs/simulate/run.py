"""One run of a scenario: builders and running domains interleaved at critical sections, by one seed."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from random import Random

from msgspec import Struct

from proofs.simulate.build import BuildEnding, BuildRequest, BuildResult, build
from proofs.simulate.extents import InBulk, Runs
from proofs.simulate.policies import POLICIES, PagesByTarget, Policy, ignored, legacy, nothing, with_fallback
from proofs.simulate.running import RunningDomains, without_collector
from proofs.simulate.scenario import ORDERS, Scenario
from proofs.traces.events import least_span
from reference.domain import domain_destroy, domain_kill
from reference.generations import GENERATIONS
from reference.page_alloc import offline_page
from reference.properties import broken_properties
from reference.state import Host, boot
from reference.status import HypervisorCrash
from reference.steps import Steps, run


class RunOutcome(Struct, frozen=True):
    """What one run came to. `values` are the measures that documents name; `broken` what the state checker found."""

    scenario: str
    policy: str
    seed: int
    values: dict[str, float]
    broken: list[str]
    crash: str = ""


@dataclass
class _Builder:
    """A builder under way."""

    pages: int
    attempt: int
    steps: Steps[BuildResult]
    domid: int


@dataclass
class ScenarioRun:
    """The state of a run."""

    scenario: Scenario
    policy: Policy
    rng: Random
    preempting: Random
    """Which extents are preempted: drawn apart, so that the rest is the same without preemption."""
    host: Host
    running: RunningDomains
    runs: Runs
    waiting: deque[tuple[int, int]]
    """Pages and attempt, 1 for the first, of the builds that have not begun."""
    active: list[_Builder] = field(default_factory=list)
    ended: list[BuildResult] = field(default_factory=list)
    alive: deque[tuple[int, int, BuildResult]] = field(default_factory=deque)
    """(ended builds at which it shuts down, domid, what it got), in that order."""
    next_domid: int = 0

    def go(self) -> None:
        """Until every build has ended."""
        share = self.scenario.running.share_of_steps if self.scenario.running.count else 0.0
        self._begin()
        while self.active:
            if share and self.rng.random() < share:
                self.running.step()
                continue
            at = self.rng.randrange(len(self.active))
            try:
                next(self.active[at].steps)
            except StopIteration as end:
                builder = self.active[at]
                self.active[at] = self.active[-1]
                self.active.pop()
                self._end(builder, end.value)
                self._begin()

    def _begin(self) -> None:
        builds = self.scenario.builds
        while self.waiting and (not builds.parallel or len(self.active) < builds.parallel):
            domid, self.next_domid = self.next_domid, self.next_domid + 1
            pages, attempt = self.waiting.popleft()
            steps = build(self.host, self._request(domid, pages), self.runs, self.preempting)
            self.active.append(_Builder(pages, attempt, steps, domid))

    def _request(self, domid: int, pages: int) -> BuildRequest:
        builds, policy = self.scenario.builds, self._policy_of_next()
        incoming = builds.incoming_share > 0 and self.rng.random() < builds.incoming_share
        if incoming and not policy.claims_incoming:
            policy = replace(policy, claim=nothing)
        wanted = None if builds.ask_then_start else self._wanted(pages)
        return BuildRequest(
            domid,
            pages,
            plan=lambda: self._wanted(pages) if wanted is None else wanted,
            largest=ORDERS["4KiB" if incoming else builds.largest_extents],
            policy=policy,
            overhead=builds.overhead,
            late_overhead=builds.late_overhead,
            give=self.running.give if builds.ask_then_start else None,
            preempted=builds.populate_preempted,
            then_smaller=builds.preempted_then_smaller,
            run_of=self.scenario.run_of,
        )

    def _policy_of_next(self) -> Policy:
        """The policy, or for a share of the builds another claim under the same rules."""
        builds, policy = self.scenario.builds, self.policy
        if not builds.legacy_share and not builds.no_claim_share:
            return policy
        drawn = self.rng.random()
        if drawn < builds.legacy_share:
            return replace(policy, claim=legacy)
        return replace(policy, claim=nothing) if drawn >= 1 - builds.no_claim_share else policy

    def _wanted(self, pages: int) -> PagesByTarget:
        builds, host = self.scenario.builds, self.host
        if not builds.nodes_wanted:
            return {None: pages}
        unclaimed = [a - c for a, c in zip(host.node_avail_pages, host.node_outstanding_claims, strict=True)]
        roomy = sorted(host.nodes, key=lambda node: (-unclaimed[node], self.rng.random()))[: builds.nodes_wanted]
        # Parts in whole 2 MiB; the roomiest node takes what is left.
        part = pages // len(roomy) >> ORDERS["2MiB"] << ORDERS["2MiB"]
        first, *others = roomy
        wanted: dict[int | None, int] = {first: pages - part * len(others)}
        return wanted | (dict.fromkeys(others, part) if part else {})

    def _end(self, builder: _Builder, built: BuildResult) -> None:
        self.ended.append(built)
        builds = self.scenario.builds
        if built.ending is BuildEnding.COMPLETED:
            if builds.lives_for:
                self.alive.append((len(self.ended) + builds.lives_for, builder.domid, built))
        elif builder.attempt < builds.attempts:
            self.waiting.append((builder.pages, builder.attempt + 1))
        while self.alive and self.alive[0][0] <= len(self.ended):
            _, domid, former = self.alive.popleft()
            self._shut_down(domid, former)
        for _ in range(self.scenario.pages_offlined_per_build):
            node = self.rng.choice(self.host.nodes)
            offline_page(self.host, node * self.host.node_span + self.rng.randrange(self.host.node_pages[node]))

    def _shut_down(self, domid: int, built: BuildResult) -> None:
        """What ``destroydomain`` does, and what the hypervisor had for the domain."""
        host, domain = self.host, self.host.domain(domid)
        run(domain_kill(host, domain))
        self.runs.free(host, built.extents)
        domain_destroy(host, domain)
        self.runs.free(host, built.overhead)

    def values(self) -> dict[str, float]:
        """The measures; shares are of what completed builds hold."""
        done = [b for b in self.ended if b.ending is BuildEnding.COMPLETED]
        half = [b for b in self.ended if b.ending is BuildEnding.FAILED_HALF_WAY]
        pages, wished = sum(b.pages for b in done), sum(b.wanted_on_node for b in done)
        large = {o: sum(b.by_order[o] for b in done) for o in ORDERS.values()}
        found = {
            "completed": float(len(done)),
            "failed before the claim": float(sum(b.ending is BuildEnding.FAILED_BEFORE_CLAIM for b in self.ended)),
            "failed at the claim": float(sum(b.ending is BuildEnding.FAILED_AT_CLAIM for b in self.ended)),
            "failed half-way": float(len(half)),
            "GiB allocated in vain": sum(b.pages for b in half) / 2**18,
            "claimed GiB lost": sum(b.claims_lost for b in self.ended) / 2**18,
            "extents stashed": float(sum(b.extents_stashed for b in self.ended)),
            "stashed extents dropped": float(sum(b.stashes_dropped for b in self.ended)),
            "large extents refused though claimed": float(sum(b.refused_large for b in self.ended)),
            "requests of running domains refused": float(self.running.refused),
        }
        if wished:
            found["share on the wanted node"] = sum(b.got_on_node for b in done) / wished
        if pages:
            found["share in 1 GiB extents"] = large[18] / pages
            found["share in 2 MiB extents"] = large[9] / pages
        return found


def run_once(scenario: Scenario, policy_name: str, seed: int, runs: Runs | None = None) -> RunOutcome:
    """One run; the same seed gives the same run, and the same sizes in the same order under every policy.

    :param runs: how a run of extents is done in one step; None: in bulk
    :raises ValueError: the scenario sets a field that the policy ignores
    """
    policy = POLICIES[policy_name]
    if unused := ignored(scenario, policy):
        raise ValueError(f"{scenario.name}: {policy_name} ignores {', '.join(unused)}")
    crash = ""
    with without_collector():
        state = started(scenario, policy, seed, runs or InBulk())
        try:
            state.go()
        except HypervisorCrash as error:
            crash = str(error)
    broken = sorted({str(v) for v in broken_properties(state.host)})
    return RunOutcome(scenario.name, policy_name, seed, state.values(), broken, crash)


def started(scenario: Scenario, policy: Policy, seed: int, runs: Runs) -> ScenarioRun:
    """A host with its running domains, before the first build begins."""
    rng = Random(f"{scenario.name} {seed}")
    waiting = deque((int(rng.choice(scenario.builds.memory)), 1) for _ in range(scenario.builds.count))
    pages = scenario.host.node_memory
    nodes = (pages,) * scenario.host.nodes
    host = boot(nodes, least_span(nodes), GENERATIONS[policy.semantics], check_locks=False)
    last = scenario.builds.count * scenario.builds.attempts
    running = RunningDomains(host, scenario, last, rng, runs)
    policy = with_fallback(policy, scenario.builds.fallback)
    preempting = Random(f"preempted {scenario.name} {seed}")
    return ScenarioRun(scenario, policy, rng, preempting, host, running, runs, waiting)
