"""What single pages do not show: requests for blocks of two pages, searched on the reference, heap and all.

Breadth first over one domain, claims of a page, and requests for no domain of one or two pages that name a node without
insisting on it. `unclaimed-only`: such a request takes pages that nobody claims, on the node and in sum;
`claims-protected.backed`: it leaves no claims without free pages that had them.
"""

from collections.abc import Iterator
from functools import cache, partial
from itertools import product

import msgspec

from proofs.explore.explorer import Events, Explorer, Moment
from proofs.explore.running import RunningHost, State
from proofs.explore.tiny import Nodes, Sizes, created, tiny_hosts
from proofs.operations import EventFields, Outcome
from proofs.operations import State as Counters
from proofs.replay.observe import observe
from proofs.search.events import Trace
from reference.generations import GENERATIONS
from reference.status import HypervisorCrash, MisuseError

PROTECTED = "claims-protected.backed"
PARTS = ("unclaimed-only", PROTECTED)
KEPT = frozenset({"nothing-offlined", "claimants-refcounted"})
"""Conditions that these requests keep."""


@cache
def search_larger(semantics: str, part: str = PARTS[0], depth: int = 4, pages: int = 5) -> Trace | None:
    """The fewest events, then nodes and pages."""
    if not _claims_nodes(semantics):
        return None  # any node with a free block will do, as nothing there is claimed
    sizes = Sizes(partial(_explorer, semantics, part), range(1, 2), tiny_hosts(2, pages))
    for events in range(1, depth + 1):
        found = sizes.deepen(events, last=events == depth)
        if found is not None:
            return _trace(semantics, part, found.nodes, found.events, found.found)
    return None


def _explorer(semantics: str, part: str, domains: int, nodes: Nodes) -> Explorer[State, Outcome, str]:
    running = RunningHost(semantics, nodes)
    before = observe(running.host)

    def choices() -> Iterator[EventFields]:
        nonlocal before
        before = observe(running.host)
        return _next(running)

    def breaks(moment: Moment[State, Outcome]) -> str | None:
        return _breaks(part, before, moment.event, moment.outcome or {}) or None

    return Explorer(running, created(nodes, domains, (sum(nodes),)), choices, breaks, State.key)


def _claims_nodes(semantics: str) -> bool:
    return not {"claims", "claim_node"}.isdisjoint(GENERATIONS[semantics].claim_counters)


def _breaks(part: str, before: Counters, event: EventFields, outcome: Outcome) -> str:
    """What an event broke, by the counters before it; empty if nothing."""
    on_node = outcome.get("on_node")
    if on_node is None:
        return ""
    unclaimed = before.total_avail_pages - before.outstanding_claims
    there = before.node_avail_pages[on_node] - before.node_outstanding_claims[on_node]
    pages = 1 << event["order"]
    short = [left for left in (unclaimed, there) if left < pages]
    if not short or (part == PROTECTED and max(short) < 0):
        return ""
    return f"{part}: {pages} pages of node {on_node}, where {there} are unclaimed, of {unclaimed}"


def broken_by(part: str, semantics: str, nodes: Nodes, events: Events) -> list[str]:
    """What the last of these events breaks."""
    running = RunningHost(semantics, nodes)
    for event in events[:-1]:
        running.do(event)
    before = observe(running.host)
    try:
        outcome = running.do(events[-1])
    except (MisuseError, HypervisorCrash):
        return []
    broken = _breaks(part, before, events[-1], outcome)
    return [broken] if broken else []


def _next(running: RunningHost) -> Iterator[EventFields]:
    host = running.host
    for node, order in product(host.nodes, range(2)):
        first = node * host.node_span
        for mfn in range(first, first + host.node_pages[node], 1 << order):
            if host.heap[node].find(mfn, order) is not None:
                yield {
                    "op": "alloc_heap_pages",
                    "domid": None,
                    "order": order,
                    "node": node,
                    "memflags": [],
                    "mfn": mfn,
                }
        if order:  # the search may end elsewhere
            yield {"op": "alloc_heap_pages", "domid": None, "order": order, "node": node, "memflags": []}
    for node in host.nodes:
        if "claims" in host.semantics.claim_counters:
            yield {"op": "install_claim_set", "domid": 0, "claims": [{"pages": 1, "target": node}]}
        elif "claim_node" in host.semantics.claim_counters:
            yield {"op": "set_outstanding_pages", "domid": 0, "pages": 1, "node": node}


def _trace(semantics: str, part: str, nodes: Nodes, events: Events, broken: str) -> Trace:
    running = RunningHost(semantics, nodes, check_locks=True)
    states = [msgspec.to_builtins(observe(running.host))]
    written = []
    for event in events:
        written.append({**event, **msgspec.to_builtins(running.do(event))})
        states.append(msgspec.to_builtins(observe(running.host)))
    shape = {"node_span": running.host.node_span, "nodes": list(nodes)}
    return Trace(semantics, "", part, shape, written, [], states, [broken])
