"""The section "diff": every path of the reference, on unknown counters, held against the model."""

from __future__ import annotations

import time
from collections.abc import Sequence

from model.named import GENERATIONS
from proofs.diff.operations import OPERATIONS
from proofs.diff.run import SIZES, OperationResult, ordered, tasks, work
from proofs.diff.world import Size
from proofs.evidence.kept import PartedSection
from proofs.evidence.request import EvidenceRequest
from proofs.evidence.structure import EvidenceTable, SkippedSection, Tables
from proofs.parallel import in_processes
from proofs.prover.verdict import Verdict

NAME = "diff"


def collected(request: EvidenceRequest) -> Tables | SkippedSection:
    """All operations of the requested generations, as `claimcheck diff` does it. Ctrl-C raises KeyboardInterrupt."""
    if not request.semantics:
        return SkippedSection("no generation was requested")
    return SECTION.collected(request)


def _on(sizes: Sequence[Size], request: EvidenceRequest) -> Tables:
    started = time.perf_counter()
    asked = tasks(request.semantics, list(OPERATIONS), sizes)
    rows: list[OperationResult] = []
    for done, (_, found) in enumerate(in_processes(work, asked, request.jobs), 1):
        rows += found
        request.progress(NAME, done, len(asked))
    if len(rows) < sum(len(task.semantics) for task in asked):
        raise KeyboardInterrupt
    section = as_tables(ordered(rows))
    section.seconds = time.perf_counter() - started
    return section


SMALLEST = SIZES[0]
SECTION = PartedSection(
    name=NAME,
    part_is=f"every operation of every generation on a host of {SMALLEST}",
    is_all=lambda request: request.semantics == list(GENERATIONS),
    whole=lambda request: _on(SIZES, request),
    part=lambda request: _on([SMALLEST], request),
)


def as_tables(rows: Sequence[OperationResult]) -> Tables:
    """Operations, generations, and by name what is not proved."""
    rows = [row for row in rows if row.verdict is not Verdict.NOT_APPLICABLE]
    sizes = ", ".join(dict.fromkeys(row.size for row in rows))
    by_operation = _table("Operations", "operation", "generations", [(r.operation, r.semantics, r) for r in rows])
    by_operation.note = (
        f"On hosts of {sizes} (nodes x domains), any state and arguments: {sum(row.paths for row in rows):,} paths."
        " Proved, of generations and hosts: each path ends as the model says, and together they are for every input."
        " By exchange: ways to ask that are another's with two domains exchanged."
    )
    by_generation = _table("Generations", "generation", "operations", [(r.semantics, r.operation, r) for r in rows])
    rest = [[f"{r.semantics} {r.operation} {r.size}", r.verdict.value, _why(r)] for r in rows if not _proved(r)]
    named = [EvidenceTable("Not proved", ["operation", "verdict", "why"], rest)] if rest else []
    return Tables(tables=[by_operation, by_generation, *named], ok=not rest)


def _proved(row: OperationResult) -> bool:
    return row.verdict is Verdict.PROVED


def _why(row: OperationResult) -> str:
    """The input for which it differs, or why it is not known."""
    if row.difference is None:
        return row.reason
    asked = ", ".join(f"{name}={value}" for name, value in row.difference.arguments.items())
    return f"{row.difference.how}: {asked}; the reference answers {row.difference.reference}"


def _table(name: str, by: str, over: str, rows: Sequence[tuple[str, str, OperationResult]]) -> EvidenceTable:
    """Sums by name. Questions and seconds differ from run to run."""
    groups: dict[str, list[tuple[str, OperationResult]]] = {}
    for key, other, row in rows:
        groups.setdefault(key, []).append((other, row))
    verdicts = [verdict.value for verdict in Verdict]
    return EvidenceTable(
        name=f"{name}, path by path",
        columns=[by, over, "ways to ask", "by exchange", "paths", *verdicts[:3]],
        rows=[
            [
                key,
                str(len({other for other, _ in group})),
                *(f"{sum(getattr(row, n) for _, row in group):,}" for n in ("plans", "by_symmetry", "paths")),
                *(str(sum(row.verdict.value == verdict for _, row in group)) for verdict in verdicts[:3]),
            ]
            for key, group in groups.items()
        ],
        seconds={key: sum(row.seconds for _, row in group) for key, group in groups.items()},
        questions={key: sum(row.queries for _, row in group) for key, group in groups.items()},
    )
