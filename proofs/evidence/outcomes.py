"""How every trace ends in the generation that repairs what it violates, counted by generation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from proofs.evidence.judged import as_cell, findings_of
from proofs.evidence.repaired import HARMLESS, REFUSED
from proofs.evidence.structure import EvidenceFinding, Matrix
from proofs.matrix.cells import CellVerdict

IMPOSSIBLE, STOPS, BROKEN, NOBODY = "cannot be done", "the host stops", "broken there too", "no generation"
KINDS = (REFUSED, HARMLESS, IMPOSSIBLE, STOPS, BROKEN, NOBODY)


def kind_of(finding: EvidenceFinding) -> str:
    """One of KINDS.

    :raises ValueError: an outcome of none of these kinds
    """
    outcome = NOBODY if finding.repaired is None else finding.repaired.outcome
    for kind in KINDS:
        if outcome.startswith(kind):
            return kind
    raise ValueError(f"{finding.name}: {outcome}")


def outcomes(cells: Iterable[CellVerdict]) -> dict[str, Counter[str]]:
    """By generation: how often the traces of its refuted rows end in which way; every trace is run again."""
    known = list(cells)
    found: dict[str, Counter[str]] = {cell.semantics: Counter() for cell in known}
    for finding in findings_of(known, Matrix(cells=[as_cell(cell) for cell in known], seconds=0.0)):
        found[finding.semantics][kind_of(finding)] += 1
    return found
