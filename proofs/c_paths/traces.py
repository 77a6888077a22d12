"""A difference as a trace from boot, and as a test of the C kit: both say what is right, and the C code differs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

import msgspec

from model.calls import CALL_FIELDS
from proofs import operations as e
from proofs.diff.smallest import Input
from proofs.diff.trace import MOST_PAGES, PartialTrace, event_of, events_before, pages_of
from proofs.export.c_test import PROLOGUE, InexpressibleEventError, c_test
from proofs.fuzz.checker import Checker, ImpossibleEventError
from proofs.fuzz.finding import lines, recorded
from proofs.fuzz.known import GenerationFacts
from proofs.operations import Event
from proofs.traces import Header, HostShape
from proofs.traces.events import FORMAT_1, FORMAT_2, least_span
from reference.state import Host

from .difference import CDifference


def with_trace(found: CDifference) -> CDifference:
    """The difference with its trace and its test, if there are any."""
    made = _trace(found)
    if made is None:
        return found
    header, events = made
    text = lines(header, events).decode().splitlines()
    try:
        test = PROLOGUE + "\n" + c_test(f"{found.operation}_{found.nodes}x{found.domains}", header, events)
    except InexpressibleEventError:
        test = ""
    return msgspec.structs.replace(found, trace=text, test=test)


def _trace(found: CDifference) -> tuple[Header, list[Event]] | None:
    whole = _input(found)
    nodes = [max(1, pages_of(whole, n)) for n in range(found.nodes)]
    if sum(nodes) > MOST_PAGES:
        return None
    shape = HostShape(least_span(nodes), nodes)
    done = PartialTrace(Checker(shape, GenerationFacts(found.semantics, [], {}), every=1))
    try:
        for event in events_before(whole, done):
            if done.do(event) is not None:
                return None
        if not _reached(done.checker.host, found):
            return None
        for event in _last(found, whole, done):
            if done.do(event) is not None:
                return None
    except (ImpossibleEventError, KeyError, ValueError, IndexError):
        return None
    first = {kind.__struct_config__.tag for kind in get_args(e.Events1)}
    only_first = all(event.__struct_config__.tag in first for event in done.events)
    format_ = FORMAT_1 if only_first else FORMAT_2
    header = Header(format_, found.semantics, f"claimcheck diff --c: {_sentence(found)}", shape, 0)
    return header, recorded(shape, done.events, found.semantics)


def _sentence(found: CDifference) -> str:
    changed = ", ".join(f"{name} {ours} instead of {theirs}" for name, (ours, theirs) in found.after.items())
    what = f"{found.result} instead of {found.expected}" if found.result != found.expected else ""
    return f"{found.operation}: the C code: {', '.join(part for part in (what, found.ended, changed) if part)}"


def _input(found: CDifference) -> Input:
    """The input in the form that traces of the symbolic comparison are made from."""
    state = dict(found.state)
    for name in list(state):
        counter, _, index = name.partition("[")
        if counter == "node_affinity" and index.count("[") == 1:
            mask = int(state.pop(name))
            of = index.partition("]")[0]
            state |= {f"node_affinity[{of}][{n}]": True for n in range(found.nodes) if mask >> n & 1}
    for d in range(found.domains):
        if not any(f"node_affinity[{d}][{n}]" in state for n in range(found.nodes)):
            state |= {f"node_affinity[{d}][{n}]": True for n in range(found.nodes)}
        state[f"assigned_pages[{d}][0]"] = found.state.get(f"tot_pages[{d}]", 0)  # all on the first node
        state.setdefault(f"controller_pause_count[{d}]", 1)  # nothing depends on it where C has no such counter
    return msgspec.structs.replace(found, state=state)


def _reached(host: Host, found: CDifference) -> bool:
    """Whether the host has the counters of the difference."""
    for name, value in _counters(host, found).items():
        counter = name.partition("[")[0]
        if counter in ("node_affinity", "last_alloc_node") or CALL_FIELDS[counter].flag:
            continue
        if found.state.get(name, 0) != value:
            return False
    return True


def _counters(host: Host, found: CDifference) -> dict[str, Any]:
    values: dict[str, Any] = {
        "total_avail_pages": host.total_avail_pages,
        "outstanding_claims": host.outstanding_claims,
    }
    for n in range(found.nodes):
        values[f"node_avail_pages[{n}]"] = host.node_avail_pages[n]
        values[f"node_outstanding_claims[{n}]"] = host.node_outstanding_claims[n]
    for d, domain in host.domains.items():
        for field in ("tot_pages", "max_pages", "node_claims", "global_claims"):
            values[f"{field}[{d}]"] = getattr(domain, field)
        for n in range(found.nodes):
            values[f"claims[{d}][{n}]"] = domain.claims[n]
    return values


def _last(found: CDifference, whole: Input, done: PartialTrace) -> Iterator[Event]:
    """The event of the call."""
    a = found.arguments
    if found.operation in ("alloc_domheap_pages", "alloc_heap_pages"):
        names = {"exact_node": "exact", "no_owner": "no_owner", "no_refcount": "no_refcount"}
        flags: Any = [name for name, argument in names.items() if a[argument]]
        node = None if a["requested"] < 0 else a["requested"]
        kind = e.AllocDomheapPages if found.operation == "alloc_domheap_pages" else e.AllocHeapPages
        yield kind(domid=a.get("domid"), order=a["order"], node=node, memflags=flags)
    elif found.operation == "claim_pages":
        yield e.ClaimPages(
            domid=a["domid"], nr_extents=a["pages"], extent_order=a["extent_order"], mem_flags=a["mem_flags"]
        )
    elif found.operation == "offline_page":
        heap = done.checker.host.heap[a["mfn"] >> 40]
        if not a["in_use"] and heap.blocks():
            yield e.OfflinePage(mfn=min(mfn for mfn, _ in heap.blocks()))
    else:
        yield from event_of(whole, done)
