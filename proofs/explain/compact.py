"""A timeline without bars, as plain text for a document: one line per event, the counters it changed below."""

from collections.abc import Iterator

from proofs.traces import Trace

from .played import ShownEvent, shown_events

WIDTH = 112


def compact_timeline(trace: Trace, width: int = WIDTH) -> str:
    """The whole trace after boot, for a code block or a mail.

    :raises proofs.traces.TraceError: at a malformed line
    """
    return "\n".join([boot_line(trace), *(line for lines in compact_scenes(trace, width) for line in lines)])


def boot_line(trace: Trace) -> str:
    """What the host is."""
    return f"nodes of {trace.header.host.nodes} pages"


def compact_scenes(trace: Trace, width: int = WIDTH) -> list[list[str]]:
    """The lines of each event after boot."""
    return [list(_lines(event, width)) for event in shown_events(trace, 1)]


def _lines(event: ShownEvent, width: int) -> Iterator[str]:
    yield event.headline
    yield from (f"       {line}" for line in packed(event.changes, width))


def packed(items: list[str], width: int) -> Iterator[str]:
    """Items side by side, none of them broken."""
    line = ""
    for item in items:
        if line and len(line) + len(item) > width - 9:
            yield f"{line},"
            line = ""
        line = f"{line}, {item}" if line else item
    if line:
        yield line
