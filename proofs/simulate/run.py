"""One run of a scenario: builders and running domains interleaved at critical sections, by one seed."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from random import Random

from msgspec import Struct

from proofs.simulate.build import BuildEnding, BuildResult, build
from proofs.simulate.policies import POLICIES, PagesByTarget, Policy, legacy
from proofs.simulate.running import RunningDomains
from proofs.simulate.scenario import ORDERS, Scenario
from reference.generations import GENERATIONS
from reference.hypercalls import destroydomain
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
class _Run:
    """The state of a run."""

    scenario: Scenario
    policy: Policy
    rng: Random
    host: Host
    running: RunningDomains
    waiting: deque[tuple[int, int]]
    """Pages and attempt, 1 for the first, of the builds that have not begun."""
    active: list[_Builder] = field(default_factory=list)
    ended: list[BuildResult] = field(default_factory=list)
    alive: deque[tuple[int, int]] = field(default_factory=deque)
    """(ended builds at which it shuts down, domid), in that order."""
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
            policy = self.policy
            if policy.name != "no-claims" and self.rng.random() < builds.legacy_share:
                policy = Policy("legacy", policy.semantics, legacy)
            pages, attempt = self.waiting.popleft()
            steps = build(self.host, domid, self._wanted(pages), ORDERS[builds.largest_extents], policy)
            self.active.append(_Builder(pages, attempt, steps, domid))

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
                self.alive.append((len(self.ended) + builds.lives_for, builder.domid))
        elif builder.attempt < builds.attempts:
            self.waiting.append((builder.pages, builder.attempt + 1))
        while self.alive and self.alive[0][0] <= len(self.ended):
            domid = self.alive.popleft()[1]
            run(destroydomain(self.host, domid))
        for _ in range(self.scenario.pages_offlined_per_build):
            node = self.rng.choice(self.host.nodes)
            offline_page(self.host, node * self.host.node_span + self.rng.randrange(self.host.node_pages[node]))

    def values(self) -> dict[str, float]:
        """The measures; shares are of what completed builds hold."""
        done = [b for b in self.ended if b.ending is BuildEnding.COMPLETED]
        half = [b for b in self.ended if b.ending is BuildEnding.FAILED_HALF_WAY]
        pages, wished = sum(b.pages for b in done), sum(b.wanted_on_node for b in done)
        large = {o: sum(b.by_order[o] for b in done) for o in ORDERS.values()}
        found = {
            "completed": float(len(done)),
            "failed at the claim": float(len(self.ended) - len(done) - len(half)),
            "failed half-way": float(len(half)),
            "GiB allocated in vain": sum(b.pages for b in half) / 2**18,
            "claimed GiB lost": sum(b.claims_lost for b in self.ended) / 2**18,
            "large extents refused though claimed": float(sum(b.refused_large for b in self.ended)),
            "requests of running domains refused": float(self.running.refused),
        }
        if wished:
            found["share on the wanted node"] = sum(b.got_on_node for b in done) / wished
        if pages:
            found["share in 1 GiB extents"] = large[18] / pages
            found["share in 2 MiB extents"] = large[9] / pages
        return found


def run_once(scenario: Scenario, policy_name: str, seed: int) -> RunOutcome:
    """One run; the same seed gives the same run, and the same sizes in the same order under every policy."""
    policy = POLICIES[policy_name]
    rng = Random(f"{scenario.name} {seed}")
    waiting = deque((int(rng.choice(scenario.builds.memory)), 1) for _ in range(scenario.builds.count))
    pages = scenario.host.node_memory
    span = 1 << (pages - 1).bit_length()
    host = boot((pages,) * scenario.host.nodes, span, GENERATIONS[policy.semantics], check_locks=False)
    last = scenario.builds.count * scenario.builds.attempts
    running = RunningDomains(host, scenario.running, last, rng)
    state = _Run(scenario, policy, rng, host, running, waiting)
    crash = ""
    try:
        state.go()
    except HypervisorCrash as error:
        crash = str(error)
    broken = sorted({str(v) for v in broken_properties(host)})
    return RunOutcome(scenario.name, policy_name, seed, state.values(), broken, crash)
