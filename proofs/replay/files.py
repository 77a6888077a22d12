"""Replay of whole files: totals per file, and the trace up to each divergence written as a file."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from proofs.traces import Trace, TraceError, TraceWriter, read_traces
from proofs.traces.text import printable

from .replay import Divergence, TraceResult, replay_trace


class Written(Struct):
    """A divergence, and the file with its trace up to there (none where it could not be written)."""

    divergence: Divergence
    trace_file: str | None


class FileResult(Struct):
    """What the replay of one file gave; of a malformed one, what came before the bad line."""

    file: str
    semantics: list[str] = []
    traces: int = 0
    events: int = 0
    comparisons: int = 0
    divergences: list[Written] = []
    skipped: int = 0
    broken: dict[str, int] = {}
    first_broken: dict[str, str] = {}
    seconds: float = 0.0
    error: str | None = None
    interrupted: bool = False

    def add(self, trace: Trace, result: TraceResult) -> None:
        """Count one trace."""
        self.traces += 1
        if trace.header.semantics not in self.semantics:
            self.semantics.append(trace.header.semantics)
        self.events += result.events
        self.comparisons += result.comparisons
        self.skipped += result.skipped
        for name, count in result.broken.items():
            self.broken[name] = self.broken.get(name, 0) + count
        for name, where in result.first_broken.items():
            self.first_broken.setdefault(name, f"line {trace.first_line}, seed {result.seed}, {where}")


def replay_file(
    path: str,
    *,
    check_locks: bool = False,
    check_properties: bool = True,
    write_to: str | None = None,
    progress: Callable[[int], None] | None = None,
) -> FileResult:
    """Replay every trace of a file. A malformed line ends it: ``error`` says where; what came before counts.

    :param write_to: folder for the traces that diverge; none: they are not written
    :param progress: told the events of each trace
    """
    total = FileResult(printable(path))
    start = time.perf_counter()
    try:
        for trace in read_traces(path):
            result = TraceResult(trace.first_line, trace.header.seed)
            try:
                replay_trace(trace, check_locks=check_locks, check_properties=check_properties, result=result)
            finally:  # what was compared before a bad line, or an interrupt, counts
                total.add(trace, result)
            if result.divergence is not None:
                total.divergences.append(Written(result.divergence, None))
                if write_to is not None:
                    total.divergences[-1].trace_file = _write(trace, result.divergence, Path(write_to))
            if progress is not None:
                progress(result.events)
    except TraceError as error:
        total.error = str(error)
    except OSError as error:
        total.error = (
            f"{printable(str(error.filename or write_to))}: cannot write the trace of a divergence: {error.strerror}"
        )
    except MemoryError:
        total.error = f"{printable(path)}: out of memory behind {total.events:,} events"
    except KeyboardInterrupt:
        total.interrupted = True
    total.seconds = time.perf_counter() - start
    return total


def _write(trace: Trace, divergence: Divergence, folder: Path) -> str:
    stem = Path(trace.path).name.split(".")[0]
    lines = trace.raw[: divergence.event + 2]  # header, then events 0 to that one
    digest = hashlib.sha256(b"".join(lines)).hexdigest()[:8]  # files of one name in two folders stay apart
    path = folder / f"{stem}-line{divergence.line}-{digest}.jsonl"
    folder.mkdir(parents=True, exist_ok=True)
    with TraceWriter(path) as writer:
        writer.raw(lines)
    return printable(str(path))
