"""The matrix that a checkout stores: the verdicts of an earlier run, whose traces every report runs again."""

from __future__ import annotations

from pathlib import Path

from model.properties import PROPERTIES
from proofs.evidence.dated import earlier_run
from proofs.evidence.on_reference import broken_on_reference
from proofs.evidence.request import CHECKOUT, EvidenceRequest
from proofs.evidence.structure import EarlierRun, EvidenceFinding
from proofs.matrix.cells import CellVerdict
from proofs.matrix.findings import FOLDER, path_of
from proofs.matrix.matrix import id_of
from proofs.matrix.other_rows import OTHER_ROWS, matrix_parts
from proofs.matrix.rows import MatrixRow
from proofs.matrix.verdicts import RUN, VERDICTS, load, stamped
from proofs.refinement.judge import SEARCHED
from proofs.search.fulfilled import ON_REFERENCE


def collected(request: EvidenceRequest, checkout: Path = CHECKOUT) -> tuple[list[CellVerdict], EarlierRun] | None:
    """The requested cells, and the run that judged them; None where the checkout does not have all of them."""
    try:
        cells, made = load(checkout / VERDICTS, checkout / FOLDER), stamped(checkout / RUN)
        run = earlier_run(made["made"], made["code"], made.get("took", 0.0))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    found = [cell for cell in cells if cell.semantics in request.semantics and id_of(cell.row) in request.properties]
    there = {(cell.semantics, cell.row.part) for cell in found}
    judged = [part for part in matrix_parts() if part in OTHER_ROWS or not PROPERTIES[part].support]
    wanted = [part for part in judged if id_of(MatrixRow(part)) in request.properties]
    if any((semantics, part) not in there for semantics in request.semantics for part in wanted):
        return None
    return sorted(found, key=lambda cell: request.semantics.index(cell.semantics)), run


def lines_of(cell: CellVerdict, checkout: Path = CHECKOUT) -> bytes:
    """The file of a cell's trace."""
    return (checkout / path_of(cell.semantics, cell.row)).read_bytes()


def broken_again(finding: EvidenceFinding) -> list[str]:
    """What the trace of a stored finding breaks on the reference; empty where only the model or a search can say it."""
    return [] if finding.property in SEARCHED else broken_on_reference(finding)


def is_seen_on_reference(finding: EvidenceFinding) -> bool:
    """Whether the reference itself sees that the property is broken after the last event."""
    return finding.property in ON_REFERENCE and "crash" not in finding.trace[-1]
