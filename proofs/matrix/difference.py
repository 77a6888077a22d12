"""Two generations side by side on the reference: the shortest trace on which they behave differently.

Breadth first over the operations that both have, on tiny hosts; all domains are created first. Compared are the outcome
of each operation and all counters that both keep. Pages are counted.
"""

import time
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from itertools import chain, product
from typing import NamedTuple

from model.operations.stashing import SMALLEST
from proofs.explore.explorer import Explorer, Moment
from proofs.explore.next_events import next_events
from proofs.explore.outcome import done
from proofs.explore.running import RunningHost, State
from proofs.explore.tiny import Nodes, Sizes, created, tiny_hosts
from proofs.operations import EventFields
from proofs.operations.model_steps import SMALLEST_PREEMPTED
from reference.constants import SCRUB_CHUNK, UINT_MAX
from reference.generations import GENERATIONS
from reference.state import Host


@dataclass(frozen=True)
class DifferenceRequest:
    """What two generations are searched for, and how far."""

    before: str
    after: str
    depth: int = 5
    nodes: int = 2
    domains: int = 2
    pages: int = 2
    """Of all nodes together."""
    order: int = 0
    """The largest block that is requested: 2^order pages."""
    ops: tuple[str, ...] = ()
    """Operations that are tried; all, if none."""
    more_than_32_bits: bool = False
    """Claim sets may ask for 2^32 pages of a node, too."""
    seconds: float = 20.0
    """When to give up: of processor time, so that a busy machine finds the same."""


@dataclass
class GenerationDifference:
    """A trace after which two generations differ, or no such trace up to a depth."""

    nodes: list[int] = field(default_factory=list)
    events: list[EventFields] = field(default_factory=list)
    differs: list[str] = field(default_factory=list)
    """What differs after the last event: the earlier generation first. Empty: no difference."""
    searched_depth: int = 0
    hosts: str = ""
    seconds: float = 0.0


class _States(NamedTuple):
    """Those of both."""

    both: tuple[State, State]

    @property
    def begun(self) -> bool:
        """Whether anything is in flight in one of them."""
        return any(state.begun for state in self.both)

    def key(self) -> Hashable:
        """Equal where the same can happen in both."""
        return tuple(state.key() for state in self.both)


class _Pair:
    """Both generations after the same events."""

    def __init__(self, asked: DifferenceRequest, node_pages: Nodes) -> None:
        self.asked = asked
        self.both = [RunningHost(name, node_pages) for name in (asked.before, asked.after)]

    def state(self, former: _States | None = None) -> _States:
        before = (None, None) if former is None else former.both
        one, other = (running.state(old) for running, old in zip(self.both, before, strict=True))
        return _States((one, other))

    def is_in(self, state: _States) -> bool:
        return all(running.is_in(one) for running, one in zip(self.both, state.both, strict=True))

    def bring_back(self, state: _States) -> None:
        for running, one in zip(self.both, state.both, strict=True):
            running.bring_back(one)

    @property
    def stashing(self) -> bool:
        """The host is large enough for an extent that can be stashed: nothing else is tried there."""
        return sum(self.both[0].host.node_pages) >= SMALLEST

    def _of(self, running: RunningHost) -> Iterator[EventFields]:
        possible: Iterator[EventFields] = next_events(running.host, sorted(running.begun), self.asked.order)
        if self.asked.more_than_32_bits:
            possible = chain(possible, _more_than_32_bits(running.host))
        return (event for event in possible if not self.asked.ops or event["op"] in self.asked.ops)

    def do(self, event: EventFields) -> list[str]:
        """One event on both; what differs after it.

        :raises MisuseError: one of them has no such operation
        """
        shown = [done(running, event) for running in self.both]
        names = [name for name in shown[0] if name in shown[1]]
        return [f"{name}: {shown[0][name]} / {shown[1][name]}" for name in names if shown[0][name] != shown[1][name]]

    def next(self) -> Iterator[EventFields]:
        """What may come next, as far as both have it."""
        if self.stashing:
            yield from _populating(self.both[0].host)
            return
        node_claims = all("claim_node" in r.host.semantics.claim_counters for r in self.both)
        seen = set()
        for running in self.both:
            for event in self._of(running):
                if event["op"] == "set_outstanding_pages" and event.get("node") is not None and not node_claims:
                    continue  # without single-node claims the target is not checked
                for written in _as_requested(event):
                    text = str(written)
                    if text not in seen:
                        seen.add(text)
                        yield written


def _as_requested(event: EventFields) -> Iterator[EventFields]:
    """An operation also as a whole, where the event is its first section; an allocation also with other requests."""
    if "builder" in event and event["op"] != "continue":
        yield {name: value for name, value in event.items() if name != "builder"}
    yield event
    if event["op"] == "alloc_heap_pages":
        request = {"op": event["op"], "domid": event["domid"], "order": event["order"], "memflags": []}
        yield request | {"node": event["node"]}
        yield request | {"node": None}
        yield request | {"op": "alloc_domheap_pages", "node": event["node"]}


def _more_than_32_bits(host: Host) -> Iterator[EventFields]:
    for domid, node in product(host.domains, host.nodes):
        claims = [{"pages": UINT_MAX + 1, "target": node}]
        yield {"op": "install_claim_set", "domid": domid, "claims": claims}


def _populating(host: Host) -> Iterator[EventFields]:
    """An extent that is preempted while it is scrubbed, and a request of another order."""
    for domid in host.domains:
        event = {"op": "populate_physmap", "domid": domid, "nr_extents": 1}
        yield event | {"extent_order": SMALLEST_PREEMPTED, "preempt_at": {"extent": 0, "scrub_index": SCRUB_CHUNK}}
        yield event | {"extent_order": 0}


class _SearchTimeoutError(Exception):
    """The search took as long as it may."""


def difference(asked: DifferenceRequest) -> GenerationDifference:
    """The fewest events, then domains, nodes and pages."""
    started = time.process_time()
    hosts = tiny_hosts(asked.nodes, asked.pages)
    if GENERATIONS[asked.before].stashes != GENERATIONS[asked.after].stashes:
        hosts.append((SMALLEST,))
    found = GenerationDifference(hosts=f"at most {asked.nodes} nodes, {asked.domains} domains, {asked.pages} pages")

    def differs(moment: Moment[_States, list[str]]) -> list[str] | None:
        if moment.outcome:
            return moment.outcome
        if time.process_time() - started > asked.seconds:
            raise _SearchTimeoutError
        return None

    def explorer(domains: int, nodes: Nodes) -> Explorer[_States, list[str], list[str]]:
        pair, most = _Pair(asked, nodes), sum(nodes)
        limits = range(1, most + 1) if most < SMALLEST else (most,)
        return Explorer(pair, created(nodes, domains, limits), pair.next, differs, _States.key)

    sizes = Sizes(explorer, range(1, asked.domains + 1), hosts)
    for depth in range(1, asked.depth + 1):
        try:
            ended = sizes.deepen(depth, last=depth == asked.depth)
        except _SearchTimeoutError:
            break
        found.searched_depth = depth
        if ended is not None:
            found.nodes, found.events, found.differs = list(ended.nodes), list(ended.events), ended.found
            break
    found.seconds = time.process_time() - started
    return found
