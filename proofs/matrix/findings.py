"""Findings as files: the shortest trace of each refuted cell, recorded by running it on the reference."""

from collections.abc import Iterable
from itertools import takewhile
from pathlib import Path
from typing import Any

import msgspec

from proofs.explain.request import request_of
from proofs.explore.running import RunningHost, event_of
from proofs.matrix.cells import CellVerdict
from proofs.matrix.rows import MatrixRow
from proofs.prover.verdict import Verdict
from proofs.replay.observe import observe
from proofs.search.events import Trace
from proofs.traces.events import FORMAT_2
from proofs.versions import versions
from reference.constants import UINT_MAX
from reference.properties import broken_properties, check_state
from reference.state import Host
from reference.status import HypervisorCrash

FOLDER = Path("tests/data/findings")
OF_32_BITS = ("max_pages", "tot_pages", "outstanding_pages", "global_claims", "node_claims")


def path_of(semantics: str, row: MatrixRow, folder: Path = FOLDER) -> Path:
    """`<semantics>/<property>[+<condition>...].jsonl`."""
    return folder / semantics / ("+".join((row.part, *row.conditions)) + ".jsonl")


class _Recorder:
    """A host of the reference that writes down what it observes."""

    def __init__(self, trace: Trace) -> None:
        nodes, span = tuple(trace.host["nodes"]), trace.host["node_span"]
        self.running = RunningHost(trace.semantics, nodes, check_locks=True, span=span)
        self.host: Host = self.running.host
        self.broken: set[str] = set()

    def after(self, written: dict[str, Any]) -> dict[str, Any]:
        """The event with its outcome, and the state after it."""
        try:
            outcome = self.running.do(written)
        except HypervisorCrash as crash:
            observed = event_of(written).observed
            return {k: v for k, v in written.items() if k not in observed} | {"crash": str(crash)}
        self.broken |= {violation.property for violation in broken_properties(self.host)}
        return written | outcome | {"state": _as_in_c(msgspec.to_builtins(observe(self.host)))}


def _as_in_c(state: dict[str, Any]) -> dict[str, Any]:
    """The state with what is left in a domain's 32-bit counters where they wrap: a hypervisor records that."""
    for counters in state["domains"].values():
        counters |= {name: value & UINT_MAX for name, value in counters.items() if name in OF_32_BITS}
    return state


def recorded(trace: Trace, source: str) -> tuple[bytes, list[str]]:
    """The trace as lines of the project's format, and what the reference's checker says after the last event.

    The header expects what the reference finds broken on the way.
    """
    recorder = _Recorder(trace)
    events = [recorder.after({"op": "boot"}), *[recorder.after(request_of(event)) for event in trace.events]]
    violations = check_state(recorder.host)
    if "crash" not in events[-1]:
        recorder.broken |= {violation.property for violation in violations}
    host = trace.host | {"last_alloc_node": 0}
    header = {"format": FORMAT_2, "semantics": trace.semantics, "source": source, "host": host}
    if recorder.broken:
        header["expect"] = sorted(recorder.broken)
    lines = b"".join(msgspec.json.encode(line) + b"\n" for line in (header, *events))
    return lines, [str(violation) for violation in violations]


def source_of(row: MatrixRow) -> str:
    """What the header says of where the trace comes from."""
    return f"claimcheck {versions()['claimcheck']}: a shortest trace from boot that violates {row.name}"


def stored(cells: Iterable[CellVerdict], folder: Path = FOLDER) -> dict[Path, bytes]:
    """The files of all refuted cells."""
    found = {}
    for cell in cells:
        if cell.verdict is Verdict.REFUTED and cell.trace is not None:
            found[path_of(cell.semantics, cell.row, folder)] = recorded(cell.trace, source_of(cell.row))[0]
    return found


def measure(lines: bytes) -> tuple[int, int, int, int]:
    """Events, domains, nodes and pages of the first trace: what a search makes least, in this order."""
    header, *others = [msgspec.json.decode(line) for line in lines.splitlines()]
    events = list(takewhile(lambda line: "op" in line, others))
    nodes = header["host"]["nodes"]
    created = sum(event["op"] == "create_domain" for event in events)
    return len(events), created, len(nodes), sum(nodes)


def as_good(stored: bytes, fresh: bytes) -> bool:
    """Whether a stored trace can stay: it is as short as the new one, violates the same, on a host described alike."""
    headers = [msgspec.json.decode(lines.splitlines()[0]) for lines in (stored, fresh)]
    told = [(header["host"].keys(), header.get("expect")) for header in headers]
    return measure(stored) == measure(fresh) and told[0] == told[1]


def write(cells: Iterable[CellVerdict], folder: Path = FOLDER, only_say: bool = False) -> list[Path]:
    """Write what is not stored with the same measure, remove what is no finding any more; gives what changed."""
    files = stored(cells, folder)
    changed = []
    for old in sorted(folder.glob("*/*.jsonl")):
        if old not in files:
            changed.append(old)
            if not only_say:
                old.unlink()
    for path, lines in files.items():
        if not path.exists() or not as_good(path.read_bytes(), lines):
            changed.append(path)
            if not only_say:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(lines)
    return changed
