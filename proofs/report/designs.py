"""The live designs, each in one sentence: what holds for any host, what fails, and on which condition it would hold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from model.named import GENERATIONS
from model.properties import PROPERTIES
from model.properties.conditions import CONDITIONS
from proofs.evidence.structure import Evidence, EvidenceCell, SkippedSection
from proofs.matrix.other_rows import OTHER_ROWS
from proofs.report.sentences import kind
from proofs.search.row_verdict import ANY_HOST

LIVE = ("claim-sets", "claim-sets-v7", "per-node-v8", "mainline-4.22")
"""The designs that are under review, and what they would replace."""


def ordered(names: Iterable[str]) -> list[str]:
    """The live designs first; the others keep their order."""
    given = list(names)
    return [name for name in LIVE if name in given] + [name for name in given if name not in LIVE]


def is_promise(part: str) -> bool:
    """Whether a design promises it: no supporting invariant, and no superpages, which no design promises."""
    return OTHER_ROWS[part].promised if part in OTHER_ROWS else not PROPERTIES[part].support


def restored_by(cell: EvidenceCell, cells: Iterable[EvidenceCell]) -> EvidenceCell | None:
    """Of a promise that fails: the proof of it on the fewest conditions. A proof for any host is preferred."""
    proofs = [c for c in cells if c.property == cell.property and c.conditions and kind(c) in ("proved", "bounded")]
    return min(proofs, key=lambda c: (kind(c) != "proved", len(c.conditions)), default=None)


@dataclass(frozen=True)
class FailingPromises:
    """Promises that fail, and hold on the same conditions; no conditions: they fail on all that were tried."""

    conditions: tuple[str, ...]
    hosts: str
    """Which hosts the proof on the conditions is for, if not for any."""
    cells: list[EvidenceCell]

    @property
    def shortest(self) -> EvidenceCell:
        """The promise that the fewest events break."""
        return min(self.cells, key=lambda cell: cell.events or 0)

    @property
    def text(self) -> str:
        """How many promises, and on which condition they hold."""
        if not self.conditions:
            return f"{len(self.cells)} on every condition that was tried"
        hosts = f" (then for {self.hosts})" if self.hosts else ""
        return f"{len(self.cells)} unless {' and '.join(self.conditions)}{hosts}"

    @property
    def about(self) -> str:
        """The promises by name, and the conditions as sentences."""
        words = "; ".join(CONDITIONS[name].sentence for name in self.conditions)
        return ", ".join(cell.property for cell in self.cells) + (f". On condition: {words}" if words else "")


@dataclass
class DesignSummary:
    """What is known about the promises that apply to one design."""

    name: str
    promises: int = 0
    any_host: int = 0
    bounded: int = 0
    unknown: list[str] = field(default_factory=list)
    failing: list[FailingPromises] = field(default_factory=list)

    @property
    def posted(self) -> str:
        """When the design was posted or merged."""
        return GENERATIONS[self.name].posted

    @property
    def failures(self) -> int:
        """How many promises fail."""
        return sum(len(group.cells) for group in self.failing)

    @property
    def beginning(self) -> str:
        """What holds, and how many promises fail."""
        if self.any_host == self.promises:
            return f"All {self.promises} promises hold for any host"
        parts = [f"{self.any_host} of {self.promises} promises hold for any host"]
        if self.bounded:
            parts.append(f"{self.bounded} more for at most 4 nodes and 4 domains")
        if self.unknown:
            parts.append(f"{len(self.unknown)} {'is' if len(self.unknown) == 1 else 'are'} unknown")
        if self.failing:
            parts.append(f"{self.failures} fail{'s' if self.failures == 1 else ''}: ")
        return ", and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else parts[0]

    @property
    def sentence(self) -> str:
        """All of it without links."""
        parts = [f"{group.text} ({events(group.shortest)})" for group in self.failing]
        return f"{self.beginning}{', '.join(parts)}."


def events(cell: EvidenceCell) -> str:
    """The length of the trace that refutes a cell."""
    return f"{cell.events} event{'' if cell.events == 1 else 's'}"


def summaries(evidence: Evidence) -> list[DesignSummary]:
    """Every live design of the run."""
    if isinstance(evidence.matrix, SkippedSection):
        return []
    return [_summary(name, evidence.matrix.cells) for name in ordered(evidence.run.semantics) if name in LIVE]


def _summary(name: str, cells: list[EvidenceCell]) -> DesignSummary:
    here = [cell for cell in cells if cell.semantics == name]
    found = DesignSummary(name)
    groups: dict[tuple[tuple[str, ...], str], list[EvidenceCell]] = {}
    for cell in here:
        verdict = kind(cell)
        if cell.conditions or not is_promise(cell.property) or verdict == "none":
            continue
        found.promises += 1
        found.any_host += verdict == "proved"
        found.bounded += verdict == "bounded"
        if verdict == "unknown":
            found.unknown.append(cell.property)
        if verdict == "refuted":
            proof = restored_by(cell, here)
            conditions, hosts = ((), "") if proof is None else (tuple(proof.conditions), proof.hosts)
            groups.setdefault((conditions, "" if hosts == ANY_HOST else hosts), []).append(cell)
    found.failing = [FailingPromises(*key, group) for key, group in groups.items()]
    found.failing.sort(key=lambda group: (not group.conditions, -len(group.cells)))
    return found
