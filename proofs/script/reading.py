"""Where scripts and traces come from: a file, or standard input."""

from __future__ import annotations

import re
import sys
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from proofs.traces import Trace, TraceError, read_traces
from proofs.traces.reader import STANDARD_INPUT, STANDARD_INPUT_NAME

from .syntax import ScriptError

_GZIP = b"\x1f\x8b"
_LINE_END = re.compile(r"\r\n|\n|\r")


def name_of(file: str) -> str:
    """What messages call a file."""
    return STANDARD_INPUT_NAME if file == STANDARD_INPUT else file


def read_text(file: str) -> bytes:
    """The content of a file; ``-``: standard input.

    :raises ScriptError: it cannot be read, or is no text
    """
    name = name_of(file)
    try:
        content = sys.stdin.buffer.read() if file == STANDARD_INPUT else Path(file).read_bytes()
    except (OSError, ValueError) as error:
        raise ScriptError(name, 0, 0, getattr(error, "strerror", None) or str(error)) from None
    content = content.removeprefix(BOM_UTF8)
    if not is_trace(content):
        if b"\0" in content[:2] or content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
            raise ScriptError(name, 1, 0, "not UTF-8 text")
        try:
            content.decode("utf-8")
        except UnicodeDecodeError as error:
            line = content[: error.start].count(b"\n") + 1
            raise ScriptError(name, line, 0, "not UTF-8 text") from None
    return content


def lines_of(content: bytes) -> list[str]:
    """The lines of a script, which may end as on any system."""
    return _LINE_END.split(content.decode())


def is_trace(content: bytes) -> bool:
    """Whether it is a trace, in JSON lines or packed, and not a script."""
    return content.startswith(_GZIP) or content.lstrip()[:1] == b"{"


class _PrintedSearch(msgspec.Struct):
    script: list[str] | None = None


class _PrintedSearches(msgspec.Struct):
    searches: list[_PrintedSearch]


def script_in(content: bytes) -> str | None:
    """The script in what ``claimcheck search --json`` prints; None: it is something else.

    :raises ScriptError: it found no trace
    """
    if not content.lstrip().startswith(b"{") or b'"searches"' not in content:
        return None
    try:
        printed = msgspec.json.decode(content, type=_PrintedSearches)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    scripts = [search.script for search in printed.searches if search.script is not None]
    if not scripts:
        raise ScriptError(STANDARD_INPUT_NAME, 0, 0, "the search found no trace")
    return "\n".join(scripts[0]) + "\n"


def read_content(file: str) -> bytes:
    """A script or a trace; of what ``claimcheck search --json`` prints, the script in it.

    :raises ScriptError: it cannot be read, or has neither
    """
    content = read_text(file)
    script = script_in(content)
    return content if script is None else script.encode()


@contextmanager
def trace_in(name: str, content: bytes, number: int = 1) -> Iterator[Trace]:
    """The trace of that number, whose events are read as it is iterated.

    :raises proofs.traces.TraceError: it is malformed, or there are fewer
    """
    found = 0
    for found, trace in enumerate(read_traces(name, content), 1):
        if found == number:
            yield trace
            return
    raise TraceError(name, 0, f"has {found} trace{'s' if found > 1 else ''}, not {number}")
