"""What a review found."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from proofs.diff.run import OperationResult
from proofs.explain.source import RuleChange
from proofs.matrix.cells import CellVerdict
from proofs.matrix.difference import GenerationDifference
from proofs.prover.verdict import Verdict
from proofs.review.lock_costs import LockChange


class Direction(Enum):
    """What a change of a verdict means for those who rely on it."""

    WORSE = "worse"
    UNKNOWN = "unknown"
    BETTER = "better"
    OTHER = "other"
    """The statement applies to one of the two generations only."""


@dataclass
class VerdictChange:
    """A row of the matrix on which the two generations have different verdicts."""

    row: str
    before: str
    after: str
    direction: Direction
    reason: str = ""
    """Of unknown: why."""
    trace: str = ""
    """Of refuted: a shortest trace, as lines of a file."""
    violated: list[str] = field(default_factory=list)
    """Of refuted: what does not hold after it, with the numbers."""


@dataclass
class Review:
    """Rules from a file against the generation that they are based on."""

    path: str
    """The file."""
    name: str
    base: str
    summary: str
    rules: list[RuleChange]
    """The rules of the model that differ."""
    reference: list[str]
    """The class of the reference: its source."""
    base_judged: str
    """When the verdicts of the base were found; empty: in this run."""
    halves: list[OperationResult] = field(default_factory=list)
    """The reference's half against the model's, one operation on hosts of one size each."""
    cells: list[CellVerdict] = field(default_factory=list)
    """The verdicts on the rules of the file."""
    changes: list[VerdictChange] = field(default_factory=list)
    difference: GenerationDifference | None = None
    """Where the reference first behaves differently from the base; None: not searched."""
    behaviour: str = ""
    """The trace of that difference on the base and on these rules, as lines of a file."""
    like_base: list[OperationResult] = field(default_factory=list)
    """Where that search found nothing: the reference's half against the model of the base."""
    locks: list[LockChange] = field(default_factory=list)
    identical: bool = False
    """Both halves are those of the base, but for the name: nothing was to be judged."""
    missing: list[str] = field(default_factory=list)
    """What was not done before Ctrl-C."""
    kept: int = 0
    """Rows that needed no judging: the trace of the base refutes them here too, or the model's half is the base's."""
    model_unchanged: bool = False
    """The model's half is that of the base, but for the name."""
    seconds: float = 0.0
    processor_seconds: float = 0.0
    """Of the parts, on all processors together."""
    stored: str = ""
    """The day of the run that this was found in; empty: it is of this run."""

    def of_direction(self, direction: Direction) -> list[VerdictChange]:
        """The changes of that kind."""
        return [change for change in self.changes if change.direction is direction]

    def disagreements(self) -> list[OperationResult]:
        """Operations in which the halves differ, each on the smallest hosts that show it."""
        found: dict[str, OperationResult] = {}
        for row in self.halves:
            if row.verdict is Verdict.REFUTED:
                found.setdefault(row.operation, row)
        return list(found.values())

    def undecided(self) -> list[OperationResult]:
        """Comparisons of the halves that the solver did not decide."""
        return [row for row in self.halves if row.verdict is Verdict.UNKNOWN]

    def same_on_any_counters(self) -> bool:
        """The reference's half does what the model of the base says, on every path of every operation."""
        return bool(self.like_base) and all(row.verdict in PASSED for row in self.like_base)

    def is_unchanged(self) -> bool:
        """Nothing was found in which the rules differ from those of the base, and nothing was left out."""
        return self.identical or (
            not self.changes
            and not self.missing
            and not self.disagreements()
            and not self.undecided()
            and not self.locks
            and self.same_on_any_counters()
        )


PASSED = (Verdict.PROVED, Verdict.NOT_APPLICABLE)
