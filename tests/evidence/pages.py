"""The small run as a page, with a trace in which the host stops added to its findings."""

from __future__ import annotations

import msgspec

from proofs.evidence.judged import finding_of
from proofs.evidence.structure import Evidence, Findings, Matrix, SkippedSection, read, written
from proofs.matrix.rows import MatrixRow
from proofs.search.events import Trace

CRASH = "single-node-v4/no-crash"
_EVENTS = [
    {"op": "create_domain", "domid": 0, "max_pages": 2, "node_affinity": [0]},
    {"op": "set_outstanding_pages", "domid": 0, "pages": 1, "node": 0},
    {"op": "offline_page", "mfn": 0},
    {"op": "alloc_heap_pages", "domid": 0, "order": 0, "node": 0, "memflags": []},
]


def copy_of(evidence: Evidence) -> Evidence:
    """As it is read from its file."""
    return read(written(evidence), "copy")


def light(evidence: Evidence) -> Evidence:
    """A copy without what takes long to show."""
    left_out = ("obligations", "guards")
    return msgspec.structs.replace(copy_of(evidence), **dict.fromkeys(left_out, SkippedSection("long")))


def with_a_crash(small: Evidence) -> Evidence:
    """A copy."""
    evidence = copy_of(small)
    assert isinstance(evidence.findings, Findings)
    trace = Trace("single-node-v4", "", "no-crash", {"node_span": 1, "nodes": [1]}, _EVENTS, [], [])
    evidence.findings.findings.append(finding_of(MatrixRow("no-crash"), trace, Matrix(cells=[])))
    return msgspec.structs.replace(evidence, made="2026-01-01T00:00:00+00:00")
