"""Where a walk begins: nothing, a script, or a trace or finding, whose lines are then stepped through."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from proofs.operations import Boot
from proofs.script.reading import is_trace, script_in, trace_in
from proofs.script.syntax import ScriptError, statement
from proofs.script.words import line_of
from proofs.script.writing import script_of
from proofs.traces import Trace, TraceError
from reference.generations import GENERATIONS

from .walk import Walk, WalkLine

TYPED = "typed"
"""What messages call lines that come from no file."""


def opened(name: str, content: bytes, generations: Sequence[str | None], number: int = 1) -> Walk:
    """A walk whose lines are those of a script, or the operations of a trace; none of them is run yet.

    :param number: which trace of the file
    :raises ScriptError: a line is no statement
    :raises proofs.traces.TraceError: the trace is malformed, or there are fewer
    """
    walk = Walk(name, generations)
    found = script_in(content)
    if found is not None:
        walk.load(_of_script(name, found.splitlines()))
    elif is_trace(content):
        with trace_in(name, content, number) as trace:
            walk.load(_of_trace(name, trace))
    elif number != 1:
        raise TraceError(name, 0, "is a script, not a file of traces")
    else:
        walk.load(_of_script(name, _text(name, content).splitlines()))
    return walk


def _text(name: str, content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ScriptError(name, content[: error.start].count(b"\n") + 1, 0, "not UTF-8 text") from None


def _of_script(name: str, lines: list[str]) -> Iterator[WalkLine]:
    comments: list[str] = []
    for number, text in enumerate(lines, 1):
        try:
            is_statement = statement(name, number, text) is not None
        except ScriptError as error:
            raise ScriptError(name, number, error.column, error.reason) from None
        if is_statement:
            yield WalkLine(text.rstrip(), comments=comments)
            comments = []
        else:
            comments.append(text.rstrip())


def _of_trace(name: str, trace: Trace) -> Iterator[WalkLine]:
    if trace.header.semantics not in GENERATIONS:
        raise TraceError(name, trace.first_line, f"field `semantics`: unknown {trace.header.semantics!r}")
    comments: list[str] = []
    for text in script_of(trace.header, []).splitlines():
        if text.startswith("#"):
            comments.append(text)
        else:
            shape = trace.header.host if text.startswith("host ") else None
            yield WalkLine(text, shape=shape, comments=comments)
            comments = []
    nodes = len(trace.header.host.nodes)
    for event in trace:
        if type(event) is not Boot:
            yield WalkLine(line_of(event, nodes), event)
