"""Searches traces on C's numbers for values that leave their type, and the effect: breadth first, from some prefixes.

The traces have whole operations on hosts of a few pages, with page counts that are small or near the ends of 32 or 64
bits. Claims and allocations are in flight only in prefixes that destroy their domain.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

import msgspec

from model.c_code.allocating import LOW_MEMORY_ALARM
from model.c_types import UINT_MAX
from model.named import GENERATIONS
from proofs.c_ranges.at import out_of_type, transition_of
from proofs.c_ranges.rows import values_of
from proofs.c_typed.runs import CTypeDivergence, CTypedRun, EventOutcome, parting
from proofs.operations import Event, Events2
from proofs.traces.events import HostShape, least_span
from reference.constants import XENMEMF_exact_node_request
from reference.pages import PageState
from reference.status import MisuseError

HOSTS = ((1,), (2,), (1, 1), (3,))
LARGE = (2**33,)
"""Pages of a host on which a claim can exceed 32 bits."""
DEPTH = 5
"""The most events after the two domains are created."""
DEPTH_FIRST = 3
"""The most of these events before other prefixes are tried."""
DEPTH_DESTROYED = 2
"""The most events after a domain is destroyed with a claim or an allocation in flight."""
LIMIT = 4
"""max_pages of the domains."""


ValuesInSearch: TypeAlias = set[tuple[str, int]]
"""Values, by transition and number."""
Events: TypeAlias = tuple[dict[str, Any], ...]
"""Events in the trace format, without outcomes."""


@dataclass(frozen=True)
class WrapTrace:
    """A shortest trace whose last event makes a value leave its type."""

    nodes: tuple[int, ...]
    events: Events
    value: int | None
    """The value as an unbounded integer."""
    wrapped: tuple[str, ...]
    """The wrap recorded by C's numbers."""
    parting: CTypeDivergence | None
    """The effect: where the same trace on unbounded numbers first differs; None: it does not differ."""


class _Node:
    """A state, represented by the events that lead to it."""

    def __init__(self, shape: HostShape, semantics: str, events: Events) -> None:
        self.shape, self.semantics, self.events = shape, semantics, events

    def run(self, c_types: bool = True) -> CTypedRun:
        """The state with C's numbers, or with unbounded ones."""
        run = CTypedRun(self.semantics, self.shape, c_types)
        for event in self.events:
            run.do(_event(event))
        return run


def _event(written: dict[str, Any]) -> Event:
    event: Event = msgspec.convert(written, Events2)
    return event


def search(semantics: str, wanted: set[tuple[str, int]]) -> dict[tuple[str, int], list[WrapTrace]]:
    """Traces for values, by transition and number: the shortest, and the shortest with an effect if it is another one.

    The search does not continue from states in which C's numbers and unbounded ones differ.
    """
    found: dict[tuple[str, int], list[WrapTrace]] = {}
    for nodes in HOSTS:
        _search_from(semantics, nodes, _created(nodes, LIMIT), DEPTH_FIRST, wanted, found)
    for nodes in HOSTS:
        for begin in _destroyed(semantics, nodes):
            _search_from(semantics, nodes, begin, DEPTH_DESTROYED, wanted, found)
    if GENERATIONS[semantics].rules.frees_restore_claims:
        for begin in _extra():
            _search_from(semantics, LARGE, begin, DEPTH_FIRST, wanted, found)
    for nodes in HOSTS:
        _search_from(semantics, nodes, _created(nodes, LIMIT), DEPTH, wanted, found)
    return found


def _created(nodes: tuple[int, ...], limit: int) -> Events:
    affinity = list(range(len(nodes)))
    return tuple({"op": "create_domain", "domid": d, "max_pages": limit, "node_affinity": affinity} for d in range(2))


def _extra() -> Iterator[Events]:
    """A domain with a page that is not refcounted, on a host large enough for a claim of 32 bits."""
    alloc = {"op": "alloc_domheap_pages", "domid": 0, "order": 0, "node": 0}
    extra = {**alloc, "memflags": ["no_refcount"]}
    yield (*_created(LARGE, UINT_MAX), extra)
    yield (*_created(LARGE, UINT_MAX), {**alloc, "memflags": []}, extra)


def _destroyed(semantics: str, nodes: tuple[int, ...]) -> Iterator[Events]:
    """Prefixes that destroy domains while claims for them have passed their check, or memory is being populated."""
    created, pages = _created(nodes, LIMIT), sum(nodes)
    claim, claimed, destroy = _claim_in_flight(0, pages)
    yield (*created, claim, destroy, claimed)
    yield (*created, claim, destroy, {"op": "set_outstanding_pages", "domid": 1, "pages": pages})
    claim_1, _claimed_1, destroy_1 = _claim_in_flight(1, 1)
    yield (*created, claim_1, destroy_1, claim, destroy, claimed)
    if "claim_on_node_for_destroyed" in GENERATIONS[semantics].transitions:
        on_node_0 = 1 << 8 | XENMEMF_exact_node_request
        yield (*created, {**claim_1, "mem_flags": on_node_0}, destroy_1, claim, destroy, claimed)
        on_target = {"op": "set_outstanding_pages", "domid": 0, "pages": nodes[0], "node": 0}
        yield (*created, {**claim_1, "mem_flags": on_node_0}, destroy_1, on_target)
    if pages > 2 and "claim_memory" in GENERATIONS[semantics].transitions:
        less, _claimed, _destroy = _claim_in_flight(0, pages - 2)
        on_node = {"op": "install_claim_set", "domid": 1, "claims": [{"pages": 2, "target": 0}]}
        yield (*created, less, destroy, claimed, on_node)
    populate = {"op": "populate_physmap", "domid": 0, "nr_extents": 2, "extent_order": 0, "builder": "populate"}
    # Without a stash, the first section already allocates.
    begun = [] if "free_stash" in GENERATIONS[semantics].transitions else [{"op": "continue", "builder": "populate"}]
    yield (*created, populate, *begun, claim, destroy, claimed)
    if pages > 1:
        most, most_claimed, _destroy = _claim_in_flight(1, pages - 1)
        one, one_claimed, _destroy = _claim_in_flight(0, 1)
        orphans = (most, destroy_1, most_claimed, one, destroy, one_claimed)
        yield (*created, populate, *begun, *orphans, {"op": "offline_page", "mfn": 0})


def _claim_in_flight(domid: int, pages: int) -> Events:
    """A claim up to its check, the rest of it, and the destruction of its domain."""
    builder = f"claim for d{domid}"
    return (
        {"op": "claim_pages", "domid": domid, "nr_extents": pages, "builder": builder},
        {"op": "continue", "builder": builder},
        {"op": "destroydomain", "domid": domid},
    )


def _search_from(
    semantics: str,
    nodes: tuple[int, ...],
    begin: Events,
    depth: int,
    wanted: ValuesInSearch,
    found: dict[tuple[str, int], list[WrapTrace]],
) -> None:
    wanted = {key for key in wanted if not _settled(semantics, key, found)}
    if not wanted:
        return
    shape = HostShape(least_span(nodes), list(nodes), last_alloc_node=0)
    frontier = [_Node(shape, semantics, begin)]
    transitions = {transition for transition, _number in wanted}
    seen: set[Hashable] = set()
    for _depth in range(depth):
        following: list[_Node] = []
        for node in frontier:
            in_c = node.run()
            here = _key(in_c)
            for written in list(_next(in_c, transitions)):
                if _key(in_c) != here:
                    in_c = node.run()
                event, events = _event(written), (*node.events, written)
                try:
                    came = in_c.do(event)
                except MisuseError:
                    in_c = node.run()
                    continue
                apart = None
                if came.wrapped:  # else unbounded numbers have the same result
                    apart = parting(len(events), event, node.run(c_types=False).do(event), came)
                    _note(semantics, nodes, events, node.run(), event, came, apart, wanted, found)
                if apart is None and not came.crash:
                    key = _key(in_c)
                    if key not in seen:
                        seen.add(key)
                        following.append(_Node(shape, semantics, events))
                if all(_settled(semantics, key, found) for key in wanted):
                    return
        frontier = following


def _settled(semantics: str, key: tuple[str, int], found: Mapping[tuple[str, int], list[WrapTrace]]) -> bool:
    """Whether the effect of the value is known; traces do not observe that of the low-memory alarm."""
    ways = found.get(key, [])
    return any(way.parting for way in ways) or (bool(ways) and _expression(semantics, *key) == LOW_MEMORY_ALARM)


@cache
def _expression(semantics: str, transition: str, number: int) -> str:
    return values_of(semantics, transition)[number].expression


def _note(
    semantics: str,
    nodes: tuple[int, ...],
    events: Events,
    before: CTypedRun,
    event: Event,
    seen: EventOutcome,
    apart: CTypeDivergence | None,
    wanted: ValuesInSearch,
    found: dict[tuple[str, int], list[WrapTrace]],
) -> None:
    made = transition_of(event, before, seen)
    if made is None:
        return
    for number, value in out_of_type(semantics, before, made).items():
        key = (made[0], number)
        known = found.setdefault(key, []) if key in wanted else []
        if key not in wanted or (known and (apart is None or any(one.parting for one in known))):
            continue
        known.append(WrapTrace(nodes, events, value, tuple(map(str, seen.wrapped)), apart))


def _next(run: CTypedRun, wanted: set[str]) -> Iterator[dict[str, Any]]:
    """Operations with small arguments, claims near the ends of types, and the next critical sections of builders.

    Extra pages, and requests without a node, occur only if their values are wanted.
    """
    host = run.host
    extra = bool(wanted & {"exchange_allocate", "assign_extra_pages", "free_extra_pages"})
    for builder in run.in_flight:
        yield {"op": "continue", "builder": builder}
    one_target = "claim_node" in host.semantics.claim_counters
    for domid, domain in host.domains.items():
        for pages in _claims(int(domain.tot_pages)):
            if host.semantics.name == "single-node-v3":
                yield {"op": "claim_pages", "domid": domid, "nr_extents": pages}
            yield {"op": "set_outstanding_pages", "domid": domid, "pages": pages}
            for node in host.nodes if one_target else ():
                yield {"op": "set_outstanding_pages", "domid": domid, "pages": pages, "node": node}
            for target in (*host.nodes, "global") if "claims" in host.semantics.claim_counters else ():
                yield {"op": "install_claim_set", "domid": domid, "claims": [{"pages": pages, "target": target}]}
        for node in host.nodes:
            alloc = {"op": "alloc_heap_pages", "domid": domid, "order": 0, "node": node}
            yield {**alloc, "memflags": ["exact_node"]}
            if extra:
                yield {**alloc, "memflags": ["exact_node", "no_refcount"]}
        if GENERATIONS[host.semantics.name].rules.searches_unsigned:
            yield {"op": "alloc_heap_pages", "domid": domid, "order": 0, "node": None, "memflags": []}
    for node in host.nodes if "alloc_heap_pages_unowned" in wanted else ():
        yield {"op": "alloc_heap_pages", "domid": None, "order": 0, "node": node, "memflags": ["exact_node"]}
    for block in list(host.pages.blocks.values()):
        if block.state is PageState.LIMBO and block.domid is not None:
            flags = {} if block.refcounted else {"memflags": ["no_refcount"]}
            yield {"op": "assign_pages", "domid": block.domid, "mfn": block.mfn, "order": 0, **flags}
        if block.state is PageState.ASSIGNED and wanted & {"free_domheap_pages", "free_extra_pages"}:
            yield {"op": "free_domheap_pages", "mfn": block.mfn, "order": 0}
    for node in host.nodes:
        # A few are enough: a trace has only a few events.
        first = [node * host.node_span + i for i in range(min(host.node_pages[node], 2 * DEPTH))]
        for mfn in [m for m in first if m not in host.pages.blocks and m not in host.pages.offlined][:1]:
            yield {"op": "offline_page", "mfn": mfn}


def _claims(tot_pages: int) -> list[int]:
    ends = [2**32 - 1, 2**32, 2**64 - 2, 2**64 - 1]
    return [1, 2, *sorted({*ends, 2**64 - tot_pages if tot_pages else 2**64 - 1})]


def _key(run: CTypedRun) -> Hashable:
    host = run.host
    domains = [
        (*map(int, (d.tot_pages, d.extra_pages, d.node_claims, d.global_claims)), *map(int, d.claims), d.claim_node)
        for d in run.known.values()
    ]
    blocks = sorted((b.mfn, b.state.value, b.domid, b.refcounted) for b in host.pages.blocks.values())
    there = (*host.domains, *run.in_flight)
    return (int(host.outstanding_claims), *sorted(host.pages.offlined), *there, str(domains), str(blocks))
