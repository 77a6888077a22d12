"""A timeline without bars, as plain text for a document: an event a line, the counters it changed below."""

from collections.abc import Iterator

from proofs.explain.story import EventWithStates, actor, call, changes, result, scenes
from proofs.traces import Trace

WIDTH = 112


def compact_timeline(trace: Trace) -> str:
    """The whole trace behind boot, for a code block.

    :raises proofs.traces.TraceError: at a malformed line
    """
    return "\n".join([boot_line(trace), *(line for lines in compact_scenes(trace) for line in lines)])


def boot_line(trace: Trace) -> str:
    """What the host is."""
    return f"nodes of {trace.header.host.nodes} pages"


def compact_scenes(trace: Trace) -> list[list[str]]:
    """The lines of each event behind boot."""
    return [list(_lines(scene)) for scene in scenes(trace, 1)]


def _lines(scene: EventWithStates) -> Iterator[str]:
    outcome = result(scene.event)
    yield f"{scene.at:>3}  {actor(scene.event)}: {call(scene.event)}" + (f"  => {outcome}" if outcome else "")
    if scene.after is not None:
        yield from (f"       {line}" for line in _packed(changes(scene.before, scene.after)))


def _packed(items: list[str]) -> Iterator[str]:
    """Items side by side, none of them broken."""
    line = ""
    for item in items:
        if line and len(line) + len(item) > WIDTH - 9:
            yield f"{line},"
            line = ""
        line = f"{line}, {item}" if line else item
    if line:
        yield line
