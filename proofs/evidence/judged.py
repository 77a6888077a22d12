"""The verdict matrix and the findings as evidence."""

from __future__ import annotations

import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import msgspec

from proofs.evidence import stored_matrix
from proofs.evidence.answered import answered_questions
from proofs.evidence.on_reference import NO_TRACE
from proofs.evidence.parts import about
from proofs.evidence.repaired import repaired
from proofs.evidence.replayed import replayed
from proofs.evidence.request import CHECKOUT, EvidenceRequest
from proofs.evidence.structure import EvidenceCell, EvidenceFinding, Findings, Matrix, ReplayedTrace
from proofs.matrix import cells as of_matrix
from proofs.matrix.findings import recorded, source_of
from proofs.matrix.matrix import matrix
from proofs.matrix.rows import DESIGN, MatrixRow, promised
from proofs.prover.verdict import Verdict
from proofs.search.events import Trace
from reference.status import MisuseError


def name_of(semantics: str, row: MatrixRow) -> str:
    """Of a cell, and of the finding that refutes it."""
    return f"{semantics}/{'+'.join((row.part, *row.conditions))}"


def row_of(cell: EvidenceCell | EvidenceFinding) -> MatrixRow:
    """The row of the matrix."""
    return MatrixRow(cell.property, tuple(cell.conditions))


def collected(request: EvidenceRequest) -> tuple[Matrix, Findings]:
    """Every requested cell, and the trace of each that is refuted.

    Verdicts that are stored are of the run that stored them; their traces are run again here.
    """
    started = time.perf_counter()
    kept = stored_matrix.collected(request) if request.stored else None
    if kept is None:
        found = matrix(request.semantics, request.properties, request.jobs, partial(request.progress, "matrix"))
        judged = Matrix(cells=[as_cell(cell) for cell in found])
        judged.seconds = time.perf_counter() - started
    else:
        found, run = kept
        judged = Matrix(cells=[as_cell(cell) for cell in found], stored=run)
    between = time.perf_counter()
    answers = answered_questions() if DESIGN in request.semantics else []
    shown = findings_of(found, judged) if kept is None else [stored_finding(cell, judged) for cell in refuted(found)]
    findings = Findings(findings=shown, answers=answers)
    findings.seconds = time.perf_counter() - between
    return judged, findings


def as_cell(cell: of_matrix.CellVerdict) -> EvidenceCell:
    """A cell as data."""
    proved = cell.verdict is Verdict.PROVED
    return EvidenceCell(
        name=name_of(cell.semantics, cell.row),
        semantics=cell.semantics,
        property=cell.row.part,
        conditions=list(cell.row.conditions),
        kind=about(cell.row.part).kind,
        verdict=cell.verdict.value,
        hosts=cell.reason if proved else "",
        reason="" if proved else cell.reason,
        promised=promised(cell.semantics, cell.row),
        events=len(cell.trace.events) if cell.verdict is Verdict.REFUTED and cell.trace is not None else None,
        seconds=round(cell.seconds, 3),
    )


def findings_of(cells: Iterable[of_matrix.CellVerdict], judged: Matrix) -> list[EvidenceFinding]:
    """The traces of all refuted cells, run again on the reference, and in a generation that is right."""
    return [finding_of(cell.row, cell.trace, judged) for cell in refuted(cells) if cell.trace is not None]


def refuted(cells: Iterable[of_matrix.CellVerdict]) -> list[of_matrix.CellVerdict]:
    """The cells that have a trace."""
    return [cell for cell in cells if cell.verdict is Verdict.REFUTED and cell.trace is not None]


def stored_finding(cell: of_matrix.CellVerdict, judged: Matrix, checkout: Path = CHECKOUT) -> EvidenceFinding:
    """A stored trace, as its file has it, run again on the reference.

    It has to do what it did, and to break what it broke; where it does not, the finding says so as a divergence.
    """
    assert cell.trace is not None
    lines = stored_matrix.lines_of(cell, checkout)
    try:
        found = finding_of(cell.row, cell.trace, judged)
    except (MisuseError, KeyError) as error:
        replay = ReplayedTrace(0, 0, f"cannot be run: {error}", {})
        recording = [msgspec.json.decode(line) for line in lines.splitlines()]
        name, row = name_of(cell.semantics, cell.row), cell.row
        return EvidenceFinding(
            name, cell.semantics, row.part, list(row.conditions), recording, [], [], [], replay, None
        )
    found.trace = [msgspec.json.decode(line) for line in lines.splitlines()]
    found.broken, found.replay = stored_matrix.broken_again(found), replayed(lines)
    holds = found.broken in ([], [NO_TRACE])
    if not found.replay.divergence and holds and stored_matrix.is_seen_on_reference(found):
        found.replay.divergence = f"{cell.row.part} holds after the last event"
    return found


def finding_of(row: MatrixRow, trace: Trace, judged: Matrix) -> EvidenceFinding:
    """A trace, as the reference runs it, and its outcome where it is repaired.

    :raises reference.status.MisuseError: it cannot be run
    """
    lines, violations = recorded(trace, source_of(row))
    found = EvidenceFinding(
        name=name_of(trace.semantics, row),
        semantics=trace.semantics,
        property=row.part,
        conditions=list(row.conditions),
        trace=[msgspec.json.decode(line) for line in lines.splitlines()],
        transitions=trace.transitions,
        broken=trace.broken,
        reference=violations,
        replay=replayed(lines),
        repaired=None,
    )
    found.repaired = repaired(judged, found)
    return found
