"""The evidence arranged as the pages of the report show it; nothing is decided here."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import msgspec

from model.named import GENERATIONS
from model.properties import PROPERTIES
from proofs.evidence.collect import CORE
from proofs.evidence.parts import about
from proofs.evidence.repaired import following, played
from proofs.evidence.structure import Evidence, EvidenceCell, EvidenceFinding, EvidenceTable, NotRun, Proof
from proofs.explain.stage import Scene
from proofs.matrix.rows import DESIGN, MatrixRow, rows
from proofs.obligations.obligation import AUXILIARY, Obligation
from proofs.report.sentences import KINDS, claim, kind, mark, sentence


@dataclass(frozen=True)
class Marked:
    """A cell as the matrix shows it."""

    cell: EvidenceCell
    mark: str
    kind: str
    sentence: str


@dataclass
class Line:
    """A row of the matrix."""

    row: MatrixRow
    sentence: str
    cells: list[Marked | None]

    @property
    def id(self) -> str:
        """Of the property."""
        return about(self.row.part).id


def matrix_lines(evidence: Evidence) -> list[Line]:
    """The rows that any generation has; an empty place means: holds without the condition."""
    assert not isinstance(evidence.matrix, NotRun)
    placed = {(c.semantics, MatrixRow(c.property, tuple(c.conditions))): c for c in evidence.matrix.cells}
    found = []
    for row in rows():
        cells = [placed.get((name, row)) for name in evidence.run.semantics]
        present = [cell for cell in cells if cell is not None]
        if present:
            shown = [None if c is None else Marked(c, mark(c), kind(c), sentence(c)) for c in cells]
            found.append(Line(row, claim(present[0]), shown))
    return found


def counts(evidence: Evidence, semantics: str | None = None) -> dict[str, int]:
    """Verdicts by kind, of a generation or of all."""
    assert not isinstance(evidence.matrix, NotRun)
    found = Counter(kind(c) for c in evidence.matrix.cells if semantics in (None, c.semantics))
    return {name: found[name] for name in KINDS}


def promised(evidence: Evidence) -> dict[str, int]:
    """Verdicts by kind, of what the design itself promises."""
    assert not isinstance(evidence.matrix, NotRun)
    found = Counter(kind(c) for c in evidence.matrix.cells if c.promised)
    return {name: found[name] for name in KINDS}


def generations(evidence: Evidence) -> list[tuple[str, str]]:
    """Name and summary of the generations of the run."""
    return [(name, GENERATIONS[name].rules.summary) for name in evidence.run.semantics]


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
        """What is wrong after the last event: the crash, or the sum that breaks."""
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
    assert not isinstance(evidence.findings, NotRun)
    found = []
    for finding in evidence.findings.findings:
        there = [] if finding.repaired is None else played(finding, finding.repaired.semantics)
        found.append(FindingView(finding, played(finding, finding.semantics), there))
    return found


def newest(evidence: Evidence) -> list[EvidenceFinding]:
    """The refutations of the design, and of the generations that follow it."""
    names = (DESIGN, *following(DESIGN))
    found = [] if isinstance(evidence.findings, NotRun) else evidence.findings.findings
    return [finding for finding in found if finding.semantics in names]


def seeds(evidence: Evidence) -> str:
    """The seeds of the run: one number where all are the same."""
    found = {name.partition(":")[0]: value for name, value in evidence.run.limits.items() if name.endswith(": seed")}
    if len(set(found.values())) == 1:
        return f"seed {next(iter(found.values()))} everywhere"
    return "seeds " + ", ".join(f"{value} ({name})" for name, value in found.items())


def took(evidence: Evidence) -> str:
    """The time of all sections together, in words; a part of a run says of what."""
    sections = [*(getattr(evidence, name) for name in CORE), *evidence.further.values()]
    seconds = sum(section.seconds for section in sections if not isinstance(section, NotRun))
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


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
    def seconds(self) -> float:
        """All of them together."""
        return sum(result.seconds for result in self.results)

    @property
    def needs(self) -> list[str]:
        """The invariants in the proofs, beside the property itself."""
        used = {a.removeprefix("invariant:") for r in self.results for a in r.assumptions if a.startswith("invariant:")}
        return sorted(used - {self.name})


def groups(evidence: Evidence) -> list[Group]:
    """The obligations by property, in order."""
    assert not isinstance(evidence.obligations, NotRun)
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
    return list(found.values())


_AUXILIARY = {
    "lemma": "What is known of sums, by induction.",
    "section": "On its premises each critical section is accepted, refused, or stops the host.",
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
