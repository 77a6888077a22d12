"""The verdict matrix and the findings as evidence."""

from __future__ import annotations

import time
from collections.abc import Iterable
from functools import partial

import msgspec

from proofs.evidence.answered import answered_questions
from proofs.evidence.parts import about
from proofs.evidence.repaired import repaired
from proofs.evidence.replayed import replayed
from proofs.evidence.request import EvidenceRequest
from proofs.evidence.structure import EvidenceCell, EvidenceFinding, Findings, Matrix
from proofs.matrix import cells as of_matrix
from proofs.matrix.findings import recorded, source_of
from proofs.matrix.matrix import matrix
from proofs.matrix.rows import DESIGN, MatrixRow, promised
from proofs.prover.verdict import Verdict
from proofs.search.events import Trace


def name_of(semantics: str, row: MatrixRow) -> str:
    """Of a cell, and of the finding that refutes it."""
    return f"{semantics}/{'+'.join((row.part, *row.conditions))}"


def row_of(cell: EvidenceCell | EvidenceFinding) -> MatrixRow:
    """The row of the matrix."""
    return MatrixRow(cell.property, tuple(cell.conditions))


def collected(request: EvidenceRequest) -> tuple[Matrix, Findings]:
    """Every requested cell, and the trace of each that is refuted."""
    started = time.perf_counter()
    found = matrix(request.semantics, request.properties, request.jobs, partial(request.progress, "matrix"))
    between = time.perf_counter()
    judged = Matrix(cells=[as_cell(cell) for cell in found], seconds=between - started)
    answers = answered_questions() if DESIGN in request.semantics else []
    findings = Findings(findings=findings_of(found, judged), answers=answers)
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
    refuted = [cell for cell in cells if cell.verdict is Verdict.REFUTED and cell.trace is not None]
    return [finding_of(cell.row, cell.trace, judged) for cell in refuted if cell.trace is not None]


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
