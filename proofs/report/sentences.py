"""What a cell of the matrix means, in one sentence."""

from __future__ import annotations

from model.properties.conditions import CONDITIONS
from proofs.evidence.parts import about
from proofs.evidence.structure import EvidenceCell
from proofs.prover.verdict import Verdict
from proofs.search.row_verdict import ANY_HOST


def claim(cell: EvidenceCell) -> str:
    """The property, on the cell's conditions."""
    sentence = about(cell.property).sentence.rstrip(".")
    provided = " and ".join(CONDITIONS[c].sentence for c in cell.conditions)
    return f"provided {provided}: {sentence[0].lower()}{sentence[1:]}" if provided else sentence


def sentence(cell: EvidenceCell) -> str:
    """The verdict in words."""
    said = claim(cell)
    if cell.verdict == Verdict.PROVED.value:
        return f"{cell.semantics}: proved, with {cell.hosts}: {said}."
    if cell.verdict == Verdict.REFUTED.value:
        how = f" {cell.reason}" if cell.reason else ""
        times = f"{cell.events} event{'' if cell.events == 1 else 's'}"
        return f"{cell.semantics}: refuted{how} by a shortest trace of {times} from boot: {said}."
    if cell.verdict == Verdict.NOT_APPLICABLE.value:
        return f"{cell.semantics}: not applicable, as {cell.reason}: {said}."
    return f"{cell.semantics}: unknown ({cell.reason}): {said}."


def mark(cell: EvidenceCell) -> str:
    """The verdict in a few characters."""
    if cell.verdict == Verdict.PROVED.value:
        return "✓" if cell.hosts == ANY_HOST else "✓≤4"
    if cell.verdict == Verdict.REFUTED.value:
        return f"✗{cell.events}"
    return "n/a" if cell.verdict == Verdict.NOT_APPLICABLE.value else "?"


def kind(cell: EvidenceCell) -> str:
    """The verdict, proofs for some hosts kept apart: for filters, counts and colours."""
    if cell.verdict == Verdict.PROVED.value:
        return "proved" if cell.hosts == ANY_HOST else "bounded"
    return {
        Verdict.REFUTED.value: "refuted",
        Verdict.NOT_APPLICABLE.value: "none",
        Verdict.UNKNOWN.value: "unknown",
    }[cell.verdict]


KINDS = {
    "proved": "proved for any host",
    "bounded": "proved for hosts of at most 4 nodes and 4 domains",
    "refuted": "refuted by a trace that the reference reproduces",
    "unknown": "unknown",
    "none": "not applicable",
}
"""Every kind, in words."""
