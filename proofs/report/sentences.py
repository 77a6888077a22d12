"""What a cell of the matrix means, in one sentence."""

from __future__ import annotations

from model.properties.conditions import CONDITIONS
from proofs.evidence.parts import about
from proofs.evidence.structure import EvidenceCell
from proofs.prover.verdict import Verdict
from proofs.refinement.premises import in_words
from proofs.search.row_verdict import ANY_HOST


def claim(cell: EvidenceCell) -> str:
    """The property, on the cell's conditions; of calls that are compared, on the premises of the comparison."""
    sentence = about(cell.property).sentence.rstrip(".")
    provided = _provided(cell)
    return f"provided {provided}: {sentence[0].lower()}{sentence[1:]}" if provided else sentence


def _provided(cell: EvidenceCell) -> str:
    """The conditions and the premises, joined."""
    premises = () if cell.verdict == Verdict.NOT_APPLICABLE.value else in_words(cell.property, cell.semantics)
    return " and ".join([*(CONDITIONS[c].sentence for c in cell.conditions), *premises])


def sentence(cell: EvidenceCell, restored_by: EvidenceCell | None = None) -> str:
    """Property, verdict and condition.

    :param restored_by: the proof of the same property on a condition, where it fails without
    """
    said, provided = about(cell.property).sentence.rstrip("."), _provided(cell)
    if cell.verdict == Verdict.PROVED.value:
        condition = f", provided {provided}" if provided else ""
        return f"{said}: proved for {cell.semantics}, with {cell.hosts}{condition}."
    if cell.verdict == Verdict.REFUTED.value:
        times = f"{cell.events} event{'' if cell.events == 1 else 's'}"
        how = f" ({cell.reason})" if cell.reason else ""
        condition = f", even provided {provided}" if provided else ""
        but = f"; it holds provided {_provided(restored_by)}" if restored_by else ""
        return f"{said}: refuted for {cell.semantics} by a trace of {times}{how}{condition}{but}."
    if cell.verdict == Verdict.NOT_APPLICABLE.value:
        return f"{said}: not applicable to {cell.semantics}, because {cell.reason}."
    condition = f", provided {provided}" if provided else ""
    return f"{said}: unknown for {cell.semantics}{condition}, because {cell.reason}."


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
