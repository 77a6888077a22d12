"""Candidates for smaller traces: each is one small change of a host or of one event."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from proofs import operations as e
from proofs.operations import Event
from proofs.traces.events import HostShape, least_span

from .steps import Frame, Steps, TraceStep

Candidates = Iterator[tuple[HostShape, Steps]]

_NUMBERS = (
    "pages", "nr_extents", "max_pages", "order", "extent_order", "in_order", "out_order", "mem_flags", "pad",
    "capacity", "domid"
)  # fmt: skip
_GLOBAL = {"host": "global"}
_LISTS = ("claims", "memflags", "in_mfns", "node_affinity")


def of_events(host: HostShape, steps: Steps) -> Candidates:
    """Run operations at once instead of in steps, and replace them by simpler ones."""
    for index, step in enumerate(steps.steps):
        event = step.event
        if event.builder is not UNSET and not isinstance(event, e.Continue):
            yield host, _in_one_go(steps, index)
        for simpler in _simpler(event):
            yield host, steps.changed(index, simpler)


def _in_one_go(steps: Steps, index: int) -> Steps:
    """Remove the builder and the events that continue the operation."""
    builder = steps.steps[index].event.builder
    kept: list[TraceStep] = []
    ended = False
    for number, step in enumerate(steps.steps):
        if number == index:
            kept.append(replace(step, event=replace(step.event, builder=UNSET)))
        elif number < index or ended or step.event.builder != builder:
            kept.append(step)
        elif not isinstance(step.event, e.Continue):
            ended = True
            kept.append(step)
    return Steps(kept)


def _simpler(event: Event) -> Iterator[Event]:
    """Replace a hypercall by the hypervisor's function, or an operation by a part of it."""
    if isinstance(event, e.ClaimMemory):
        if len(event.claims) == 1 and isinstance(event.claims[0].target, str):
            yield e.SetOutstandingPages(domid=event.domid, pages=event.claims[0].pages)
        if len(event.claims) == 1 and isinstance(event.claims[0].target, int):
            yield e.SetOutstandingPages(domid=event.domid, pages=event.claims[0].pages, node=event.claims[0].target)
        if not any(claim.target in ("legacy", "no_node") for claim in event.claims):
            claims = [e.Claim(c.pages, _GLOBAL.get(c.target, c.target), c.pad) for c in event.claims]  # type: ignore[arg-type]  # not legacy
            yield e.InstallClaimSet(domid=event.domid, claims=claims)
    elif isinstance(event, e.ClaimPages):
        yield e.SetOutstandingPages(domid=event.domid, pages=event.nr_extents)
    elif isinstance(event, e.PopulatePhysmap):
        if event.preempt_at is not None:
            yield replace(event, preempt_at=None)
        if event.start_extent:
            yield replace(event, start_extent=0, nr_extents=max(0, event.nr_extents - event.start_extent))
        yield e.AllocDomheapPages(
            domid=event.domid, order=event.extent_order, node=event.node, memflags=event.memflags, builder=event.builder
        )
    elif isinstance(event, e.AllocDomheapPages):
        yield e.AllocHeapPages(domid=event.domid, order=event.order, node=event.node, memflags=event.memflags)
    elif isinstance(event, e.MaxMem) and event.max_pages < 1 << 32:
        yield e.SetMaxPages(domid=event.domid, max_pages=event.max_pages)
    elif isinstance(event, e.DestroyDomain):
        yield e.DomainKill(domid=event.domid, builder=event.builder)


def of_hosts(host: HostShape, steps: Steps) -> Candidates:
    """Fewer nodes, fewer pages, smaller frame numbers."""
    if host.llc_coloring:
        yield replace(host, llc_coloring=False), steps
    if host.debug_build:
        yield replace(host, debug_build=False), steps
    nodes = host.nodes
    for node in reversed(range(len(nodes))):
        if len(nodes) > 1:
            fewer = replace(host, nodes=[*nodes[:node], *nodes[node + 1 :]])
            yield fewer, steps.every(lambda step, n=node: _without_node(step, n))  # type: ignore[misc]  # bound now
        for pages in _smaller(nodes[node]):
            yield replace(host, nodes=[*nodes[:node], pages, *nodes[node + 1 :]]), steps
    span = least_span(nodes)
    if span < host.node_span:
        yield replace(host, node_span=span), steps


def _without_node(step: TraceStep, node: int) -> TraceStep | None:
    """The event on a host without that node; None: the event names the node."""

    def moved(number: Any) -> Any:
        return number - 1 if isinstance(number, int) and number > node else number

    event = step.event
    if getattr(event, "node", None) == node:
        event = replace(event, node=None)
    elif getattr(event, "node", None) not in (None, UNSET):
        event = replace(event, node=moved(event.node))  # type: ignore[attr-defined]  # it has one
    if isinstance(event, e.CreateDomain):
        affinity = [moved(n) for n in event.node_affinity if n != node]
        event = replace(event, node_affinity=affinity or [0])
    if isinstance(event, e.InstallClaimSet | e.ClaimMemory):
        claims = [replace(c, target=moved(c.target)) for c in event.claims if c.target != node]
        event = replace(event, claims=claims)
    frames = []
    for frame in step.frames:
        if frame.giver is None and frame.which == node:
            return None
        frames.append(Frame(None, moved(frame.which), frame.page) if frame.giver is None else frame)
    return replace(step, event=event, frames=tuple(frames))


def of_numbers(host: HostShape, steps: Steps) -> Candidates:
    """Smaller numbers, shorter lists, no requested node, lower domain ids, the first page."""
    for index, step in enumerate(steps.steps):
        for event in _smaller_events(step.event):
            yield host, steps.changed(index, event)
        for at, frame in enumerate(step.frames):
            for page in _smaller(frame.page):
                frames = [*step.frames]
                frames[at] = replace(frame, page=page)
                changed = [*steps.steps]
                changed[index] = replace(step, frames=tuple(frames))
                yield host, Steps(changed)
        if isinstance(step.event, e.MemoryExchange):
            for at in range(len(step.frames) if len(step.frames) > 1 else 0):
                changed = [*steps.steps]
                changed[index] = replace(step, frames=(*step.frames[:at], *step.frames[at + 1 :]))
                yield host, Steps(changed)
    domids = {step.event.domid for step in steps.steps if isinstance(step.event, e.CreateDomain)}
    for domid in sorted(domids):
        free = next(lower for lower in count() if lower not in domids)
        for lower in dict.fromkeys((free, *_smaller(domid))):
            if lower < domid and lower not in domids:
                yield host, steps.every(lambda step, o=domid, n=lower: _renamed(step, o, n))  # type: ignore[misc]  # bound now


def together(host: HostShape, steps: Steps) -> Candidates:
    """Make all occurrences of a number smaller: the pages of a node and of the claim on it change together."""
    found = {n for n in host.nodes if n > 1}
    for step in steps.steps:
        found.update(n for n in _page_counts(step.event) if n > 1)
    for number in sorted(found, reverse=True):
        for smaller in _smaller(number):
            nodes = [smaller if n == number else n for n in host.nodes]
            changed = steps.every(lambda step, o=number, n=smaller: _with_pages(step, o, n))  # type: ignore[misc]  # bound now
            yield replace(host, nodes=nodes), changed


def _page_counts(event: Event) -> Iterator[int]:
    for field in ("pages", "nr_extents", "max_pages"):
        if isinstance(getattr(event, field, None), int) and field not in event.observed:
            yield getattr(event, field)
    if isinstance(event, e.InstallClaimSet | e.ClaimMemory):
        for claim in event.claims:
            yield claim.pages


def _with_pages(step: TraceStep, old: int, new: int) -> TraceStep:
    event = step.event
    for field in ("pages", "nr_extents", "max_pages"):
        if getattr(event, field, None) == old and field not in event.observed:
            event = replace(event, **{field: new})
    if isinstance(event, e.InstallClaimSet | e.ClaimMemory):
        event = replace(event, claims=[replace(c, pages=new) if c.pages == old else c for c in event.claims])
    return step if event is step.event else replace(step, event=event)


def _renamed(step: TraceStep, old: int, new: int) -> TraceStep:
    if getattr(step.event, "domid", None) != old:
        return step
    return replace(step, event=replace(step.event, domid=new))


def _smaller_events(event: Event) -> Iterator[Event]:
    for field in event.__struct_fields__:
        value = getattr(event, field)
        if field in event.observed or value is UNSET or value is None:
            continue
        if field in _NUMBERS and field != "domid":
            for number in _smaller(value):
                yield replace(event, **{field: number})
        elif field == "node":
            yield replace(event, node=None)
            for number in _smaller(value):
                yield replace(event, node=number)
        elif field == "extent_start":
            yield replace(event, extent_start=None)
        elif field in _LISTS and field != "in_mfns":
            yield from _smaller_lists(event, field, value)


def _smaller_lists(event: Event, field: str, values: list[Any]) -> Iterator[Event]:
    least = 1 if field == "node_affinity" else 0
    size = len(values) // 2
    while size > 1:  # for a long list, remove halves and quarters at once
        for at in range(0, len(values), size):
            if len(fewer := [*values[:at], *values[at + size :]]) >= least:
                yield replace(event, **{field: fewer})
        size //= 2
    for at, value in enumerate(values):
        if len(values) > least:
            yield replace(event, **{field: [*values[:at], *values[at + 1 :]]})
        if field == "claims":
            for entry in _smaller_entries(value):
                yield replace(event, claims=[*values[:at], entry, *values[at + 1 :]])


def _smaller_entries(entry: Any) -> Iterator[Any]:
    for pages in _smaller(entry.pages):
        yield replace(entry, pages=pages)
    for reserved in ("pad", "cmd"):
        if getattr(entry, reserved, 0):
            yield replace(entry, **{reserved: 0})
    if isinstance(entry.target, int):
        for target in _smaller(entry.target):
            yield replace(entry, target=target)


def _smaller(number: int) -> Iterator[int]:
    """Smaller numbers: the smallest first, then closer and closer, so that a bound is found by bisection."""
    steps = [number // 2]
    while steps[-1] > 1:
        steps.append(steps[-1] // 2)
    for smaller in dict.fromkeys((0, 1, *(number - step for step in steps))):
        if 0 <= smaller < number:
            yield smaller
