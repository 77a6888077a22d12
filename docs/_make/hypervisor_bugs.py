"""docs/hypervisor-bugs.md: ``python -m docs._make.hypervisor_bugs`` fills in its timelines and verdicts.

Some traces come from no search, because they violate no property of a state. They are made here from their events, with
the reference's observations. Where real code gave another answer, the last event has that answer.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from docs._make.blocks import Maker, Output, parser, table
from proofs.explain.compact import boot_line, compact_scenes
from proofs.matrix.findings import recorded
from proofs.matrix.rows import MatrixRow
from proofs.matrix.searches import verdicts_on
from proofs.matrix.verdicts import load
from proofs.replay import replay_trace
from proofs.search.events import Trace
from proofs.traces import read_traces

DOCUMENT = Path("docs/hypervisor-bugs.md")
OWN = Path("tests/data/hypervisor-bugs")
Events = list[dict[str, Any]]


def _create(domid: int, pages: int) -> dict[str, Any]:
    return {"op": "create_domain", "domid": domid, "max_pages": pages, "node_affinity": [0]}


def _alloc(order: int, mfn: int | None = None) -> dict[str, Any]:
    request: dict[str, Any] = {"op": "alloc_heap_pages", "domid": None, "order": order, "node": None, "memflags": []}
    return request if mfn is None else request | {"mfn": mfn}


OFFLINE_FIRST = {"op": "offline_page", "mfn": 0}
MADE: dict[str, tuple[str, int, Events, dict[str, Any]]] = {
    "low-memory-alarm": (
        "mainline-4.22",
        2,
        [
            _create(0, 2),
            {"op": "set_outstanding_pages", "domid": 0, "pages": 2},
            OFFLINE_FIRST,
            {"op": "alloc_domheap_pages", "domid": 0, "order": 0, "node": None, "memflags": []},
        ],
        {},
    ),
    "tails-not-merged": ("legacy-redeem-at-alloc", 4, [OFFLINE_FIRST, _alloc(1)], {"mfn": None}),
    "blocks-unaligned": ("legacy-redeem-at-alloc", 4, [OFFLINE_FIRST, _alloc(1)], {"mfn": 1, "on_node": 0}),
}
"""By name: generation, pages of the node, events, and real code's answer to the last event where it is another one."""


def made(name: str) -> bytes:
    """The lines of a trace that is made here."""
    semantics, pages, events, answered = MADE[name]
    shape = {"node_span": pages, "nodes": [pages], "last_alloc_node": 0}
    lines, _ = recorded(Trace(semantics, "", "", shape, events, [], []), f"made from events: {name}")
    if not answered:
        return lines
    *before, last = lines.splitlines(keepends=True)
    event = msgspec.json.decode(last)
    event = {name: value for name, value in event.items() if name not in ("mfn", "on_node")} | answered
    if answered["mfn"] is None:
        event["state"] = msgspec.json.decode(before[-1])["state"]
    return b"".join(before) + msgspec.json.encode(event) + b"\n"


def timeline(path: str) -> str:
    """The events of a trace, or of two that differ at the last event, and the violations on the way."""
    traces = [(boot_line(trace), compact_scenes(trace), trace.header.semantics) for trace in read_traces(path)]
    results = [replay_trace(trace) for trace in read_traces(path)]
    boot, scenes, _ = traces[0]
    lines = [boot, *(line for scene in scenes[:-1] for line in scene)]
    for _, own, name in traces:
        lines += [f"     with {name}:", *own[-1]] if len(traces) > 1 else own[-1]
    said = [f"- {name}: {text}" for result in results for name, text in result.first_broken.items()]
    said += [f"- divergence: {result.divergence}" for result in results if result.divergence is not None]
    checked = "\n".join(["", "", "The reference's checker says:", "", *said]) if said else ""
    return f"`{path}`:\n\n```text\n" + "\n".join(lines) + f"\n```{checked}"


def verdicts(argument: str) -> str:
    """``GENERATION: ROW; ROW`` per line of the table, lines separated by ``|``: the matrix's verdicts on a repair."""
    body = []
    for line in argument.split("|"):
        generation, _, named = line.strip().partition(": ")
        rows = tuple(_row(name.strip()) for name in named.split(";"))
        body += [[f"`{generation}`", f"`{cell.row.name}`", *_verdict(cell)] for cell in _cells(generation, rows)]
    return table(["rules", "property", "verdict", "hosts, or trace"], body)


def _row(name: str) -> MatrixRow:
    part, _, conditions = name.partition(" if ")
    return MatrixRow(part, tuple(conditions.split(" and ")) if conditions else ())


@cache
def _cells(generation: str, rows: tuple[MatrixRow, ...]) -> list[Any]:
    """For a generation, the matrix's verdicts; for a variant, those of a run."""
    if "+" in generation:
        return verdicts_on(generation, rows)
    found = {cell.row: cell for cell in load() if cell.semantics == generation}
    return [found[row] for row in rows]


def _verdict(cell: Any) -> list[str]:
    events = "" if cell.trace is None else f"a trace of {len(cell.trace.events)} events"
    return [str(cell.verdict.value), cell.reason or events]


BLOCKS: dict[str, Maker] = {"timeline": timeline, "verdicts": verdicts}


def main(arguments: list[str]) -> int:
    """Write the traces, then the document."""
    output = Output(parser("hypervisor_bugs", __doc__).parse_args(arguments).check)
    for name in MADE:
        output.write(OWN / f"{name}.jsonl", made(name))
    output.renew(DOCUMENT, BLOCKS)
    return output.ended()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
