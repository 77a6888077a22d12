"""The events of a finding as lines of a script, as they were recorded: nothing is run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from msgspec import UNSET

from proofs.operations import Boot, Event, Events2
from proofs.traces.events import HostShape, least_span

from .answers import summary
from .words import line_of

SUFFIX = ".claims"
"""Of files with scripts."""


def host_line(shape: HostShape) -> str:
    """The statement that boots a host of this shape."""
    options = [] if shape.node_span == least_span(shape.nodes) else [f"span={shape.node_span}"]
    if shape.last_alloc_node is UNSET:
        options.append("no_last_alloc_node")
    elif shape.last_alloc_node:
        options.append(f"last_alloc_node={shape.last_alloc_node}")
    options += [name for name in ("llc_coloring", "debug_build") if getattr(shape, name)]
    return " ".join(["host", *map(str, shape.nodes), *options])


def plain_lines(events: Iterable[Event | dict[str, Any]], nodes: int) -> Iterator[str]:
    """A line for each event, with its recorded outcome if it has one; boot is left out."""
    for event in read_events(events):
        if type(event) is Boot:
            continue
        outcome = {f: getattr(event, f) for f in event.observed if getattr(event, f) is not UNSET}
        crash = "" if event.crash is UNSET else event.crash
        is_told = bool(outcome or crash) and not set(outcome) <= {"on_node"}
        answer = f" => {summary(event, outcome, crash)}" if is_told else ""
        yield line_of(event, nodes) + answer


def read_events(events: Iterable[Event | dict[str, Any]]) -> Iterator[Event]:
    """Events in the trace format, without what only the model's traces have."""
    for event in events:
        if isinstance(event, dict):
            yield msgspec.convert({name: value for name, value in event.items() if name != "listed"}, Events2)
        else:
            yield event


def plain_script(
    semantics: str, shape: HostShape | dict[str, Any], events: Iterable[Event | dict[str, Any]], source: str = ""
) -> str:
    """A whole script.

    :param shape: the host, also as a header has it
    """
    host = msgspec.convert(shape, HostShape) if isinstance(shape, dict) else shape
    head = [f"# {' '.join(source.split())}"] if source else []
    return "\n".join([*head, f"generation {semantics}", host_line(host), *plain_lines(events, len(host.nodes))]) + "\n"
