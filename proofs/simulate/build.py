"""One build of a domain, as a toolstack does it: claim, populate with falling extent sizes, release what is left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from random import Random

from proofs.simulate.extents import Extents, Runs, count_of
from proofs.simulate.policies import PagesByTarget, Policy
from proofs.simulate.scenario import ORDERS
from reference.constants import SCRUB_CHUNK, MEMF_no_owner
from reference.domain import domain_destroy, domain_kill
from reference.page_alloc import free_domheap_pages
from reference.populate import PreemptionChoice, populate_physmap
from reference.state import Domain, Host, create_domain
from reference.status import Status
from reference.steps import Steps


class BuildEnding(Enum):
    """How a build ended."""

    COMPLETED = "completed"
    FAILED_BEFORE_CLAIM = "failed before the claim"
    """Nobody gave the memory that it requested, or the hypervisor had none for its own structures."""
    FAILED_AT_CLAIM = "failed at the claim"
    FAILED_HALF_WAY = "failed half-way"


@dataclass
class BuildResult:
    """What a build got. Counts are pages."""

    ending: BuildEnding = BuildEnding.FAILED_HALF_WAY
    wanted_on_node: int = 0
    got_on_node: int = 0
    by_order: dict[int, int] = field(default_factory=lambda: dict.fromkeys(ORDERS.values(), 0))
    refused_large: int = 0
    """Large extents (2 MiB, 1 GiB) refused although claims held would have paid for all of them."""
    claims_lost: int = 0
    """Claimed pages for which the domain got memory elsewhere or no memory: recalled, or redeemed in vain."""
    extents_stashed: int = 0
    """Extents that were preempted in their scrubbing, and those of them that another call dropped."""
    stashes_dropped: int = 0
    overhead: list[Extents] = field(default_factory=list)
    """What the hypervisor holds for the domain; freed with it."""
    extents: list[Extents] = field(default_factory=list)
    """What the domain was populated with, in that order."""

    @property
    def pages(self) -> int:
        """All pages allocated for the domain."""
        return sum(self.by_order.values())


@dataclass(frozen=True)
class BuildRequest:
    """What is to be built, and how."""

    domid: int
    pages: int
    plan: Callable[[], PagesByTarget]
    """Pages by node, None for anywhere; called when the build begins or, if it requests memory, once that is given."""
    largest: int
    """The order of the largest extents tried."""
    policy: Policy
    overhead: int = 0
    late_overhead: int = 0
    give: Callable[[], bool] | None = None
    """Has a balloon give memory once, False if none can; None: the build does not ask."""
    preempted: float = 0.0
    then_smaller: float = 0.0
    run_of: int = 1
    """Pages of 4 KiB extents that are one step; 1: a critical section is one."""


@dataclass
class _Build:
    """A build under way."""

    host: Host
    request: BuildRequest
    runs: Runs
    rng: Random
    result: BuildResult = field(default_factory=BuildResult)
    got: dict[int, int] = field(default_factory=dict)
    """Pages by node."""

    def go(self) -> Steps[BuildResult]:
        """All of it; a build that fails releases everything."""
        host, request, result = self.host, self.request, self.result
        result.ending = BuildEnding.FAILED_BEFORE_CLAIM
        if request.give is not None and not (yield from self._enough_free(request.give)):
            return result
        wanted = request.plan()
        result.wanted_on_node = sum(pages for node, pages in wanted.items() if node is not None)
        nodes = tuple(node for node in wanted if node is not None)
        affinity = None if request.policy.names_nodes or not nodes else nodes
        domain = create_domain(host, request.domid, sum(wanted.values()), affinity)
        if not (yield from self._hypervisor_takes(domain, request.overhead)):
            return (yield from self._failed(domain))
        result.ending = BuildEnding.FAILED_AT_CLAIM
        if (yield from request.policy.claim(host, domain, wanted)) is not Status.OK:
            return (yield from self._failed(domain))
        result.ending = BuildEnding.FAILED_HALF_WAY
        complete = yield from self._populate_all(domain, wanted)
        if complete and request.late_overhead:
            yield
            complete = yield from self._hypervisor_takes(domain, request.late_overhead)
        if not request.policy.names_nodes:
            result.got_on_node = sum(min(self.got.get(node, 0), wanted[node]) for node in nodes)
        result.claims_lost = claims_lost(domain, self.got)
        if complete:
            result.ending = BuildEnding.COMPLETED
        if complete or request.policy.drops_on_error:
            yield
            host.semantics.set_outstanding_pages(host, domain, 0)
        if complete:
            return result
        yield
        return (yield from self._failed(domain))

    def _enough_free(self, give: Callable[[], bool]) -> Steps[bool]:
        """Balloons give memory until as much is free as the build needs."""
        request, host = self.request, self.host
        needed = request.pages + request.overhead + request.late_overhead
        while (host.unclaimed() if request.policy.sees_claims else host.total_avail_pages) < needed:
            if not give():
                return False
            yield
        return True

    def _hypervisor_takes(self, domain: Domain, pages: int) -> Steps[bool]:
        """Memory that no claim of the domain covers."""
        left = pages
        while left:
            got = self.runs.allocate(self.host, domain, min(left, self.request.run_of), 0, None, MEMF_no_owner)
            self.result.overhead += got
            if count_of(got) < min(left, self.request.run_of):
                return False
            left -= count_of(got)
            yield
        return True

    def _failed(self, domain: Domain) -> Steps[BuildResult]:
        """The domain is destroyed: its claims, its pages extent by extent or run by run, what the hypervisor had."""
        yield from domain_kill(self.host, domain)
        yield
        for number, extents in enumerate(self.result.extents):
            if number:
                yield
            if extents.number == 1:
                yield from free_domheap_pages(self.host, extents.mfn, extents.order)
            else:
                self.runs.free(self.host, [extents])
        domain_destroy(self.host, domain)
        self.runs.free(self.host, self.result.overhead)
        return self.result

    def _populate_all(self, domain: Domain, wanted: PagesByTarget) -> Steps[bool]:
        request = self.request
        orders = [order for order in sorted(ORDERS.values(), reverse=True) if order <= request.largest]
        parts = wanted.items() if request.policy.names_nodes else [(None, sum(wanted.values()))]
        for node, pages in parts:
            if not (yield from self._populate(domain, node, pages, orders)):
                return False
        return True

    def _populate(self, domain: Domain, node: int | None, pages: int, orders: list[int]) -> Steps[bool]:
        """Fill `pages` with extents of the first order; where one is refused, that part with the next smaller ones."""
        order, smaller = orders[0], orders[1:]
        extents, rest = pages >> order, pages & ((1 << order) - 1)
        while extents:
            if order == 0 and self.request.run_of > 1:
                count = min(extents, self.request.run_of)
                got = self.runs.populate(self.host, domain, count, order, node)
                self._record(got, node)
                if count_of(got) < count:
                    return False
                extents -= count
                if extents:
                    yield
                continue
            done, dropped = yield from self._hypercall(domain, extents, order, node)
            extents -= done
            if not extents:
                break
            if not smaller:
                return False
            held = domain.outstanding() if node is None else domain.claims[node]
            self.result.refused_large += not dropped and held >= 1 << order
            yield
            if not (yield from self._populate(domain, node, 1 << order, smaller)):
                return False
            extents -= 1
        if rest and smaller:
            yield
            return (yield from self._populate(domain, node, rest, smaller))
        return not rest

    def _hypercall(self, domain: Domain, extents: int, order: int, node: int | None) -> Steps[tuple[int, bool]]:
        """Populate until an extent is refused, or preempted and not continued.

        :returns: the extents got, and whether the stash is left to be dropped
        """
        done, first = 0, 0
        while True:
            preempt_at = self._preemption(first, extents, order)
            ended = yield from populate_physmap(
                self.host, domain.domid, extents, order, node, start_extent=done, preempt_at=preempt_at
            )
            self._record([Extents(mfn, 1, order) for mfn in ended.mfns], node)
            done = ended.nr_done
            first = done + 1  # the extent that is stashed is scrubbed to its end
            if ended.preempted is None:
                return done, False
            self.result.extents_stashed += 1
            yield
            if self.rng.random() < self.request.then_smaller:
                self.result.stashes_dropped += 1
                return done, True

    def _preemption(self, first: int, extents: int, order: int) -> PreemptionChoice | None:
        """The first extent of a call that is preempted in its scrubbing: after a chunk, so that it is stashed."""
        if not self.request.preempted or 1 << order <= SCRUB_CHUNK:
            return None
        for extent in range(first, extents):
            if self.rng.random() < self.request.preempted:
                return PreemptionChoice(extent, SCRUB_CHUNK)
        return None

    def _record(self, got: list[Extents], node: int | None) -> None:
        for extents in got:
            self.result.extents.append(extents)
            self.result.by_order[extents.order] += extents.pages
            on_node = self.host.node_of(extents.mfn)
            self.got[on_node] = self.got.get(on_node, 0) + extents.pages
            self.result.got_on_node += extents.pages if on_node == node else 0


def build(host: Host, request: BuildRequest, runs: Runs, rng: Random) -> Steps[BuildResult]:
    """Build a domain, critical section by critical section or, on a large host, run of small extents by run.

    :param rng: decides which extents are preempted
    """
    return _Build(host, request, runs, rng).go()


def claims_lost(domain: Domain, got: dict[int, int]) -> int:
    """Claims that were recalled, redeemed on a node beyond what the domain got there, or for pages that never came."""
    history = domain.history
    elsewhere = sum(max(0, redeemed - got.get(node, 0)) for node, redeemed in enumerate(history.redeemed[:-1]))
    redeemed = sum(history.redeemed)
    return sum(history.recalled) + max(elsewhere, redeemed - sum(got.values()), min(history.lost, redeemed))
