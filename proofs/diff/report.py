"""Results as rows of a table."""

from __future__ import annotations

from collections.abc import Sequence

from proofs.prover.verdict import Verdict

from .run import OperationResult


def by_operation(rows: Sequence[OperationResult]) -> list[tuple[str, ...]]:
    """One row per operation, over all sizes and generations."""
    names = dict.fromkeys(row.operation for row in rows)
    return [_line(name, [row for row in rows if row.operation == name]) for name in names]


def by_generation_and_size(rows: Sequence[OperationResult]) -> list[tuple[str, ...]]:
    """One row per generation: paths, queries and seconds for every size."""
    sizes = list(dict.fromkeys(row.size for row in rows))
    found = []
    for name in dict.fromkeys(row.semantics for row in rows):
        cells = []
        for size in sizes:
            here = [row for row in rows if row.semantics == name and row.size == size]
            paths, queries = sum(row.paths for row in here), sum(row.queries for row in here)
            cells.append(f"{paths:,} / {queries:,} / {sum(row.seconds for row in here):.1f}")
        applicable = [row for row in rows if row.semantics == name and row.verdict is not Verdict.NOT_APPLICABLE]
        found.append((name, str(len({row.operation for row in applicable})), *cells, _verdict(applicable)))
    return found


def _line(name: str, rows: Sequence[OperationResult]) -> tuple[str, ...]:
    applicable = [row for row in rows if row.verdict is not Verdict.NOT_APPLICABLE]
    sums = [sum(getattr(row, field) for row in applicable) for field in ("plans", "by_symmetry", "paths", "queries")]
    return (
        name,
        " ".join(dict.fromkeys(row.size for row in rows)),
        str(len({row.semantics for row in applicable})),
        *(f"{number:,}" for number in sums),
        f"{sum(row.seconds for row in applicable):.1f}",
        _verdict(applicable),
    )


def _verdict(rows: Sequence[OperationResult]) -> str:
    """The worst verdict: a difference is worse than unknown."""
    found = {row.verdict for row in rows}
    for verdict in (Verdict.REFUTED, Verdict.UNKNOWN, Verdict.PROVED):
        if verdict in found:
            return str(verdict.value)
    return str(Verdict.NOT_APPLICABLE.value)
