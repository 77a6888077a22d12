"""Evidence from a file that makes sense enough to be shown or gone over: its names exist, its traces are traces."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from model.named import GENERATIONS
from model.properties.conditions import CONDITIONS
from proofs.evidence.answered import QUESTIONS
from proofs.evidence.collect import SECTIONS
from proofs.evidence.further import FURTHER
from proofs.evidence.parts import parts
from proofs.evidence.replayed import lines_of
from proofs.evidence.statements import promises
from proofs.evidence.structure import (
    AnsweredQuestion,
    Evidence,
    EvidenceCell,
    EvidenceError,
    EvidenceFinding,
    SkippedSection,
    Tables,
    read,
)
from proofs.matrix.other_rows import matrix_ids
from proofs.traces import TraceError, read_traces
from proofs.traces.text import one_line, printable


def load(path: str) -> Evidence:
    """The evidence in a file.

    :raises EvidenceError: it cannot be read, or is none; one line
    """
    try:
        content = Path(path).read_bytes()
    except (OSError, ValueError) as error:
        raise EvidenceError(one_line(f"{path}: {getattr(error, 'strerror', None) or error}")) from None
    evidence = read(content, printable(path))
    for problem in _problems(evidence):
        raise EvidenceError(one_line(f"{path}: no evidence: {problem}"))
    return evidence


def _problems(evidence: Evidence) -> Iterable[str]:
    run = evidence.run
    yield from _unknown("generation", run.semantics, GENERATIONS)
    yield from _unknown("property", run.properties, matrix_ids())
    yield from _unknown("section", run.without, SECTIONS)
    yield from _unknown("section", evidence.further, FURTHER)
    if not run.semantics or not run.properties:
        yield "nothing was requested"
    judged = [] if isinstance(evidence.matrix, SkippedSection) else evidence.matrix.cells
    found = [] if isinstance(evidence.findings, SkippedSection) else evidence.findings.findings
    entries: list[EvidenceCell | EvidenceFinding] = [*judged, *found]
    for entry in entries:
        yield from _unknown("generation", [entry.semantics], GENERATIONS)
        yield from _unknown("property", [entry.property], parts())
        yield from _unknown("condition", entry.conditions, CONDITIONS)
    for finding in found:
        yield from _unknown("generation", [finding.repaired.semantics] if finding.repaired else [], GENERATIONS)
        yield from _trace_problems(finding)
    questions = [] if isinstance(evidence.findings, SkippedSection) else evidence.findings.answers
    yield from _unknown("question", [q.name for q in questions], QUESTIONS)
    for question in questions:
        yield from _trace_problems(question) if question.trace else ()
    for name, section in evidence.further.items():
        if isinstance(section, Tables) and section.stored is not None and not _is_day(section.stored.day):
            yield f"section {name}: {section.stored.day!r} is no day"
    if not _is_day(evidence.made[:10]):
        yield f"{evidence.made!r} is no moment"
    if not isinstance(evidence.statements, SkippedSection):
        yield from _unknown("statement", [s.id for s in evidence.statements.statements], promises())


def _unknown(kind: str, given: Iterable[str], known: Iterable[str]) -> Iterable[str]:
    there = set(known)
    yield from (f"no {kind} {name!r}" for name in given if name not in there)


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _trace_problems(finding: EvidenceFinding | AnsweredQuestion) -> Iterable[str]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace"
        path.write_bytes(lines_of(finding.trace))
        try:
            traces = [(trace.header.semantics, len(list(trace))) for trace in read_traces(path)]
        except TraceError as error:
            yield f"finding {finding.name}: line {error.line} of its trace: {error.reason}"
            return
    if len(traces) != 1 or traces[0][1] < 2:
        yield f"finding {finding.name}: not one trace with an event after boot"
    else:
        yield from _unknown("generation", [traces[0][0]], GENERATIONS)
