"""What an event says, in words: who did what, what came of it, which counters changed. No terminal in here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET

from proofs.replay.observe import differences
from proofs.traces import Event, State, Trace
from proofs.traces.events import Claim
from proofs.traces.own_events import HypercallClaim


class Scene(NamedTuple):
    """An event in its place: the state before it (none before boot) and after it (none at a crash)."""

    at: int  # index within the trace
    event: Event
    before: State | None
    after: State | None


def scenes(trace: Trace, first: int = 0, last: int | None = None) -> Iterator[Scene]:
    """The events with index ``first`` to ``last`` of a trace (none: its end); all are read and checked.

    :raises proofs.traces.TraceError: at a malformed line
    """
    before: State | None = None
    for index, event in enumerate(trace):
        after = None if event.state is UNSET else event.state
        if after is not None:
            trace.check_shape(after)
        if first <= index and (last is None or index <= last):
            yield Scene(index, event, before, after)
        before = after


_COMMON = {"state", "crash", "builder", "domid"}


def actor(event: Event) -> str:
    """Who: the builder, the domain, or the host."""
    domid = getattr(event, "domid", None)
    names = [] if event.builder is UNSET else [event.builder]
    if domid is not None:
        names.append(f"d{domid}")
    return " ".join(names) or "host"


def call(event: Event) -> str:
    """The operation with its arguments."""
    return f"{event.op}({', '.join(f'{name}={value}' for name, value in arguments(event).items())})"


def arguments(event: Event) -> dict[str, str]:
    """What the operation was called with, beside the domain; what stands for "not given" is left out."""
    return {
        field: _value(getattr(event, field))
        for field in event.__struct_fields__
        if field not in _COMMON and field not in event.observed and not _default(event, field)
    }


def _default(event: Event, field: str) -> bool:
    value = getattr(event, field)
    return value is UNSET or value is None or value == [] or (value == 0 and field in {"pad", "mem_flags"})


def _value(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    if isinstance(value, Claim | HypercallClaim):
        target = value.target if isinstance(value.target, str) else f"node {value.target}"
        return f"{value.pages} on {target}" + (f" pad {value.pad}" if value.pad else "")
    return str(value)


def result(event: Event) -> str:
    """What came of it."""
    if event.crash is not UNSET:
        return f"CRASH: {event.crash}"
    outcome = {
        field: getattr(event, field)
        for field in (*event.observed, "result", "mfn", "mfns")
        if getattr(event, field, UNSET) is not UNSET
    }
    if "mfn" in outcome and outcome["mfn"] is None:
        return "refused"
    words = [str(outcome.pop("result"))] if "result" in outcome else []
    return " ".join(words + [f"{field} {_value(value)}" for field, value in outcome.items()])


def changes(before: State | None, after: State) -> list[str]:
    """The counters that changed, as ``name old -> new``."""
    if before is None:
        return []
    found = []
    for field, old, new in differences(before, after):
        name = field.removeprefix("state.").replace("domains.", "d")
        if isinstance(old, dict | list) or isinstance(new, dict | list):
            continue  # a domain came or went: the call says so
        found.append(f"{name} {old} -> {new}")
    return found


class Usage(msgspec.Struct):
    """Pages of a node, or of the host, by what they are."""

    name: str
    used: int  # allocated or offline
    claimed: int
    unclaimed: int

    @property
    def pages(self) -> int:
        """Installed pages."""
        return self.used + self.claimed + self.unclaimed


def usage(nodes: list[int], state: State) -> list[Usage]:
    """Per node, then for the host (whose claims include the host-wide ones). Claims beyond free pages show as such."""
    rows = [
        _usage(f"node {node}", installed, avail, claimed)
        for node, (installed, avail, claimed) in enumerate(
            zip(nodes, state.node_avail_pages, state.node_outstanding_claims, strict=True)
        )
    ]
    return [*rows, _usage("host", sum(nodes), state.total_avail_pages, state.outstanding_claims)]


def _usage(name: str, installed: int, avail: int, claimed: int) -> Usage:
    return Usage(name, installed - avail, claimed, avail - claimed)
