"""Events without the outcome that a trace records: to run them again."""

from __future__ import annotations

from typing import Any

from proofs.operations import KINDS, Event


def without_outcome(event: Event) -> Event:
    """The event without its results, except the blocks that it got: they are choices of the allocator."""
    kept = set(event.__struct_fields__) - _results(type(event))
    return type(event)(**{name: getattr(event, name) for name in kept})


def request_of(written: dict[str, Any]) -> dict[str, Any]:
    """The same of an event as it is written in a trace."""
    results = _results(KINDS[written["op"]])
    return {name: value for name, value in written.items() if name not in results}


def _results(kind: type[Event]) -> set[str]:
    return {"state", "crash", *kind.observed} - {"mfn", "mfns"}
