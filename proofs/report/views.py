"""The evidence arranged as the pages of the report show it; nothing is decided here."""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from model.named import GENERATIONS
from model.properties import PROPERTIES
from proofs.evidence.parts import about
from proofs.evidence.repaired import following, played
from proofs.evidence.replayed import lines_of
from proofs.evidence.structure import (
    AnsweredQuestion,
    Evidence,
    EvidenceCell,
    EvidenceFinding,
    EvidenceTable,
    Proof,
    SkippedSection,
)
from proofs.explain.compact import compact_timeline
from proofs.explain.stage import Scene
from proofs.matrix.rows import DESIGN, MatrixRow, rows
from proofs.obligations.obligation import AUXILIARY, Obligation
from proofs.prover.report import NOT_REFUTED
from proofs.refinement.premises import in_words as premises_in_words
from proofs.refinement.premises import notes
from proofs.report.designs import is_promise, ordered, restored_by
from proofs.report.sentences import KINDS, claim, kind, mark, sentence
from proofs.traces import TraceError, read_traces


@dataclass(frozen=True)
class CellView:
    """A cell as the matrix shows it."""

    cell: EvidenceCell
    mark: str
    kind: str
    sentence: str


@dataclass
class RowView:
    """A row of the matrix."""

    row: MatrixRow
    sentence: str
    cells: list[CellView | None]

    @property
    def notes(self) -> list[str]:
        """The premises, where calls are compared."""
        return notes((m.cell.property, m.cell.semantics) for m in self.cells if m and m.kind not in ("none", "unknown"))

    @property
    def id(self) -> str:
        """Of the property."""
        return about(self.row.part).id

    @property
    def folded(self) -> str:
        """Why the row is folded at first: it is no promise, or has conditions. Empty if it is shown."""
        if not is_promise(self.row.part):
            return "superpages"
        return "conditions" if self.row.conditions else ""


def matrix_lines(evidence: Evidence) -> list[RowView]:
    """The rows that any generation has; an empty place means: holds without the condition."""
    assert not isinstance(evidence.matrix, SkippedSection)
    placed = {(c.semantics, MatrixRow(c.property, tuple(c.conditions))): c for c in evidence.matrix.cells}
    of = {name: [c for c in evidence.matrix.cells if c.semantics == name] for name in evidence.run.semantics}

    def marked(cell: EvidenceCell) -> CellView:
        fails = kind(cell) == "refuted" and not cell.conditions
        text = sentence(cell, restored_by(cell, of[cell.semantics]) if fails else None)
        return CellView(cell, mark(cell), kind(cell), text)

    found = []
    for row in rows():
        cells = [placed.get((name, row)) for name in ordered(evidence.run.semantics)]
        present = [cell for cell in cells if cell is not None]
        if present:
            found.append(RowView(row, claim(present[0]), [None if c is None else marked(c) for c in cells]))
    return found


def counts(evidence: Evidence, semantics: str) -> dict[str, int]:
    """Verdicts on the promises of a generation by kind, without conditions."""
    assert not isinstance(evidence.matrix, SkippedSection)
    cells = [c for c in evidence.matrix.cells if c.semantics == semantics]
    found = Counter(kind(c) for c in cells if is_promise(c.property) and not c.conditions)
    return {name: found[name] for name in KINDS}


def generations(evidence: Evidence) -> list[tuple[str, str]]:
    """Name and summary of the generations of the run, the live designs first."""
    return [(name, GENERATIONS[name].rules.summary) for name in ordered(evidence.run.semantics)]


@dataclass
class FindingView:
    """A finding, with what the reference shows of it and of the same events where they do no harm."""

    finding: EvidenceFinding
    here: list[Scene]
    there: list[Scene]

    @property
    def row(self) -> MatrixRow:
        """Of the matrix."""
        return MatrixRow(self.finding.property, tuple(self.finding.conditions))

    @property
    def sentence(self) -> str:
        """What it is that does not hold."""
        return about(self.finding.property).sentence

    @property
    def broken(self) -> list[str]:
        """What is wrong after the last event: the crash, or the violated inequality."""
        if self.here[-1].crash:
            return [f"the host stops: {self.here[-1].crash}"]
        return self.finding.broken or self.finding.reference

    @property
    def data(self) -> dict[str, Any]:
        """For the timeline."""
        found = self.finding
        sides = [{"semantics": found.semantics, "scenes": self.here}]
        if found.repaired is not None:
            sides.append({"semantics": found.repaired.semantics, "scenes": self.there})
        return {"broken": self.broken, "sides": sides}


def findings(evidence: Evidence) -> list[FindingView]:
    """Every finding, played on the reference."""
    assert not isinstance(evidence.findings, SkippedSection)
    found = []
    for finding in evidence.findings.findings:
        there = [] if finding.repaired is None else played(finding, finding.repaired.semantics)
        found.append(FindingView(finding, played(finding, finding.semantics), there))
    return found


def in_words(answer: AnsweredQuestion) -> str:
    """The trace of a question as a timeline; what cannot be read is not shown."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.jsonl"
        path.write_bytes(lines_of(answer.trace))
        try:
            return "\n".join(compact_timeline(trace) for trace in read_traces(path))
        except TraceError as error:
            return f"line {error.line}: {error.reason}"


def newest(evidence: Evidence) -> list[EvidenceFinding]:
    """The refutations of the design, and of the generations that follow it."""
    names = (DESIGN, *following(DESIGN))
    found = [] if isinstance(evidence.findings, SkippedSection) else evidence.findings.findings
    return [finding for finding in found if finding.semantics in names]


def seeds(evidence: Evidence) -> str:
    """The seeds of the run: one number where all are the same."""
    found = {name.partition(":")[0]: value for name, value in evidence.run.limits.items() if name.endswith(": seed")}
    if len(set(found.values())) == 1:
        return f"seed {next(iter(found.values()))} everywhere"
    return "seeds " + ", ".join(f"{value} ({name})" for name, value in found.items())


@dataclass
class Group:
    """The obligations about one property, with or without its conditions."""

    name: str
    conditions: str
    sentence: str
    claimed: bool
    verdict: str
    results: list[Proof] = field(default_factory=list)

    @property
    def premises(self) -> tuple[str, ...]:
        """Of calls that are compared."""
        return premises_in_words(self.name, DESIGN)

    @property
    def seconds(self) -> float:
        """All of them together."""
        return sum(result.seconds for result in self.results)

    @property
    def needs(self) -> list[str]:
        """The invariants in the proofs, in addition to the property itself."""
        used = {a.removeprefix("invariant:") for r in self.results for a in r.assumptions if a.startswith("invariant:")}
        return sorted(used - {self.name})


def groups(evidence: Evidence) -> list[Group]:
    """The obligations by property, in order."""
    assert not isinstance(evidence.obligations, SkippedSection)
    found: dict[tuple[str, bool], Group] = {}
    for result in evidence.obligations.results:
        family, prop = result.name.split("/")[:2]
        name, *conditions = [family] if family in AUXILIARY else prop.split("+")
        key = (name, result.claimed)
        if key not in found:
            said = PROPERTIES[name].sentence if name in PROPERTIES else _AUXILIARY[name]
            found[key] = Group(name, " and ".join(conditions), said, result.claimed, "")
        found[key].results.append(result)
    for group in found.values():
        verdicts = {result.verdict for result in group.results}
        group.verdict = next(v for v in ("refuted", "unknown", "proved") if v in verdicts)
        if group.verdict == "proved" and not group.claimed:
            group.verdict = NOT_REFUTED
    return list(found.values())


_AUXILIARY = {
    "lemma": "What is known of sums, by induction.",
    "section": "On its premises each critical section is accepted, refused, or stops the host.",
    "abstraction": "Sets by node are lists of entries, and any node that serves is the first of some order.",
    "views": "Each transition and the calls that stand for it are possible in the same cases, and do the same.",
    "loop": "The loops of the C code compute the closed forms of the model.",
}


def meanings(obligations: list[Obligation]) -> dict[str, str]:
    """What a proof of each says."""
    return {obligation.name: obligation.meaning()[0] for obligation in obligations}


def number(text: str) -> float:
    """The number that a cell of a table begins with; an empty cell is nothing.

    :raises ValueError: it begins with none
    """
    return float(text.split(maxsplit=1)[0].replace(",", "").rstrip("%")) if text else 0.0


def rate(table: EvidenceTable, row: list[str]) -> str:
    """The row's count by the second; empty where its time is not known."""
    seconds = table.seconds.get(row[0], 0.0)
    return f"{number(row[table.columns.index(table.rate)]) / seconds:,.0f}" if seconds else ""


def as_json(value: Any) -> str:
    """JSON that can stand in a script element."""
    return msgspec.json.encode(value).decode().replace("<", "\\u003c")
