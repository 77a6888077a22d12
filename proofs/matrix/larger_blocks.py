"""What single pages do not show: requests for blocks of two pages, searched on the reference, heap and all.

Breadth first over one domain, claims of a page, and requests for no domain of one or two pages that name a node without
insisting on it. `unclaimed-only`: such a request takes pages that nobody claims, on the node and in sum;
`claims-protected.backed`: it leaves no claims without free pages that had them.
"""

from collections.abc import Hashable, Iterator
from functools import cache
from itertools import product

import msgspec

from proofs.replay.observe import observe
from proofs.search.events import Trace
from proofs.search.on_reference import Running, Tiny, tiny_hosts
from proofs.search.small_events import Written
from reference.generations import SEMANTICS
from reference.status import HypervisorCrash, MisuseError

PROTECTED = "claims-protected.backed"
PARTS = ("unclaimed-only", PROTECTED)
KEPT = frozenset({"nothing-offlined", "claimants-refcounted"})
"""Conditions that these requests keep."""
Events = tuple[Written, ...]


@cache
def search_larger(semantics: str, part: str = PARTS[0], depth: int = 4, pages: int = 5) -> Trace | None:
    """The fewest events, then nodes and pages."""
    if not _claims_nodes(semantics):
        return None  # any node with a free block will do, as nothing there is claimed
    hosts = tiny_hosts(Tiny(semantics, part, nodes=2, pages=pages))
    reached: dict[tuple[int, ...], list[Events]] = {nodes: [(_create(nodes),)] for nodes in hosts}
    seen: set[Hashable] = set()
    for _ in range(depth - 1):
        for nodes in hosts:
            former, reached[nodes] = reached[nodes], []
            for events, event in ((e, n) for e in former for n in _next(_after(semantics, nodes, e))):
                running = _after(semantics, nodes, events)
                broken = _last_breaks(part, running, event)
                if broken:
                    return _trace(semantics, part, nodes, (*events, event), broken)
                if broken is None or (key := (nodes, running.key())) in seen:
                    continue
                seen.add(key)
                reached[nodes].append((*events, event))
    return None


def _claims_nodes(semantics: str) -> bool:
    return not {"claims", "claim_node"}.isdisjoint(SEMANTICS[semantics].claim_counters)


def _last_breaks(part: str, running: Running, event: Written) -> str | None:
    """What the event breaks, after those that were done; empty if nothing, None if it cannot be done."""
    before = observe(running.host)
    try:
        outcome = running.do(event)
    except (MisuseError, HypervisorCrash):
        return None
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


def broken_by(part: str, semantics: str, nodes: tuple[int, ...], events: Events) -> list[str]:
    """What the last of these events breaks."""
    *before, last = events
    broken = _last_breaks(part, _after(semantics, nodes, tuple(before)), last)
    return [broken] if broken else []


def _create(nodes: tuple[int, ...]) -> Written:
    affinity = list(range(len(nodes)))
    return {"op": "create_domain", "domid": 0, "max_pages": sum(nodes), "node_affinity": affinity}


def _after(semantics: str, nodes: tuple[int, ...], events: Events) -> Running:
    running = Running(semantics, nodes)
    for event in events:
        running.do(event)
    return running


def _next(running: Running) -> Iterator[Written]:
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


def _trace(semantics: str, part: str, nodes: tuple[int, ...], events: Events, broken: str) -> Trace:
    running = Running(semantics, nodes, check_locks=True)
    states = [msgspec.to_builtins(observe(running.host))]
    written = []
    for event in events:
        written.append({**event, **msgspec.to_builtins(running.do(event))})
        states.append(msgspec.to_builtins(observe(running.host)))
    shape = {"node_span": running.host.node_span, "nodes": list(nodes)}
    return Trace(semantics, "", part, shape, written, [], states, [broken])
