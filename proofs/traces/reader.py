"""Streaming reader and validator of trace files, gzip or plain, with one or more traces each.

Every error in a file is a :class:`TraceError` that names file and line. The traces before it are delivered.
"""

from __future__ import annotations

import io
import sys
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from proofs.operations import (
    AllocDomheapPages,
    AllocHeapPages,
    Boot,
    Continue,
    CreateDomain,
    Event,
    Events1,
    Events2,
    State,
)
from reference.constants import MAX_NUMNODES

from .events import FORMAT_1, FORMAT_2, Header
from .gunzip import Gunzip
from .partial import PartialState, lists_of, partly_observed
from .text import one_line, printable

STANDARD_INPUT = "-"
STANDARD_INPUT_NAME = "standard input"
"""What errors call it."""
LONGEST_LINE = 1 << 26
"""The most bytes of a line, because lines are read as a whole."""

MOST_PAGES = 1 << 40
"""The most pages of a host: physical addresses have 52 bits."""

_DECODERS: dict[str, msgspec.json.Decoder[Any]] = {
    FORMAT_1: msgspec.json.Decoder(Events1),
    FORMAT_2: msgspec.json.Decoder(Events2),
}
_HEADER = msgspec.json.Decoder(Header)


class _Kind(msgspec.Struct):
    """The fields that tell a header from an event."""

    format: msgspec.Raw | UnsetType = UNSET
    op: msgspec.Raw | UnsetType = UNSET


_KIND = msgspec.json.Decoder(_Kind)
_MALFORMED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""The exceptions of msgspec for a malformed line."""


class TraceError(Exception):
    """A file that is not a trace: where, and why."""

    def __init__(self, path: str, line: int, reason: str) -> None:
        super().__init__(path, line, reason)
        self.path = path
        self.line = line
        self.reason = one_line(reason)  # the reason may quote the file

    def __str__(self) -> str:
        path = printable(self.path)
        return f"{path}:{self.line}: {self.reason}" if self.line else f"{path}: {self.reason}"


def _os_reason(error: OSError | ValueError) -> str:
    return getattr(error, "strerror", None) or str(error)


class _Lines:
    """The lines of a file with one line of push-back; ``number`` is that of the line read last."""

    def __init__(self, path: str, content: bytes | None = None) -> None:
        self.path = path
        self.number = 0
        self._pending: bytes | None = None
        try:
            raw: Any = io.FileIO(path) if content is None else io.BytesIO(content)
            file = io.BufferedReader(raw, 1 << 16)
        except (OSError, ValueError) as error:  # ValueError: a path that no file can have
            raise TraceError(path, 0, _os_reason(error)) from None
        try:
            packed = file.peek(2)[:2] == b"\x1f\x8b"  # opened once: it may be a pipe
        except OSError as error:
            file.close()
            raise TraceError(path, 0, _os_reason(error)) from None
        self._file = io.BufferedReader(Gunzip(file), 1 << 18) if packed else file

    def next(self) -> bytes | None:
        """The next line that is not blank; None: the file ends."""
        if self._pending is not None:
            line, self._pending = self._pending, None
            return line
        try:
            while line := self._file.readline(LONGEST_LINE):
                self.number += 1
                if len(line) == LONGEST_LINE:
                    raise self.error(f"the line is longer than {LONGEST_LINE >> 20} MiB")
                if not line.isspace():
                    return line
        except EOFError:
            raise self.error("the gzip data end too early", 1) from None
        except zlib.error as error:
            raise self.error(f"the gzip data are damaged ({error})", 1) from None
        except OSError as error:
            raise self.error(f"cannot be read: {_os_reason(error)}", 1) from None
        return None

    def push_back(self, line: bytes) -> None:
        """Let ``next`` return that line again."""
        self._pending = line

    def error(self, reason: str, after: int = 0) -> TraceError:
        """An error at the line read last, or ``after`` lines after it."""
        return TraceError(self.path, self.number + after, reason)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class Trace:
    """One trace: its ``header``, and its events by iteration (once, in order, each checked as it is read)."""

    def __init__(self, lines: _Lines, header: Header, raw: bytes) -> None:
        self.header = header
        self.path = lines.path
        self.first_line = lines.number
        self.raw = [raw]
        """The lines read so far, header first."""
        self.partial: dict[int, PartialState] = {}
        """By index of the event: the state of an event that has only some counters; its own ``state`` is not set."""
        self._lines = lines
        self._events = self._read()

    @property
    def line(self) -> int:
        """Number of the line read last."""
        return self._lines.number

    def error(self, reason: str) -> TraceError:
        """An error at the event read last."""
        return self._lines.error(reason)

    def read_so_far(self) -> list[Event]:
        """The events read so far, again."""
        return [self._decode(line)[0] for line in self.raw[1:]]

    def _decode(self, line: bytes) -> tuple[Event, PartialState | None]:
        """An event, and its state if that has only some counters; they are permitted in claim-trace/2."""
        try:
            event: Event = _DECODERS[self.header.format].decode(line)
        except msgspec.ValidationError as error:
            if self.header.format != FORMAT_2 or "`$.state" not in str(error):
                raise
            return partly_observed(line)
        return event, None

    def check_shape(self, state: State) -> None:
        """Check that the lists of a state have a number for each node; not done while reading, as comparisons imply it.

        :raises TraceError: a list has another length
        """
        if problem := shape_problem(state, len(self.header.host.nodes)):
            raise self.error(problem)

    def __iter__(self) -> Iterator[Event]:
        return self._events

    def _read(self) -> Iterator[Event]:
        lines = self._lines
        raw = self.raw
        check = _Checker(self.header)
        while (line := lines.next()) is not None:
            if not line.startswith(b'{"op"') and _kind(line, lines).format is not UNSET:
                lines.push_back(line)
                break
            try:
                event, partial = self._decode(line)
            except _MALFORMED as error:
                raise lines.error(_explain(error, self.header.format)) from None
            raw.append(line)
            if partial is not None:
                self.partial[len(raw) - 2] = partial
            if problem := check.problem(event):
                raise lines.error(problem)
            yield event
        if not check.booted:
            raise lines.error("the trace ends before boot")


def shape_problem(state: State, num_nodes: int) -> str | None:
    """The list of a state that does not have a number for each node, in words; None: all have."""
    lists: dict[str, list[int] | UnsetType] = {
        "node_avail_pages": state.node_avail_pages,
        "node_outstanding_claims": state.node_outstanding_claims,
        **{f"domains.{domid}.claims": counters.claims for domid, counters in state.domains.items()},
    }
    return _length_problem(lists, num_nodes)


def partial_shape_problem(state: PartialState, num_nodes: int) -> str | None:
    """The same of a state that has only some counters."""
    return _length_problem(lists_of(state), num_nodes)


def _length_problem(lists: Mapping[str, list[int] | UnsetType], num_nodes: int) -> str | None:
    for name, numbers in lists.items():
        if numbers is not UNSET and len(numbers) != num_nodes:
            return f"field `state.{name}` must have {num_nodes} numbers"
    return None


def _kind(line: bytes, lines: _Lines) -> _Kind:
    try:
        return _KIND.decode(line)
    except _MALFORMED as error:
        raise lines.error(_explain(error)) from None


def _explain(error: Exception, version: str = "") -> str:
    if isinstance(error, RecursionError):
        return "JSON nested too deep"
    if isinstance(error, UnicodeDecodeError):
        return f"not UTF-8: {error.reason} {error.object[error.start]:#04x}"
    reason = str(error)
    if not isinstance(error, msgspec.ValidationError):
        return f"not JSON: {reason}"
    if reason.startswith("Invalid value ") and reason.endswith(" - at `$.op`"):
        op = reason.removeprefix("Invalid value ").removesuffix(" - at `$.op`")
        return f"unknown op {op} for {version}"
    return reason.replace("`$.", "field `").replace("`$[", "field `[")


class _Checker:
    """The checks that the types of single events cannot express."""

    def __init__(self, header: Header) -> None:
        self.booted = False
        self._extended = header.format == FORMAT_2
        self._crashed = False
        self._domids: set[int] = set()

    def problem(self, event: Event) -> str | None:
        """Why the event is not permitted here; None: it is permitted."""
        if self._crashed:
            return "an event after the crash that ended the trace"
        kind = type(event)
        if not self.booted:
            if kind is not Boot:
                return f"{event.op} before boot"
            self.booted = True
        elif kind is Boot:
            return "a second boot in one trace"
        if kind is CreateDomain and any(node >= MAX_NUMNODES for node in event.node_affinity):  # type: ignore[attr-defined]
            return f"field `node_affinity`: a node that is not below {MAX_NUMNODES}"
        if not self._extended:
            if problem := self._problem_1(event):
                return problem
        elif kind is Continue and event.builder is UNSET:
            return "field `builder` is missing"
        return self._outcome_problem(event)

    def _problem_1(self, event: Event) -> str | None:
        """Checks of claim-trace/1 only: in claim-trace/2, domains are destroyed, and hypercalls name unknown ids."""
        domid = getattr(event, "domid", None)
        if domid is not None:
            if type(event) is CreateDomain:
                if domid in self._domids:
                    return f"field `domid`: domain {domid} exists already"
                self._domids.add(domid)
            elif domid not in self._domids:
                return f"field `domid`: no domain {domid}"
        if event.builder is not UNSET:
            return "field `builder` needs claim-trace/2"
        if type(event) is AllocDomheapPages and "no_refcount" in event.memflags:
            return "field `memflags`: no_refcount needs claim-trace/2"
        return None

    def _outcome_problem(self, event: Event) -> str | None:
        if event.crash is not UNSET:
            self._crashed = True
            for field in ("state", *event.observed):
                if getattr(event, field) is not UNSET:
                    return f"both `crash` and `{field}`"
            return None
        state = event.state
        if state is UNSET and not self._extended:
            return "field `state` is missing"
        for field in () if self._extended else event.observed:
            if getattr(event, field) is UNSET and field != "on_node":  # checked with mfn
                return f"field `{field}` is missing"
        if type(event) in (AllocDomheapPages, AllocHeapPages) and event.mfn is not UNSET:  # type: ignore[attr-defined]
            refused = event.mfn is None  # type: ignore[attr-defined]
            if refused != (event.on_node is UNSET):  # type: ignore[attr-defined]
                return "field `on_node` goes with an `mfn`, and only with one"
        return None


def _read_header(line: bytes, lines: _Lines) -> Header:
    kind = _kind(line, lines)
    if kind.format is UNSET:
        before = "an event before any header line" if kind.op is not UNSET else "not a header line"
        raise lines.error(f"{before}: field `format` is missing")
    try:
        version = msgspec.json.decode(kind.format, type=str)
    except _MALFORMED as error:
        raise lines.error(f"{_explain(error)} - at field `format`") from None
    if version not in _DECODERS:  # checked first: headers of other formats may have other fields
        raise lines.error(f"unknown format {version!r}; known: {', '.join(_DECODERS)}")
    try:
        header = _HEADER.decode(line)
    except _MALFORMED as error:
        raise lines.error(_explain(error)) from None
    host = header.host
    if host.node_span & (host.node_span - 1):
        raise lines.error(f"field `host.node_span`: {host.node_span} is not a power of two")
    for node, pages in enumerate(host.nodes):
        if pages > host.node_span:
            raise lines.error(f"field `host.nodes[{node}]`: {pages} pages do not fit node_span {host.node_span}")
    if sum(host.nodes) > MOST_PAGES:
        raise lines.error(f"field `host.nodes`: {sum(host.nodes)} pages are beyond 52-bit physical addresses")
    if header.format == FORMAT_1:
        own = {
            "host.llc_coloring": host.llc_coloring,
            "host.last_alloc_node": host.last_alloc_node is not UNSET,
            "host.debug_build": host.debug_build,
            "expect": header.expect,
        }
        for field, there in own.items():
            if there:
                raise lines.error(f"field `{field}` needs claim-trace/2")
    elif host.last_alloc_node is not UNSET and host.last_alloc_node >= len(host.nodes):
        raise lines.error(f"field `host.last_alloc_node`: the host has no node {host.last_alloc_node}")
    return header


def read_traces(path: str | Path, content: bytes | None = None) -> Iterator[Trace]:
    """The traces of a file, one after the other, each to be iterated for its events.

    :param content: what is in the file, if it was read before; ``-`` as path is standard input

    Requesting the next trace first reads and checks the current one to its end.

    :raises TraceError: at the first line that is wrong; line 0 is the file itself
    """
    if str(path) == STANDARD_INPUT and content is None:
        content = sys.stdin.buffer.read()
    lines = _Lines(STANDARD_INPUT_NAME if str(path) == STANDARD_INPUT else str(path), content)
    try:
        line = lines.next()
        if line is None:
            raise lines.error("the file is empty")
        while line is not None:
            trace = Trace(lines, _read_header(line, lines), line)
            yield trace
            for _ in trace:
                pass
            line = lines.next()
    finally:
        lines.close()
