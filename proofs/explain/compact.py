"""A timeline without bars, as plain text for a document: one line per event, the counters it changed below."""

from collections.abc import Iterator

from proofs.explain.story import EventWithStates, actor, call, changes, result, scenes
from proofs.traces import Trace

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
    return [list(_lines(scene, width)) for scene in scenes(trace, 1)]


def _lines(scene: EventWithStates, width: int) -> Iterator[str]:
    outcome = result(scene.event)
    yield f"{scene.at:>3}  {actor(scene.event)}: {call(scene.event)}" + (f"  => {outcome}" if outcome else "")
    if scene.after is not None:
        yield from (f"       {line}" for line in packed(changes(scene.before, scene.after), width))


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
