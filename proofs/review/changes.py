"""The verdicts on rules against those on their base."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from model.properties import PROPERTIES, Kind
from proofs.explain.request import request_of
from proofs.explore.running import RunningHost
from proofs.matrix.cells import CellVerdict, UnprovedRow
from proofs.matrix.findings import recorded, source_of
from proofs.matrix.report import by_place
from proofs.matrix.rows import MatrixRow, rows
from proofs.prover.verdict import Verdict
from proofs.review.result import Direction, VerdictChange
from proofs.search.events import Trace
from proofs.search.row_verdict import ANY_HOST
from reference.status import HypervisorCrash, MisuseError

_WORTH = {Verdict.REFUTED: 0, Verdict.PROVED: 1}


def verdict_changes(base: Sequence[CellVerdict], own: Sequence[CellVerdict]) -> list[VerdictChange]:
    """The rows whose verdict changed. A row that holds without its conditions holds with them."""
    found = []
    placed = [{row: cell for (_, row), cell in by_place(cells).items()} for cells in (base, own)]
    for row in rows():
        before, after = (cells.get(row) or cells.get(MatrixRow(row.part)) for cells in placed)
        if before is None or after is None or not any(row in cells for cells in placed):
            continue
        direction = _direction(before, after)
        if direction is not None:
            reason = after.reason if direction is Direction.UNKNOWN else ""
            change = VerdictChange(row.name, in_words(before), in_words(after), direction, reason)
            if after.trace is not None:
                change.trace, change.violated = _lines(after), after.trace.broken or after.replayed
            found.append(change)
    return found


def refuted_alike(
    base: str, own: str, judged: Iterable[CellVerdict], unproved: Iterable[UnprovedRow]
) -> list[CellVerdict]:
    """The rows that the trace of the base refutes for these rules as well: every result and state of it is the same.

    The halves have to agree: what the reference does is then what the model says. A comparison of two calls, and what
    is no formula, is not about the states of a trace, and left out.
    """
    refuted = {cell.row: cell.trace for cell in judged if cell.verdict is Verdict.REFUTED}
    found = []
    for one in unproved:
        trace = refuted.get(one.row)
        prop = PROPERTIES.get(one.row.part)
        if trace is None or prop is None or prop.kind is Kind.COMPARISON:
            continue
        if _observed(base, trace) == _observed(own, trace):
            found.append(CellVerdict(own, one.row, Verdict.REFUTED, "by the trace of the base", trace))
    return found


def _observed(semantics: str, trace: Trace) -> list[Any]:
    """What the reference answers to each event of a trace, and the state after it."""
    running = RunningHost(semantics, tuple(trace.host["nodes"]), span=trace.host["node_span"])
    found: list[Any] = []
    for event in trace.events:
        try:
            found.append((running.do(request_of(event)), running.state().key(whole_ledger=True)[0]))
        except (HypervisorCrash, MisuseError) as end:
            return [*found, str(end)]
    return found


def _direction(before: CellVerdict, after: CellVerdict) -> Direction | None:
    """None: the verdict is the same. A refutation by a longer or shorter trace is one."""
    if before.verdict is after.verdict:
        if before.verdict is not Verdict.PROVED or before.reason == after.reason:
            return None
        return Direction.BETTER if after.reason == ANY_HOST else Direction.WORSE
    if after.verdict is Verdict.UNKNOWN:
        return Direction.UNKNOWN
    if before.verdict is Verdict.UNKNOWN:
        return Direction.WORSE if after.verdict is Verdict.REFUTED else Direction.BETTER
    if before.verdict in _WORTH and after.verdict in _WORTH:
        return Direction.WORSE if _WORTH[after.verdict] < _WORTH[before.verdict] else Direction.BETTER
    return Direction.OTHER


def in_words(cell: CellVerdict) -> str:
    """A verdict in a few words."""
    if cell.verdict is Verdict.PROVED:
        return "proved for any host" if cell.reason == ANY_HOST else f"proved for hosts of {cell.reason}"
    if cell.verdict is Verdict.REFUTED:
        events = 0 if cell.trace is None else len(cell.trace.events)
        return f"refuted in {events} event{'' if events == 1 else 's'}"
    return str(cell.verdict.value)


def _lines(cell: CellVerdict) -> str:
    assert cell.trace is not None
    lines: bytes = recorded(cell.trace, source_of(cell.row))[0]
    return lines.decode()
