"""A trace of a finding, replayed like a recording: every result and every counter compared."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from proofs.c_typed.wraps import ReplayWithWraps
from proofs.evidence.structure import ReplayedTrace
from proofs.replay.replay import TraceResult
from proofs.traces import TraceError, read_traces


def lines_of(trace: Iterable[dict[str, Any]]) -> bytes:
    """The trace as a file has it."""
    return b"".join(msgspec.json.encode(line) + b"\n" for line in trace)


def replayed(lines: bytes) -> ReplayedTrace:
    """What the reference does with one trace; what is malformed, or cannot be done, is a divergence too.

    Where a counter wraps in C, the trace has C's number, and so has the replay.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.jsonl"
        path.write_bytes(lines)
        result = TraceResult(0, 0)
        try:
            for trace in read_traces(path):
                ReplayWithWraps(trace, result, check_locks=True, check_properties=True).run()
        except TraceError as error:
            return ReplayedTrace(result.events, result.comparisons, f"line {error.line}: {error.reason}", result.broken)
    wrong = result.divergence
    text = "" if wrong is None else f"event {wrong.event} {wrong.op}: {wrong.field}: {wrong.expected}, {wrong.observed}"
    return ReplayedTrace(result.events, result.comparisons, text, result.broken)
