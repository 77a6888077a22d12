"""An event in words: who called what, the result, and the counters that changed. Independent of the terminal."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET

from proofs.operations import Claim, DomainCounters, HypercallClaim, PendingScrub, PreemptionPoint
from proofs.replay.observe import differences
from proofs.traces import Event, State
from proofs.traces.events import HostShape

_COMMON = {"state", "crash", "builder", "domid"}


def actor(event: Event) -> str:
    """The builder, the domain, or the host that the event belongs to."""
    domid = getattr(event, "domid", None)
    names = [] if event.builder is UNSET else [event.builder]
    if domid is not None:
        names.append(f"d{domid}")
    return " ".join(names) or "host"


def call(event: Event) -> str:
    """The operation with its arguments."""
    return f"{event.op}({', '.join(f'{name}={value}' for name, value in arguments(event).items())})"


def arguments(event: Event) -> dict[str, str]:
    """The arguments of the operation, except the domain and arguments with their default value."""
    return {
        field: _value(getattr(event, field))
        for field in event.__struct_fields__
        if field not in _COMMON and field not in event.observed and not _default(event, field)
    }


def _default(event: Event, field: str) -> bool:
    value = getattr(event, field)
    return (
        value is UNSET or value is None or value == [] or (value == 0 and field in {"pad", "mem_flags", "start_extent"})
    )


def _value(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    if isinstance(value, PreemptionPoint):
        at = f"extent {value.extent}"
        return f"page {value.scrub_index} of {at}" if value.scrub_index else at
    if isinstance(value, PendingScrub):
        return f"mfn {value.mfn} order {value.order}, scrubbed up to page {value.scrub_index}"
    if isinstance(value, Claim | HypercallClaim):
        target = value.target if isinstance(value.target, str) else f"node {value.target}"
        reserved = [f" {name} {getattr(value, name)}" for name in ("pad", "cmd") if getattr(value, name, 0)]
        return f"{value.pages} on {target}{''.join(reserved)}"
    return str(value)


def result(event: Event) -> str:
    """The outcome in words."""
    if event.crash is not UNSET:
        return f"CRASH: {event.crash}"
    outcome = {field: getattr(event, field) for field in event.observed if getattr(event, field, UNSET) is not UNSET}
    if "mfn" in outcome and outcome["mfn"] is None:
        return "refused"
    words = [str(outcome.pop("result"))] if "result" in outcome else []
    scrub_index = outcome.pop("scrub_index", None)
    if (preempted := outcome.pop("preempted", None)) is not None:
        at = "" if scrub_index is None else f" at page {scrub_index}"
        words.append(f"preempted {'while ' if preempted == 'scrubbing' else ''}{preempted}{at},")
    return " ".join(words + [f"{field} {_value(value)}" for field, value in outcome.items()])


def changes(before: State | None, after: State) -> list[str]:
    """The changed counters, as ``name old -> new``."""
    if before is None:
        return []
    found = []
    for domid, counters in after.domains.items():
        found += _stash_changes(f"d{domid}", before.domains.get(domid), counters)
    for field, old, new in differences(before, after):
        name = field.removeprefix("state.").replace("domains.", "d")
        if ".pending_scrub" in name:
            continue
        if isinstance(old, dict | list) or isinstance(new, dict | list):
            continue  # a domain was created or destroyed: the call says so
        found.append(f"{name} {old} -> {new}")
    return found


def _stash_changes(name: str, before: DomainCounters | None, after: DomainCounters) -> list[str]:
    """A stashed extent that appeared, disappeared, or was scrubbed further."""
    old = before.pending_scrub if before is not None and before.pending_scrub is not UNSET else None
    new = None if after.pending_scrub is UNSET else after.pending_scrub
    if old == new:
        return []
    return [
        f"{name}.pending_scrub {'none' if old is None else _value(old)} -> {'none' if new is None else _value(new)}"
    ]


class Usage(msgspec.Struct, omit_defaults=True):
    """Pages of a node or of the host, by use."""

    name: str
    used: int  # allocated or offline
    claimed: int
    unclaimed: int
    stashed: int = 0  # the part of `used` that is in limbo, stashed with a domain

    @property
    def pages(self) -> int:
        """Installed pages."""
        return self.used + self.claimed + self.unclaimed


def usage(host: HostShape, state: State) -> list[Usage]:
    """For each node, then for the host, whose claims include the host-wide ones. Claims may exceed free pages."""
    stashed = [0] * len(host.nodes)
    for counters in state.domains.values():
        if isinstance(stash := counters.pending_scrub, PendingScrub):
            stashed[stash.mfn // host.node_span] += 1 << stash.order
    rows = [
        _usage(f"node {node}", installed, avail, claimed, stash)
        for node, (installed, avail, claimed, stash) in enumerate(
            zip(host.nodes, state.node_avail_pages, state.node_outstanding_claims, stashed, strict=True)
        )
    ]
    whole = _usage("host", sum(host.nodes), state.total_avail_pages, state.outstanding_claims, sum(stashed))
    return [*rows, whole]


def _usage(name: str, installed: int, avail: int, claimed: int, stashed: int) -> Usage:
    return Usage(name, installed - avail, claimed, avail - claimed, stashed)
