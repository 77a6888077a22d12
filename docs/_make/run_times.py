"""What a run of the matrix took: by the clock, and of processor time, its own and that of the processes it had."""

import os
import resource
import time
from collections.abc import Iterable

from docs._make.blocks import table
from proofs.matrix.cells import CellVerdict


class Clock:
    """Notes what each part of a run took since the part before ended."""

    def __init__(self) -> None:
        self.busy = os.getloadavg()[0]
        """Processes that wanted a processor when the run began."""
        self.parts: list[tuple[str, float, float]] = []
        """Name, seconds by the clock, seconds of processor time."""
        self._last = _now()

    def took(self, name: str) -> None:
        """The part that ends here."""
        now = _now()
        self.parts.append((name, now[0] - self._last[0], now[1] - self._last[1]))
        self._last = now

    def whole(self) -> tuple[float, float]:
        """All parts together."""
        return sum(part[1] for part in self.parts), sum(part[2] for part in self.parts)


def _now() -> tuple[float, float]:
    """The clock, and the processor time of this process and of those that have ended."""
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return time.perf_counter(), sum(usage.ru_utime + usage.ru_stime for usage in spent)


def slowest_search(cells: Iterable[CellVerdict]) -> CellVerdict:
    """The row whose search took most processor time."""
    return max(cells, key=lambda cell: cell.cpu)


def written(clock: Clock, cells: list[CellVerdict], jobs: int) -> str:
    """For the document."""
    parts = [*clock.parts, ("total", *clock.whole())]
    body = [[name, f"{by_clock:.0f} s", f"{processor:.0f} s"] for name, by_clock, processor in parts]
    slowest, searched = slowest_search(cells), sum(cell.cpu > 0 for cell in cells)
    conditions = f" if {' and '.join(slowest.row.conditions)}" if slowest.row.conditions else ""
    return (
        f"{table(['part of the run', 'time by the clock', 'processor time'], body)}\n\n"
        f"The run used {jobs} processes and no earlier results; load average at its start: {clock.busy:.1f}. The"
        f" slowest of {searched} searches, with the rows that share it, took {slowest.cpu:.1f} s of processor time"
        f" (`{slowest.semantics}`, `{slowest.row.part}`{conditions})."
    )
