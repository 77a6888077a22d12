"""The calls that are compared, as events of the trace format."""

from collections.abc import Callable
from typing import Any

import z3

from model.step import Step
from proofs.explore.running import RunningHost
from proofs.operations import EventFields
from proofs.search.events import Trace


def event_of(step: Step, model: z3.ModelRef, before: Trace) -> EventFields:
    """The last event of a trace; for a legacy call that has begun, sets the pages in the event that begins it."""
    arguments = {name: _value(value, model) for name, value in step.arguments.items()}
    return _EVENTS[step.name](arguments, before)


def _value(value: Any, model: z3.ModelRef) -> Any:
    if hasattr(value, "entries"):
        return [_value(entry, model) for entry in value.entries]
    if isinstance(value, (bool, int)):
        return value
    found = model.eval(value, model_completion=True)
    return z3.is_true(found) if z3.is_bool(found) else found.as_long()


def _max_pages(a: dict[str, Any], _before: Trace) -> EventFields:
    return {"op": "set_max_pages", "domid": a["domid"], "max_pages": a["max_pages"]}


def _set(a: dict[str, Any], before: Trace) -> EventFields:
    """A claim set; through the hypercall if that makes checks which the hypervisor's function does not."""
    claims: list[EventFields] = [{"pages": pages, "target": n} for n, pages in enumerate(a["first"]) if pages]
    if a["global"] or not claims:
        claims.append({"pages": a["global"], "target": "global"})
    dying = before.states[-1]["is_dying"][a["domid"]]
    return {"op": "claim_memory" if dying else "install_claim_set", "domid": a["domid"], "claims": claims}


def _release(a: dict[str, Any], _before: Trace) -> EventFields:
    return {"op": "claim_memory", "domid": a["domid"], "claims": []}


def _single_node_claim(a: dict[str, Any], _before: Trace) -> EventFields:
    return {"op": "set_outstanding_pages", "domid": a["domid"], "pages": a["pages"], "node": a["node"]}


def _legacy_call(a: dict[str, Any], before: Trace) -> EventFields:
    ended = {event["builder"] for event in before.events if event["op"] == "continue"}
    begun = (e for e in before.events if e["op"] == "claim_pages" and e["domid"] == a["domid"])
    call = next(event for event in begun if event["builder"] not in ended)
    call["nr_extents"] = a.get("pages", 0)
    return {"op": "continue", "builder": call["builder"]}


def _allocation(a: dict[str, Any], _before: Trace) -> EventFields:
    request = {"order": a["pages"].bit_length() - 1, "node": a["node"], "memflags": ["exact_node"]}
    return {"op": "alloc_heap_pages", "domid": a.get("domid"), **request}


def _offline(a: dict[str, Any], before: Trace) -> EventFields:
    running = RunningHost(before.semantics, tuple(before.host["nodes"]))
    for event in before.events:
        running.do(event)
    heap = running.host.heap[a["node"]]
    return {"op": "offline_page", "mfn": min(mfn for mfn, _order in heap.blocks())}


_EVENTS: dict[str, Callable[[dict[str, Any], Trace], EventFields]] = {
    "set_max_pages": _max_pages,
    "claim_memory": _set,
    "release_claims": _release,
    "claim_on_node": _single_node_claim,
    "set_outstanding_pages": _legacy_call,
    "set_outstanding_pages_zero": _legacy_call,
    "alloc_heap_pages": _allocation,
    "alloc_heap_pages_unowned": _allocation,
    "offline_page": _offline,
}
WRITTEN = frozenset(_EVENTS)
"""The calls that may end a trace."""
