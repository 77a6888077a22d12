"""Checks that every mistake in the source of the reference is found, and with which input."""

from __future__ import annotations

from proofs.mistakes.edits import Edit
from proofs.mistakes.planted import edited, planted

from .run import OperationResult, Space, Task, row, work
from .world import Size

SIZES = (Size(1, 1), Size(2, 2), Size(3, 2))
"""Sizes of hosts, in the order in which they are tried."""


def found(mistake: Edit) -> OperationResult | None:
    """The row that refutes the reference with the mistake, on the smallest host; None: no host shows it."""
    with edited(mistake):
        for size in SIZES:
            result = row(Space(size), mistake.semantics, mistake.operation)
            if result.difference is not None:
                return result
    return None


def work_with(mistake: str, task: Task) -> list[OperationResult]:
    """The rows of a task on a reference with the mistake of that name."""
    with planted(mistake):
        return work(task)
