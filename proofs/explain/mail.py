"""A trace as text to paste into a review mail: what happens, what it violates, and how to run it again."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from proofs.traces import Trace

from .compact import packed
from .played import ShownEvent, shown_events

WIDTH = 76
"""Columns of a mail that is quoted once or twice."""


def as_mail(trace: Trace, again: str = "") -> str:
    """The trace in concise form, with the violated inequalities and their numbers.

    :param again: the command that runs it again; empty: a replay of the file
    :raises proofs.traces.TraceError: at a malformed line
    """
    header, events = trace.header, list(shown_events(trace, 1))
    return mail(
        header.semantics,
        header.host.nodes,
        events,
        f"Source: {header.source}",
        again or f"claimcheck replay {trace.path}",
    )


def mail(semantics: str, nodes: list[int], events: Iterable[ShownEvent], source: str, again: str) -> str:
    """Events after boot as text for a mail.

    :param source: a sentence that says where they come from
    :param again: the command that runs them again
    """
    shown = list(events)
    lines = [f"With the rules of {semantics}:", "", f"  nodes of {nodes} pages"]
    for event in shown:
        lines += [f"  {line}" for line in _lines(event)]
    lines.append("")
    found = [f"Violated: {_at(text, event)}" for event in shown for text in event.breaks]
    found += [f"From event {event.at} on as recorded: {event.differs}" for event in shown if event.differs]
    for text in (*found, source):
        lines += _wrapped(text)
    return "\n".join([*lines, f"To run it again: {again}"])


def _at(violation: str, event: ShownEvent) -> str:
    name, _, rest = violation.partition(": ")
    return f"{name}, at event {event.at} {event.call.partition('(')[0]}: {rest}"


def _lines(event: ShownEvent) -> Iterable[str]:
    yield from textwrap.wrap(
        event.headline, WIDTH, subsequent_indent=" " * 9, break_long_words=False, break_on_hyphens=False
    )
    for reason in event.why:
        yield from textwrap.wrap(
            f"why: {reason}", WIDTH, initial_indent=" " * 7, subsequent_indent=" " * 9, break_long_words=False
        )
    yield from (f"       {line}" for line in packed(event.changes, WIDTH - 2))


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
