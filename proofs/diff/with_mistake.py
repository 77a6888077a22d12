"""Work on a reference with a deliberate mistake, in a process of its own."""

from __future__ import annotations

from .mistakes import MISTAKES, planted
from .run import OperationResult, Task, work


def work_with(mistake: str, task: Task) -> list[OperationResult]:
    """The rows of a task, with the mistake of that name."""
    (found,) = (m for m in MISTAKES if m.name == mistake)
    with planted(found):
        return work(task)
