"""Replay of whole files: totals per file, and the trace up to each divergence written as a file."""

from __future__ import annotations

import hashlib
import runpy
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from proofs.adapters.against import AdapterReplay
from proofs.adapters.failure import OutsideFailure
from proofs.adapters.outside import OutsideProgram
from proofs.replay.log import LogError, Parser, read_log, written
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
    not_observed: int = 0
    divergences: list[WrittenDivergence] = []
    skipped: int = 0
    not_applicable: dict[str, int] = {}
    broken: dict[str, int] = {}
    first_broken: dict[str, str] = {}
    wraps: list[Wrap] = []
    unread: int = 0
    """Of a log: lines of which its reader makes nothing."""
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
        self.not_observed += result.not_observed
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


def replay_log(path: str, *, reader: str, **options: Any) -> FileResult:
    """Replay a log, which the `parse` of a Python file turns into events.

    :param reader: the Python file: `parse`, and `HEADER` if `parse` does not return the header
    :param options: those of :func:`replay_file`
    """
    try:
        content = Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
        parse, header = reader_of(reader)
        log = read_log(content, parse, header, path)
        with written(log) as trace:
            found = replay_file(str(trace), **options)
    except OSError as error:
        return FileResult(printable(path), error=f"{printable(path)}: {error.strerror or error}")
    except LogError as error:
        return FileResult(printable(path), error=str(error))
    if found.error is not None:
        where, _, reason = found.error.removeprefix(f"{printable(str(trace))}:").partition(": ")
        number = log.line_of(int(where)) if where.isdecimal() else 0
        found.error = str(LogError(path, number, reason or found.error))
    found.file = printable(path)
    found.unread = log.unread
    for one in found.divergences:
        line = log.line_of(one.divergence.line)
        one.divergence = msgspec.structs.replace(one.divergence, file=found.file, line=line)
    return found


def reader_of(path: str) -> tuple[Parser, Mapping[str, Any] | None]:
    """The `parse` of a Python file, and its `HEADER`.

    :raises LogError: the file cannot be run, or has no `parse`
    """
    try:
        names = runpy.run_path(path)
    except OSError as error:
        raise LogError(path, 0, error.strerror or str(error)) from None
    except Exception as error:  # of a program that is not ours
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
        line = (error.lineno if isinstance(error, SyntaxError) else frames[-1].lineno if frames else 0) or 0
        raise LogError(path, line, f"{type(error).__name__}: {error}") from None
    if not callable(names.get("parse")):
        raise LogError(path, 0, "has no function `parse`, which says what a line of the log means")
    return names["parse"], names.get("HEADER")


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
