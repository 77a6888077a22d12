"""The same calls under other rules: where they first differ, and how the last one ends."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from proofs.explore.running import RunningHost
from proofs.operations import EventFields
from proofs.replay.observe import observe
from reference.status import HypervisorCrash, MisuseError


@dataclass(frozen=True)
class Contrast:
    """The result of a trace's events in another generation."""

    semantics: str
    differs_at: int
    """The number of the first event with another outcome; 0: all are the same."""
    op: str = ""
    ends: str = ""
    """The outcome of that event in the other generation."""


def contrast(nodes: tuple[int, ...], events: Sequence[EventFields], before: str, after: str) -> Contrast:
    """Compare outcome and counters event by event. Only requests are used, no recorded outcomes."""
    both = [RunningHost(name, nodes) for name in (before, after)]
    for number, event in enumerate(events, 1):
        shown = [_done(running, event) for running in both]
        if shown[0] != shown[1]:
            return Contrast(after, number, event["op"], _differs(*shown))
    return Contrast(after, 0)


def _done(running: RunningHost, event: EventFields) -> dict[str, Any]:
    try:
        outcome = msgspec.to_builtins(running.do(event))
    except (HypervisorCrash, MisuseError) as error:
        return {"stops": str(error)}
    state = msgspec.to_builtins(observe(running.host))
    counters = {f"d{d} {n}": v for d, domain in state.pop("domains").items() for n, v in _comparable(domain)}
    return {**outcome, **state, **counters}


def _comparable(domain: dict[str, Any]) -> list[tuple[str, Any]]:
    """The counters of a domain that all generations report."""
    held = domain.get("outstanding_pages", domain.get("global_claims", 0) + domain.get("node_claims", 0))
    return [("tot_pages", domain["tot_pages"]), ("max_pages", domain["max_pages"]), ("claims", held)]


OUTCOMES = ("result", "mfn", "mfns")


def _differs(before: dict[str, Any], after: dict[str, Any]) -> str:
    """The outcome if that differs, else the first counter."""
    if "stops" in after:
        return str(after["stops"])
    names = [name for name in after if before.get(name) != after[name]]
    names.sort(key=lambda name: (name not in OUTCOMES, not name.startswith("d")))
    name = names[0]
    if name in OUTCOMES:
        return "it is refused" if after[name] in (None, []) else f"it returns {_shown(after[name])}"
    return f"{name} is {after[name]}, not {before.get(name)}"


def _shown(value: Any) -> str:
    return f"frame {value}" if isinstance(value, int) else str(value)
