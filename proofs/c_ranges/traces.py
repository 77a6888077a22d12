"""Traces on C's numbers in which a value leaves its type, and what comes of it: breadth first, from boot.

Whole operations only, on hosts of a few pages, with page counts that are small or next to where 32 or 64 bits end.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from proofs.c_ranges.at import out_of_type, transition_of
from proofs.c_typed.runs import Parting, Run, Seen, parting
from proofs.traces.events import Event, HostShape
from proofs.traces.own_events import Events2
from reference.pages import PageState
from reference.state import Host
from reference.status import MisuseError

HOSTS = ((1,), (2,), (1, 1), (3,))
DEPTH = 7
"""Events, those that create the two domains included."""
LIMIT = 4
"""max_pages of the domains."""


@dataclass(frozen=True)
class Found:
    """A shortest trace in which a value leaves its type with its last event."""

    nodes: tuple[int, ...]
    events: tuple[dict[str, Any], ...]
    """As written, without what came out."""
    value: int | None
    """In integers."""
    wrapped: tuple[str, ...]
    """What the numbers of C noted."""
    parting: Parting | None
    """What it leads to: where the same trace on unbounded numbers goes elsewhere; none if it does not."""


class _Node:
    """A state, by the events that lead to it."""

    def __init__(self, shape: HostShape, semantics: str, events: tuple[dict[str, Any], ...]) -> None:
        self.shape, self.semantics, self.events = shape, semantics, events

    def runs(self) -> tuple[Run, Run]:
        """The state with C's numbers, and with unbounded ones."""
        both = Run(self.semantics, self.shape, True), Run(self.semantics, self.shape, False)
        for event in self.events:
            for run in both:
                run.do(_event(event))
        return both


def _event(written: dict[str, Any]) -> Event:
    event: Event = msgspec.convert(written, Events2)
    return event


def search(semantics: str, wanted: set[tuple[str, int]]) -> dict[tuple[str, int], list[Found]]:
    """Traces for values, by transition and number: the shortest, and the shortest that leads elsewhere if not the same.

    States from which C's numbers and unbounded ones go different ways are not gone on from.
    """
    found: dict[tuple[str, int], list[Found]] = {}
    for nodes in HOSTS:
        if _all_part(wanted, found):
            break
        _search_host(semantics, nodes, wanted, found)
    return found


def _search_host(
    semantics: str, nodes: tuple[int, ...], wanted: set[tuple[str, int]], found: dict[tuple[str, int], list[Found]]
) -> None:
    shape = HostShape(1 << (max(nodes) - 1).bit_length(), list(nodes))
    affinity = list(range(len(nodes)))
    begin = tuple({"op": "create_domain", "domid": d, "max_pages": LIMIT, "node_affinity": affinity} for d in range(2))
    frontier = [_Node(shape, semantics, begin)]
    seen: set[Hashable] = set()
    for _depth in range(len(begin), DEPTH):
        following: list[_Node] = []
        for node in frontier:
            for written in _next(node.runs()[0].host):
                in_c, exact = node.runs()
                before = node.runs()[0].host
                event = _event(written)
                try:
                    one, other = exact.do(event), in_c.do(event)
                except MisuseError:
                    continue
                events = (*node.events, written)
                apart = parting(len(events), event, one, other)
                if other.wrapped:
                    _note(semantics, nodes, events, before, event, other, apart, wanted, found)
                if apart is None and not other.crash:
                    key = _key(in_c.host)
                    if key not in seen:
                        seen.add(key)
                        following.append(_Node(shape, semantics, events))
                if _all_part(wanted, found):
                    return
        frontier = following


def _all_part(wanted: set[tuple[str, int]], found: dict[tuple[str, int], list[Found]]) -> bool:
    """Of every value a consequence is known."""
    return all(any(one.parting for one in found.get(key, [])) for key in wanted)


def _note(
    semantics: str,
    nodes: tuple[int, ...],
    events: tuple[dict[str, Any], ...],
    before: Host,
    event: Event,
    seen: Seen,
    apart: Parting | None,
    wanted: set[tuple[str, int]],
    found: dict[tuple[str, int], list[Found]],
) -> None:
    made = transition_of(event, before, len(nodes))
    if made is None:
        return
    for number, value in out_of_type(semantics, before, event).items():
        key = (made[0], number)
        known = found.setdefault(key, []) if key in wanted else []
        if key not in wanted or (known and (apart is None or any(one.parting for one in known))):
            continue
        known.append(Found(nodes, events, value, tuple(map(str, seen.wrapped)), apart))


def _next(host: Host) -> Iterator[dict[str, Any]]:
    """Whole operations with small arguments, and claims next to where types end."""
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
            yield {"op": "alloc_heap_pages", "domid": domid, "order": 0, "node": node, "memflags": ["exact_node"]}
    for block in list(host.pages.blocks.values()):
        if block.state is PageState.LIMBO and block.domid is not None:
            yield {"op": "assign_pages", "domid": block.domid, "mfn": block.mfn, "order": 0}
    for node in host.nodes:
        free = [node * host.node_span + i for i in range(host.node_pages[node])]
        for mfn in [m for m in free if m not in host.pages.blocks and m not in host.pages.offlined][:1]:
            yield {"op": "offline_page", "mfn": mfn}


def _claims(tot_pages: int) -> list[int]:
    ends = [2**32 - 1, 2**32, 2**64 - 2, 2**64 - 1]
    return [1, 2, *sorted({*ends, 2**64 - tot_pages if tot_pages else 2**64 - 1})]


def _key(host: Host) -> Hashable:
    domains = [
        (*map(int, (d.tot_pages, d.node_claims, d.global_claims)), *map(int, d.claims), d.claim_node)
        for d in host.domains.values()
    ]
    blocks = sorted((b.mfn, b.state.value, b.domid) for b in host.pages.blocks.values())
    return (int(host.outstanding_claims), *sorted(host.pages.offlined), str(domains), str(blocks))
