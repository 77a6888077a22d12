"""A trace as a script."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import UNSET

from proofs.explain.stage import Stage
from proofs.fuzz.known import CHECKED
from proofs.operations import Boot, Event
from proofs.replay.runner import builder_of
from proofs.traces.events import Header
from reference.heap import lowest_address
from reference.state import all_locks

from .answers import UNFINISHED, summary
from .plain import host_line
from .session import NO_CRASH, Session
from .words import line_of


def script_of(header: Header, events: Iterable[Event]) -> str:
    """The script that does what the events do, with the outcome of each line and the properties that break.

    It is run on the reference at the same time: a block that is not the lowest free one is named with ``at``.
    """
    return "\n".join([*_head(header), *_lines(header, events)]) + "\n"


def _head(header: Header) -> Iterator[str]:
    if header.source:
        yield f"# {' '.join(header.source.split())}"
    yield f"generation {header.semantics}"
    yield host_line(header.host)


def _lines(header: Header, events: Iterable[Event]) -> Iterator[str]:
    session = Session(header.source, header.semantics)
    session.start(header.host)
    nodes = len(header.host.nodes)
    expected: set[str] = set()
    for event in events:
        if type(event) is Boot:
            continue
        stage = session.stage
        assert stage is not None  # it was started
        lowest = _is_lowest(stage, event)
        shown, begun = session.run(event)
        word = summary(begun, stage.outcome, shown.crash)
        yield line_of(event, nodes, at_lowest=lowest) + (f" => {word}" if word != UNFINISHED else "")
        for name in [NO_CRASH] if shown.crash else stage.broken:
            if name in (*CHECKED, NO_CRASH) and name not in expected:
                expected.add(name)
                yield f"expect breaks {name}"


def _is_lowest(stage: Stage, event: Event) -> bool:
    """Whether the block that the event got is the one that the allocator takes by itself."""
    mfn = getattr(event, "mfn", None)
    if "mfn" not in event.observed or mfn is None or mfn is UNSET or builder_of(event):
        return True
    host, order = stage.host, getattr(event, "order", 0)
    with all_locks(host):
        node = host.node_of(mfn)
        return bool(lowest_address(host.heap[node], order) == mfn)
