"""Breadth-first search over the reference itself, heap and all: the smallest trace to a state that violates a property.

Every event with small arguments, in every order, on every tiny host. All domains are created first, which loses no
trace (see `proofs.search.unroll`). For what the model leaves out, such as larger blocks, and for semantics that have no
model.
"""

import time
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from functools import partial

import msgspec

from proofs.explore.explorer import Events, Explorer, Moment, SearchPlace
from proofs.explore.next_events import next_events
from proofs.explore.running import RunningHost, State, killing
from proofs.explore.tiny import Nodes, Sizes, created, tiny_hosts
from proofs.operations import EventFields, Outcome
from proofs.replay.observe import observe
from proofs.search.events import Counters, Trace
from proofs.search.fulfilled import ON_REFERENCE, free_blocks
from proofs.search.minimise import InterruptedSearch, SearchResult
from reference.state import all_locks


@dataclass(frozen=True)
class ReferenceSearchRequest:
    """What is searched for, and on which hosts: all up to these sizes."""

    semantics: str
    property: str
    """A name in `ON_REFERENCE`."""
    depth: int = 4
    nodes: int = 2
    domains: int = 2
    pages: int = 3
    """Of all nodes together."""
    order: int = 1
    """The largest block that is requested: 2^order pages."""
    without: tuple[str, ...] = ()
    """Operations that nobody does."""


def search_reference(asked: ReferenceSearchRequest) -> SearchResult:
    """The fewest events, then domains, nodes and pages; of these traces the one that is tried first.

    :raises InterruptedSearch: Ctrl-C
    """
    started = time.perf_counter()
    how = f"on the reference, breadth first, at most {asked.pages} pages in all, blocks of at most {1 << asked.order}"
    sizes = Sizes(partial(_explorer, asked), range(asked.domains + 1), tiny_hosts(asked.nodes, asked.pages))
    for depth in range(asked.depth + 1):
        try:
            found = sizes.deepen(depth, last=depth == asked.depth)
        except KeyboardInterrupt:
            raise InterruptedSearch(depth - 1) from None
        if found is not None:
            trace = _trace(asked, found.nodes, found.events)
            return SearchResult(trace, depth, time.perf_counter() - started, how=how)
    return SearchResult(None, asked.depth, time.perf_counter() - started, how=how)


def _explorer(asked: ReferenceSearchRequest, domains: int, nodes: Nodes) -> Explorer[State, Outcome, list[str]]:
    running = RunningHost(asked.semantics, nodes)

    def choices() -> Iterator[EventFields]:
        possible = next_events(running.host, sorted(running.begun), asked.order, not running.killing)
        return (event for event in possible if event["op"] not in asked.without) if asked.without else possible

    check = ON_REFERENCE[asked.property]

    def goal(_moment: Moment[State, Outcome]) -> list[str] | None:
        return (check(running.host) and broken(running, asked.property)) or None

    def of_host(place: SearchPlace[State]) -> Hashable:
        return place.key[0], killing(place.state.begun)

    starts = created(nodes, domains, range(sum(nodes) + 1))
    return Explorer(running, starts, choices, goal, State.key, judge_starts=True, of_host=of_host)


def broken(running: RunningHost, prop: str) -> list[str]:
    """What is broken now. A dying domain may hold claims between the two critical sections of domain_kill."""
    if prop == "dead-hold-nothing" and running.killing:
        return []
    with all_locks(running.host):
        return ON_REFERENCE[prop](running.host)


def _trace(asked: ReferenceSearchRequest, node_pages: tuple[int, ...], events: Events) -> Trace:
    """The trace, re-run with every lock checked, and with the outcomes written down."""
    running = RunningHost(asked.semantics, node_pages, check_locks=True)
    states = [observed(running)]
    written = []
    for event in events:
        written.append({**event, **msgspec.to_builtins(running.do(event))})
        states.append(observed(running))
    shape = {"node_span": running.host.node_span, "nodes": list(node_pages)}
    shown = broken(running, asked.property)
    if not shown:
        raise RuntimeError(f"{written}: run from boot, these events do not break {asked.property}")
    return Trace(asked.semantics, "", asked.property, shape, written, [], states, shown)


def observed(running: RunningHost) -> Counters:
    """The counters after an event; `free_blocks` are (mfn, order), per node."""
    with all_locks(running.host):
        free = [[list(block) for block in node] for node in free_blocks(running.host)]
    observed = msgspec.to_builtins(observe(running.host))
    for domid, counters in observed.pop("domains").items():
        observed |= {f"d{domid}.{name}": value for name, value in counters.items()}
    return {**observed, "free_blocks": free}
