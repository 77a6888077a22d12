"""Replay of whole files: totals per file, and the trace up to each divergence written as a file."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import msgspec
from msgspec import Struct

from proofs.adapters.against import AdapterReplay
from proofs.adapters.failure import OutsideFailure
from proofs.adapters.outside import OutsideProgram
from proofs.replay.replay import Divergence, Replay, TraceResult, Wrap
from proofs.traces import Trace, TraceError, TraceWriter, read_traces
from proofs.traces.text import printable


class WrittenDivergence(Struct):
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
    divergences: list[WrittenDivergence] = []
    skipped: int = 0
    not_applicable: dict[str, int] = {}
    broken: dict[str, int] = {}
    first_broken: dict[str, str] = {}
    wraps: list[Wrap] = []
    crashes: list[str] = []
    parted: list[str] = []
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
        for reason, count in result.not_applicable.items():
            self.not_applicable[reason] = self.not_applicable.get(reason, 0) + count
        for name, count in result.broken.items():
            self.broken[name] = self.broken.get(name, 0) + count
        at = f"line {trace.first_line}, seed {result.seed}, "
        self.wraps += result.wraps
        self.crashes += [at + text for text in result.crashes]
        self.parted += [at + result.parted] if result.parted else []
        for name, where in result.first_broken.items():
            self.first_broken.setdefault(name, f"line {trace.first_line}, seed {result.seed}, {where}")


def replay_file(
    path: str,
    *,
    check_locks: bool = False,
    check_properties: bool = True,
    write_to: str | None = None,
    against: Callable[[], OutsideProgram] | None = None,
    c_types: bool = False,
    progress: Callable[[int], None] | None = None,
) -> FileResult:
    """Replay every trace of a file. A malformed line ends it: ``error`` says where; what came before counts.

    Where the reference differs from a trace and the same trace on C's numbers does not, that is a wrap and no
    divergence: the rest of the trace is compared with C's numbers then.

    :param write_to: folder for the traces that diverge; None: they are not written
    :param against: returns the outside program that runs the operations, whose observations are then compared
    :param c_types: compute with numbers that wrap as in C; properties are then not checked
    :param progress: called with the number of events of each trace
    """
    total = FileResult(printable(path))
    start = time.perf_counter()
    try:
        with nullcontext() if against is None else against() as outside:
            for trace in read_traces(path):
                result = TraceResult(trace.first_line, trace.header.seed)
                replay = _replay(trace, outside, result, check_locks, check_properties, c_types)
                try:
                    replay.run()
                finally:  # what was compared before a bad line, or an interrupt, counts
                    total.add(trace, result)
                    if result.divergence is not None:
                        total.divergences.append(WrittenDivergence(result.divergence, None))
                        if write_to is not None:
                            lines = _lines(trace, replay, result.divergence)
                            total.divergences[-1].trace_file = _write(result.divergence, lines, Path(write_to))
                if progress is not None:
                    progress(result.events)
            if outside is not None:
                _end(outside, trace, result, total)
    except TraceError as error:
        total.error = str(error)
    except OutsideFailure as failure:
        total.error = f"{printable(path)}: {failure}"
    except OSError as error:
        total.error = (
            f"{printable(str(error.filename or write_to))}: cannot write the trace of a divergence: {error.strerror}"
        )
    except MemoryError:
        total.error = f"{printable(path)}: out of memory after {total.events:,} events"
    except KeyboardInterrupt:
        total.interrupted = True
    total.seconds = time.perf_counter() - start
    return total


def _replay(
    trace: Trace,
    outside: OutsideProgram | None,
    result: TraceResult,
    check_locks: bool,
    check_properties: bool,
    c_types: bool,
) -> Replay:
    if c_types:
        from proofs.c_typed.replay import CTypedReplay

        return CTypedReplay(trace, result)
    if outside is None:
        from proofs.c_typed.wraps import ReplayWithWraps

        return ReplayWithWraps(trace, result, check_locks=check_locks, check_properties=check_properties)
    return AdapterReplay(trace, outside, result, check_locks=check_locks, check_properties=check_properties)


def _lines(trace: Trace, replay: Replay, divergence: Divergence) -> list[bytes]:
    """The lines of a trace up to its divergence: as they were read or, against a program, as that did it."""
    if isinstance(replay, AdapterReplay):
        header = msgspec.structs.replace(trace.header, source=f"{replay.name}, given {trace.path}:{trace.first_line}")
        return [msgspec.json.encode(line) for line in (header, *replay.done())]
    return trace.raw[: divergence.event + 2]  # the header, then events 0 to that one


def _end(outside: OutsideProgram, last: Trace, result: TraceResult, total: FileResult) -> None:
    """After all traces, check that the program ends properly and that it was sent at least one event."""
    try:
        outside.stop()
    except OutsideFailure as failure:
        where = Divergence(
            total.file, last.first_line, result.seed, result.events, "end", "answer", "none", str(failure)
        )
        total.divergences.append(WrittenDivergence(where, None))
    if total.events == 0 and not total.divergences:
        total.error = f"{total.file}: no event was sent to the program: {'; '.join(total.not_applicable)}"


def _write(divergence: Divergence, lines: list[bytes], folder: Path) -> str:
    stem = Path(divergence.file).name.split(".")[0]
    digest = hashlib.sha256(b"".join(lines)).hexdigest()[:8]  # files of one name in two folders stay apart
    path = folder / f"{stem}-line{divergence.line}-{digest}.jsonl"
    folder.mkdir(parents=True, exist_ok=True)
    with TraceWriter(path) as writer:
        writer.raw(lines)
    return printable(str(path))
