"""Replay of your own log: a function turns each of its lines into events and partial observations.

>>> from proofs.replay.log import replay_lines
>>> def parse(line):
...     name, *numbers = line.split()
...     if name == "start":
...         return {"op": "create_domain", "domid": int(numbers[0]), "max_pages": 4, "node_affinity": [0]}
...     if name == "free":
...         return {"state": {"total_avail_pages": int(numbers[0])}}
>>> header = {"semantics": "claim-sets", "host": {"nodes": [8]}}
>>> result = replay_lines(["start 1", "free 8", "# a remark"], parse, header)
>>> result.events, result.comparisons, result.divergence
(2, 1, None)
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from proofs.traces import TraceError, read_traces
from proofs.traces.events import FORMAT_2, least_span
from proofs.traces.partial import PartialState
from proofs.traces.reader import partial_shape_problem
from proofs.traces.text import one_line, printable

from .replay import TraceResult, replay_trace

Parser = Callable[[str], Mapping[str, Any] | Iterable[Mapping[str, Any]] | None]
"""What a line says: an event (`op`), what was observed after the last one (`state`), several of these, or nothing."""


class LogError(Exception):
    """A log that cannot be read as events: file, line, reason."""

    def __init__(self, name: str, line: int, reason: str) -> None:
        where = f"{printable(name)}:{line}" if line else printable(name)
        super().__init__(f"{where}: {one_line(reason)}")


@dataclass
class ReadLog:
    """A log as a trace."""

    name: str
    header: dict[str, Any]
    events: list[dict[str, Any]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    """The line of the log that each event is from; what was observed after it is on later lines."""
    unread: int = 0
    """Lines of which the parser makes nothing."""

    def written(self) -> bytes:
        """The lines of a trace file."""
        return b"".join(msgspec.json.encode(line) + b"\n" for line in (self.header, *self.events))

    def line_of(self, number: int) -> int:
        """The line of the log that gave a line of the trace file: 1 is the header, 2 the first event."""
        return self.lines[min(max(number - 2, 0), len(self.lines) - 1)] if self.lines else 0


def read_log(
    lines: Iterable[str], parse: Parser, header: Mapping[str, Any] | None = None, name: str = "log"
) -> ReadLog:
    """A log as a trace, in claim-trace/2.

    :param parse: called with each line, without its end; what it raises is reported with the line
    :param header: `semantics` and `host` (`nodes`: pages of each); None: the parser returns it
    :raises LogError: the parser fails at a line, or returns what is no event and no observation
    """
    found = ReadLog(name, {} if header is None else _header(header, name, 0))
    for number, line in enumerate(lines, 1):
        parts = _parsed(parse, line.rstrip("\r\n"), name, number)
        found.unread += not parts
        for part in parts:
            if not found.header and "host" in part:
                found.header = _header(part, name, number)
            else:
                _enter(found, part, number)
    if not found.header:
        raise LogError(name, 0, "nothing says the generation and the pages of each node")
    return found


def _parsed(parse: Parser, line: str, name: str, number: int) -> list[dict[str, Any]]:
    """What the parser says of a line.

    :raises LogError: it raises something, or its answer is something else
    """
    try:
        said = parse(line)
        parts = [] if said is None else [said] if isinstance(said, Mapping) else list(said)
        return [dict(part) for part in parts]
    except Exception as error:  # of a program that is not ours
        raise LogError(name, number, f"the reader ends with {type(error).__name__}: {error}") from None


def _header(given: Mapping[str, Any], name: str, number: int) -> dict[str, Any]:
    host = given.get("host")
    nodes = host.get("nodes") if isinstance(host, Mapping) else None
    if not isinstance(nodes, list) or not nodes or not all(isinstance(pages, int) and pages >= 0 for pages in nodes):
        raise LogError(name, number, "the header needs `host`, with `nodes`: a list with the pages of each node")
    assert isinstance(host, Mapping)
    span = least_span(nodes)
    shape = {"node_span": span, "last_alloc_node": 0, **host}
    return {"semantics": "", "source": printable(name), **given, "format": FORMAT_2, "host": shape}


def _enter(log: ReadLog, part: dict[str, Any], number: int) -> None:
    """An event, or an observation after the last one.

    :raises LogError: it is neither
    """
    if not log.header:
        raise LogError(log.name, number, "an event before the header, which says the pages of each node")
    if not log.events and part.get("op") != "boot":
        log.events.append({"op": "boot"})
        log.lines.append(number)
    if "op" in part:
        log.events.append(part)
        log.lines.append(number)
    elif set(part) == {"state"} and isinstance(part["state"], Mapping):
        _check_state(log, part["state"], number)
        seen = log.events[-1].setdefault("state", {"partial": True})
        for key, value in part["state"].items():
            if key == "domains" and isinstance(value, Mapping):
                domains = seen.setdefault("domains", {})
                for domid, counters in value.items():
                    domains.setdefault(str(domid), {}).update(counters)
            else:
                seen[key] = value
    else:
        raise LogError(log.name, number, f"neither an event (`op`) nor an observation (`state`): {part}")


def _check_state(log: ReadLog, state: Mapping[str, Any], number: int) -> None:
    """What is observed are counters, with numbers.

    :raises LogError: it is something else
    """
    try:
        observed = msgspec.json.decode(msgspec.json.encode(state), type=PartialState)
        reason = partial_shape_problem(observed, len(log.header["host"]["nodes"]))
    except (TypeError, ValueError, OverflowError) as error:
        reason = str(error).replace("`$.", "field `state.").replace("`$`", "field `state`")
    if reason:
        raise LogError(log.name, number, reason)


def replay_lines(
    lines: Iterable[str], parse: Parser, header: Mapping[str, Any] | None = None, name: str = "log"
) -> TraceResult:
    """Replay a log on the reference; what it does not observe is not compared, and counted.

    Its divergence, if there is one, has the log's name and line.

    :param parse: as :func:`read_log`, as the next
    :raises LogError: the log cannot be read as events, or has an impossible one; file, line, reason
    """
    log = read_log(lines, parse, header, name)
    with written(log) as path:
        try:
            (result,) = [replay_trace(trace) for trace in read_traces(path)]
        except TraceError as error:
            raise LogError(log.name, log.line_of(error.line), error.reason) from None
    if result.divergence is not None:
        found = result.divergence
        result.divergence = msgspec.structs.replace(found, file=printable(name), line=log.line_of(found.line))
    return result


@contextmanager
def written(log: ReadLog) -> Iterator[Path]:
    """A file with the log as a trace, for as long as it is needed.

    :raises LogError: the reader gave something that JSON does not have
    """
    try:
        content = log.written()
    except (TypeError, ValueError, OverflowError) as error:
        raise LogError(log.name, 0, f"the reader gave what JSON does not have: {error}") from None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.jsonl"
        path.write_bytes(content)
        yield path
