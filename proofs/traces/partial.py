"""The state of an event that has only some counters (claim-trace/2): what is not there was not observed."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from proofs.operations import Event, Events2
from proofs.operations.event import PartialCounters
from proofs.operations.fields import HostPages


class PartialState(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The counters that were observed after an event. A domain that is not named was not observed."""

    total_avail_pages: HostPages | UnsetType = UNSET
    outstanding_claims: HostPages | UnsetType = UNSET
    node_avail_pages: list[HostPages] | UnsetType = UNSET
    node_outstanding_claims: list[HostPages] | UnsetType = UNSET
    domains: dict[int, PartialCounters] | UnsetType = UNSET
    partial: bool = False
    """Says so itself: of a state that lacks only counters which a generation may not have."""


class _PartlyObservedEvent(Struct):
    state: PartialState


_DECODER = msgspec.json.Decoder(_PartlyObservedEvent)


def partly_observed(line: bytes) -> tuple[Event, PartialState]:
    """An event whose state lacks something, without its state; and the state.

    :raises msgspec.ValidationError: a counter has a wrong type, or the event is malformed in another way
    """
    state = _DECODER.decode(line).state
    fields: dict[str, Any] = msgspec.json.decode(line)
    del fields["state"]
    event: Event = msgspec.convert(fields, Events2)
    return event, state


def lists_of(state: PartialState) -> dict[str, list[int]]:
    """The observed lists that have a number for each node, by field."""
    found: dict[str, list[int] | UnsetType] = {
        "node_avail_pages": state.node_avail_pages,
        "node_outstanding_claims": state.node_outstanding_claims,
    }
    domains = {} if state.domains is UNSET else state.domains
    found |= {f"domains.{domid}.claims": counters.claims for domid, counters in domains.items()}
    return {name: numbers for name, numbers in found.items() if numbers is not UNSET}
