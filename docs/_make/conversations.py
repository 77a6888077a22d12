"""A complete conversation of the adapter protocol for every operation of a trace, with the reference as the program."""

from __future__ import annotations

import json
from typing import Any

from proofs.adapters.protocol import message
from proofs.adapters.server import Server
from proofs.operations import KINDS
from reference.generations import GENERATIONS

from .blocks import table

_HOST = {"node_span": 1024, "nodes": [1024], "last_alloc_node": 0}
_CREATE = {"op": "create_domain", "domid": 1, "max_pages": 1024, "node_affinity": [0]}
_ALLOC = {"op": "alloc_domheap_pages", "domid": 1, "order": 1, "node": None, "memflags": []}
_LIMBO = {**_ALLOC, "op": "alloc_heap_pages"}
_KILL = {"op": "domain_kill", "domid": 1}
_SET = [{"pages": 3, "target": 0}, {"pages": 1, "target": "global"}]
_HYPERCALL_SET = [{"pages": 3, "target": 0}, {"pages": 1, "target": "host"}]

_ONES: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "create_domain": ("claim-sets", [_CREATE]),
    "set_max_pages": ("claim-sets", [_CREATE, {"op": "set_max_pages", "domid": 1, "max_pages": 8}]),
    "max_mem": ("claim-sets", [_CREATE, {"op": "max_mem", "domid": 1, "max_pages": 2**32}]),
    "install_claim_set": ("claim-sets", [_CREATE, {"op": "install_claim_set", "domid": 1, "claims": _SET}]),
    "claim_memory": ("claim-sets", [_CREATE, {"op": "claim_memory", "domid": 1, "claims": _HYPERCALL_SET}]),
    "get_memory_claims": (
        "per-node-v8",
        [
            _CREATE,
            {"op": "claim_memory", "domid": 1, "claims": _HYPERCALL_SET},
            {"op": "get_memory_claims", "domid": 1, "capacity": 1},
            {"op": "get_memory_claims", "domid": 1, "capacity": 2},
        ],
    ),
    "set_outstanding_pages": ("claim-sets", [_CREATE, {"op": "set_outstanding_pages", "domid": 1, "pages": 4}]),
    "claim_pages": ("claim-sets", [_CREATE, {"op": "claim_pages", "domid": 1, "nr_extents": 4}]),
    "alloc_domheap_pages": ("claim-sets", [_CREATE, _ALLOC, {**_ALLOC, "order": 11}]),
    "alloc_heap_pages": ("claim-sets", [_CREATE, _LIMBO]),
    "assign_pages": ("claim-sets", [_CREATE, _LIMBO, {"op": "assign_pages", "mfn": 0, "order": 1, "domid": 1}]),
    "free_heap_pages": ("claim-sets", [_CREATE, _LIMBO, {"op": "free_heap_pages", "mfn": 0, "order": 1}]),
    "free_domheap_pages": ("claim-sets", [_CREATE, _ALLOC, {"op": "free_domheap_pages", "mfn": 0, "order": 0}]),
    "populate_physmap": (
        "mainline-4.22",
        [
            _CREATE,
            {"op": "populate_physmap", "domid": 1, "nr_extents": 2, "extent_order": 0},
            {
                "op": "populate_physmap",
                "domid": 1,
                "nr_extents": 1,
                "extent_order": 9,
                "preempt_at": {"extent": 0, "scrub_index": 256},
            },
        ],
    ),
    "memory_exchange": (
        "claim-sets",
        [_CREATE, _ALLOC, {"op": "memory_exchange", "domid": 1, "in_mfns": [0], "in_order": 1, "out_order": 0}],
    ),
    "offline_page": (
        "claim-sets",
        [_CREATE, _ALLOC, {"op": "offline_page", "mfn": 0}, {"op": "offline_page", "mfn": 9}],
    ),
    "online_page": (
        "claim-sets",
        [_CREATE, {"op": "offline_page", "mfn": 9}, {"op": "online_page", "mfn": 9}, {"op": "online_page", "mfn": 9}],
    ),
    "domain_kill": ("claim-sets", [_CREATE, _KILL]),
    "relinquish_memory": ("claim-sets", [_CREATE, _ALLOC, _KILL, {"op": "relinquish_memory", "domid": 1}]),
    "domain_destroy": ("claim-sets", [_CREATE, _KILL, {"op": "domain_destroy", "domid": 1}]),
    "destroydomain": ("claim-sets", [_CREATE, _ALLOC, {"op": "destroydomain", "domid": 1}]),
    "pausedomain": ("claim-sets", [_CREATE, {"op": "pausedomain", "domid": 1}]),
    "unpausedomain": ("claim-sets", [_CREATE, {"op": "unpausedomain", "domid": 1}]),
    "getdomaininfo": (
        "claim-sets",
        [_CREATE, {"op": "getdomaininfo", "domid": 1}, {"op": "getdomaininfo", "domid": 2}],
    ),
    "get_outstanding_claims": ("claim-sets", [_CREATE, {"op": "get_outstanding_claims"}]),
}
"""By operation: a generation that has it, and what is sent after ``boot``."""


def conversations() -> str:
    """Every operation, with all lines; an operation of several critical sections a second time, by a builder."""
    parts = []
    for op, (semantics, events) in _ONES.items():
        lines = _said(semantics, events)
        parts.append(f"## {op}\n\nGeneration `{semantics}`.\n\n```text\n{lines}\n```")
        if KINDS[op].in_steps:
            number = next(at for at, event in enumerate(events) if event["op"] == op)
            by_builder, _ = _continued(semantics, events[: number + 1])
            parts.append(f"By a builder, one critical section at a time:\n\n```text\n{by_builder}\n```")
    return "\n\n".join(parts)


def sections() -> str:
    """How many critical sections each operation of the conversations has."""
    rows = []
    for op, (semantics, events) in _ONES.items():
        if KINDS[op].in_steps:
            number = next(at for at, event in enumerate(events) if event["op"] == op)
            rows.append([f"`{op}`", f"`{semantics}`", str(1 + _continued(semantics, events[: number + 1])[1])])
    return table(["operation", "generation", "critical sections in its conversation"], rows)


def _header(semantics: str) -> dict[str, Any]:
    return {"format": "claim-trace/2", "semantics": semantics, "source": "an example", "host": _HOST}


def _server(semantics: str) -> Server:
    server = Server("example", {semantics: GENERATIONS[semantics]})
    server.answer(_line(_header(semantics)))
    return server


def _line(said: dict[str, Any]) -> bytes:
    return json.dumps(said, separators=(",", ":")).encode()


def _exchange(server: Server, said: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    line = _line(said)
    answer = message(server.answer(line)).decode().rstrip()
    found: dict[str, Any] = json.loads(answer)
    if "error" in found:
        raise ValueError(f"{line.decode()}: {found['error']}")
    return f"> {line.decode()}\n< {answer}", found


def _said(semantics: str, events: list[dict[str, Any]]) -> str:
    server = Server("example", {semantics: GENERATIONS[semantics]})
    return "\n".join(_exchange(server, said)[0] for said in (_header(semantics), {"op": "boot"}, *events))


def _continued(semantics: str, events: list[dict[str, Any]]) -> tuple[str, int]:
    """The lines of the last event by a builder, and how often it is continued."""
    server = _server(semantics)
    for event in ({"op": "boot"}, *events[:-1]):
        server.answer(_line(event))
    first, answer = _exchange(server, {**events[-1], "builder": "b1"})
    lines = [first]
    observed = KINDS[events[-1]["op"]].observed
    more = True
    while more:
        try:
            said, answer = _exchange(server, {"op": "continue", "builder": "b1"})
        except ValueError:  # it has ended: this operation has no outcome
            more = False
        else:
            lines.append(said)
            more = not any(name in answer for name in observed)
    return "\n".join(lines), len(lines) - 1
