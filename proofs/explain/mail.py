"""A trace as text to paste into a review mail: what happens, what it violates, and how to run it again."""

from __future__ import annotations

import textwrap

from proofs.replay import replay_trace
from proofs.traces import Trace, read_traces

from .compact import compact_timeline

WIDTH = 76
"""Columns of a mail that is quoted once or twice."""


def as_mail(trace: Trace) -> str:
    """The trace in concise form, with the violated inequalities and their numbers.

    :raises proofs.traces.TraceError: at a malformed line
    """
    timeline = compact_timeline(trace, WIDTH - 2)  # reads the trace to its end
    result = None
    for again in read_traces(trace.path):
        if again.first_line == trace.first_line:
            result = replay_trace(again)
            break
    if result is None:
        raise trace.error("the trace is no longer there")
    found = [f"Violated: {name}, at {where}" for name, where in result.first_broken.items()]
    if result.divergence is not None:
        found.append(f"The reference does not reproduce it: {result.divergence}")
    return "\n".join(
        [
            f"With the rules of {trace.header.semantics}:",
            "",
            textwrap.indent(timeline, "  "),
            "",
            *(line for text in found for line in _wrapped(text)),
            *_wrapped(f"Source: {trace.header.source}"),
            f"To run it again: claimcheck replay {trace.path}",
        ]
    )


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
