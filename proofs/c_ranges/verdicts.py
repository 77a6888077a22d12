"""The verdict on each value of a generation, with a trace if it leaves its type, stored in tests/data/c-ranges."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from model.named import GENERATIONS
from proofs.c_ranges.rows import RangeRow, rows_of
from proofs.c_ranges.traces import WrapTrace, search
from proofs.c_typed.runs import CTypedRun
from proofs.operations import Boot, Event, Events2
from proofs.prover.verdict import Verdict
from proofs.traces.events import FORMAT_2, Header, HostShape, least_span

FOLDER = Path("tests/data/c-ranges")
VERDICTS = "verdicts.json"
"""The file in the folder of a generation, next to its traces."""
NO_TRACE = "no proof, and no trace found"
HARMLESS = "nothing that a trace observes"


@dataclass(frozen=True)
class RangeVerdict:
    """The verdict on a value; if refuted, with the trace and the effect."""

    row: RangeRow
    value: str = ""
    trace: str = ""
    consequence: str = ""


def judged(semantics: str) -> tuple[list[RangeVerdict], dict[str, bytes]]:
    """All values of a generation, and the files of the traces."""
    rows = rows_of(semantics)
    left = {(row.transition, row.number) for row in rows if row.verdict is not Verdict.PROVED}
    found = search(semantics, left) if left else {}
    files: dict[str, bytes] = {}
    judgements = []
    for row in rows:
        if row.verdict is Verdict.PROVED:
            judgements.append(RangeVerdict(row))
            continue
        ways = found.get((row.transition, row.number), [])
        if not ways:
            judgements.append(RangeVerdict(row, consequence=NO_TRACE))
            continue
        best = next((way for way in ways if way.parting), ways[0])
        content = written(semantics, best)
        name = next((n for n, c in files.items() if c == content), f"{row.transition}-{len(files) + 1}.jsonl")
        files[name] = content
        consequence = HARMLESS if best.parting is None else str(best.parting)
        value = "" if best.value is None else str(best.value)
        judgements.append(RangeVerdict(replace(row, verdict=Verdict.REFUTED), value, name, consequence))
    return judgements, files


def written(semantics: str, found: WrapTrace) -> bytes:
    """The trace with the observations on C's numbers."""
    shape = HostShape(least_span(found.nodes), list(found.nodes), last_alloc_node=0)
    header = Header(FORMAT_2, semantics, "claimcheck: a value leaves its C type; replay with --c-types", shape, 0)
    run = CTypedRun(semantics, shape, c_types=True)
    lines = [msgspec.json.encode(header)]
    events: list[Event] = [Boot(), *(msgspec.convert(event, Events2) for event in found.events)]
    for event in events:
        seen = run.do(event)
        fields = {**seen.outcome, **({"crash": seen.crash} if seen.crash else {"state": seen.state})}
        lines.append(msgspec.json.encode(msgspec.structs.replace(event, **fields)))
    return b"\n".join(lines) + b"\n"


def dumped(found: Iterable[RangeVerdict]) -> str:
    """The stored form: one verdict per line."""
    lines = [
        json.dumps(
            [
                j.row.semantics,
                j.row.transition,
                j.row.function,
                j.row.expression,
                j.row.c_type,
                j.row.verdict.value,
                list(j.row.assumes),
                j.value,
                j.trace,
                j.consequence,
            ]
        )
        for j in found
    ]
    return "[\n" + ",\n".join(lines) + "\n]\n"


def load(folder: Path = FOLDER) -> list[RangeVerdict]:
    """The verdicts of the last run, for the generations that have one."""
    found = []
    for path in [path for name in GENERATIONS if (path := folder / name / VERDICTS).exists()]:
        for s, transition, function, expression, c_type, verdict, assumes, *rest in json.loads(path.read_text()):
            row = RangeRow(s, transition, function, expression, c_type, Verdict(verdict), tuple(assumes))
            found.append(RangeVerdict(row, *rest))
    return found


def files_of(semantics: str) -> dict[Path, bytes]:
    """The files with the verdicts and traces of a generation, computed now."""
    judgements, files = judged(semantics)
    contents = {FOLDER / semantics / name: content for name, content in files.items()}
    return {**contents, FOLDER / semantics / VERDICTS: dumped(judgements).encode()}
