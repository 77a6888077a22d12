"""What a run of the matrix found, as files: the verdicts, next to the traces of what is refuted.

The documents are written from these, so that a test can compare both in a moment.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NotRequired

from proofs.evidence.dated import Stamp, is_older
from proofs.matrix.cells import CellVerdict
from proofs.matrix.findings import FOLDER, path_of
from proofs.matrix.rows import MatrixRow
from proofs.prover.verdict import Verdict
from proofs.search.events import Trace

VERDICTS = FOLDER / "verdicts.json"
RUN = FOLDER / "run.json"
"""When the verdicts were found, and of which code."""


def dumped(cells: Iterable[CellVerdict]) -> str:
    """One verdict per line; its trace is a file of its own."""
    lines = [
        json.dumps([cell.semantics, cell.row.part, list(cell.row.conditions), cell.verdict.value, cell.reason])
        for cell in cells
    ]
    return "[\n" + ",\n".join(lines) + "\n]\n"


def load(path: Path = VERDICTS, folder: Path = FOLDER) -> list[CellVerdict]:
    """The cells of the last run; of the traces in the folder what is stored: host and events."""
    return [
        CellVerdict(
            semantics, row, Verdict(verdict), reason, _trace(semantics, row, folder) if verdict == REFUTED else None
        )
        for semantics, row, verdict, reason in _lines(path)
    ]


class MatrixStamp(Stamp):
    """What a run of the matrix writes next to its verdicts."""

    took: NotRequired[float]
    """Seconds of processor time."""


def stamped(path: Path = RUN) -> MatrixStamp:
    """When the verdicts were found, of which code, and what that took."""
    found: MatrixStamp = json.loads(path.read_text(encoding="utf-8"))
    return found


def when(path: Path = RUN) -> str:
    """The day of the run of which the verdicts are, and whether reference or model changed since."""
    made = stamped(path)
    return f"{made['made']}, of {'older' if is_older(made) else 'this'} code"


def of_this_code(semantics: str) -> tuple[str, list[CellVerdict]] | None:
    """The day of the last run, and what it found of a generation; None: not in a checkout, or of other code."""
    if not RUN.exists() or not VERDICTS.exists():
        return None
    made = json.loads(RUN.read_text(encoding="utf-8"))
    found = [] if is_older(made) else [cell for cell in load() if cell.semantics == semantics]
    return (made["made"], found) if found else None


def as_stored(cells: Iterable[CellVerdict]) -> list[CellVerdict]:
    """The cells with the traces that are stored, where there are any: a run may find others, as short."""
    return [
        replace(cell, trace=_trace(cell.semantics, cell.row))
        if cell.verdict is Verdict.REFUTED and path_of(cell.semantics, cell.row).exists()
        else cell
        for cell in cells
    ]


REFUTED = Verdict.REFUTED.value


def _lines(path: Path) -> Iterator[tuple[str, MatrixRow, str, str]]:
    for semantics, part, conditions, verdict, reason in json.loads(path.read_text(encoding="utf-8")):
        yield semantics, MatrixRow(part, tuple(conditions)), verdict, reason


def _trace(semantics: str, row: MatrixRow, folder: Path = FOLDER) -> Trace:
    header, _boot, *events = map(json.loads, path_of(semantics, row, folder).read_text(encoding="utf-8").splitlines())
    return Trace(semantics, "", row.part, header["host"], events, [], [])
