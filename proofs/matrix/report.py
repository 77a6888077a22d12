"""The matrix as a table, as data, and what each generation repairs of those before it."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from model.named import GENERATIONS
from proofs.matrix.cells import CellVerdict
from proofs.matrix.rows import MatrixRow, rows
from proofs.prover.verdict import Verdict
from proofs.search.row_verdict import ANY_HOST

LEGEND = (
    "`+` proved for any host, `+b` proved for hosts of at most 4 nodes and 4 domains, `xN` refuted by a shortest trace"
    " of N events that the reference reproduces, `?` unknown, `.` not applicable,"
    " blank: holds without the condition"
)


def mark(cell: CellVerdict | None) -> str:
    """A cell in a few characters."""
    if cell is None:
        return ""
    if cell.verdict is Verdict.PROVED:
        return "+" if cell.reason == ANY_HOST else "+b"
    if cell.verdict is Verdict.REFUTED:
        return f"x{0 if cell.trace is None else len(cell.trace.events)}"
    return "." if cell.verdict is Verdict.NOT_APPLICABLE else "?"


def by_place(cells: Iterable[CellVerdict]) -> dict[tuple[str, MatrixRow], CellVerdict]:
    """The cells by generation and row."""
    return {(cell.semantics, cell.row): cell for cell in cells}


def table_rows(cells: list[CellVerdict]) -> list[list[str]]:
    """One line for each row that any generation has: its name, and a mark for each generation."""
    placed, names = by_place(cells), list(dict.fromkeys(cell.semantics for cell in cells))
    lines = [[row.name, *(mark(placed.get((name, row))) for name in names)] for row in rows()]
    return [line for line in lines if any(line[1:])]


def as_data(cells: Iterable[CellVerdict]) -> list[dict[str, Any]]:
    """For JSON."""
    return [
        {
            "semantics": cell.semantics,
            "property": cell.row.part,
            "conditions": list(cell.row.conditions),
            "verdict": cell.verdict.value,
            "reason": cell.reason,
            "events": None if cell.trace is None else len(cell.trace.events),
            "seconds": None if cell.stored else round(cell.seconds, 3),
            "stored": cell.stored,
            "trace": None if cell.trace is None else asdict(cell.trace),
            "reference": cell.replayed,
        }
        for cell in cells
    ]


@dataclass(frozen=True)
class BrokenPromise:
    """A row that is refuted for a generation, and the generations after it for which it is right."""

    row: MatrixRow
    events: int
    repaired: tuple[str, ...]
    """The first such generation on each line of descent; empty: none has it right."""


def broken_promises(cells: Iterable[CellVerdict], name: str) -> list[BrokenPromise]:
    """Everything that is refuted for a generation, whether a later one repairs it or not."""
    placed = by_place(cells)
    found = []
    for row in rows():
        cell = placed.get((name, row))
        if cell is not None and cell.verdict is Verdict.REFUTED:
            events = 0 if cell.trace is None else len(cell.trace.events)
            found.append(BrokenPromise(row, events, tuple(_first_right(placed, name, row))))
    return found


def _first_right(placed: dict[tuple[str, MatrixRow], CellVerdict], name: str, row: MatrixRow) -> list[str]:
    """The next generations on each line of descent for which the row is proved."""
    found: list[str] = []
    for after in GENERATIONS.values():
        if name in after.follows:
            right = _right(placed, after.name, row)
            is_proved = right is not None and right.verdict is Verdict.PROVED
            found += [after.name] if is_proved else _first_right(placed, after.name, row)
    return list(dict.fromkeys(found))


@dataclass(frozen=True)
class Repair:
    """Something that a generation gets wrong and one that follows it gets right."""

    before: str
    after: str
    row: MatrixRow
    now: str
    """Of the later generation: proved, and for which hosts, or why it no longer applies."""


def repairs(cells: Iterable[CellVerdict]) -> list[Repair]:
    """What is refuted for a generation, and proved for one that follows it (or gone, with what it was about)."""
    placed = by_place(cells)
    found: list[Repair] = []
    for after in GENERATIONS.values():
        for before in after.follows:
            for row in rows():
                wrong, right = placed.get((before, row)), _right(placed, after.name, row)
                whole = any(
                    r.after == after.name and r.before == before and r.row == MatrixRow(row.part) for r in found
                )
                if wrong is not None and wrong.verdict is Verdict.REFUTED and right is not None and not whole:
                    found.append(Repair(before, after.name, row, f"{right.verdict.value}: {right.reason}"))
    return found


def _right(placed: dict[tuple[str, MatrixRow], CellVerdict], name: str, row: MatrixRow) -> CellVerdict | None:
    """The cell in which the row, or the same without its conditions, is right."""
    for same in (row, MatrixRow(row.part)):
        cell = placed.get((name, same))
        if cell is not None and cell.verdict in (Verdict.PROVED, Verdict.NOT_APPLICABLE):
            return cell
    return None
