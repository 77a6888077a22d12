"""Every operation: one class that is the event of a trace, its arguments as fields, and what it is on every side.

An event with a ``builder`` runs only the first critical section of its operation; each ``continue`` of that builder
runs the next one. The outcome stands on the event that ends the operation; the blocks its allocations took, known only
then, are the lowest free ones.
"""

from __future__ import annotations

from typing import Any, Union

from .allocating import (
    AllocDomheapPages,
    AllocHeapPages,
    AssignPages,
    FreeDomheapPages,
    FreeHeapPages,
    OfflinePage,
    OnlinePage,
)
from .claiming import ClaimMemory, ClaimPages, GetMemoryClaims, InstallClaimSet, SetOutstandingPages
from .domains import (
    MOST_DOMAINS,
    CreateDomain,
    DestroyDomain,
    DomainDestroy,
    DomainKill,
    GetDomainInfo,
    GetOutstandingClaims,
    MaxMem,
    PauseDomain,
    RelinquishMemory,
    SetMaxPages,
    UnpauseDomain,
)
from .entries import Claim, HypercallClaim
from .event import DomainCounters, Event, Outcome, PendingScrub, State
from .populating import MemoryExchange, PopulatePhysmap, PreemptionPoint
from .tracing import Boot, Continue

_IN_ORDER: tuple[type[Event], ...] = (
    CreateDomain,
    SetMaxPages,
    MaxMem,
    InstallClaimSet,
    ClaimMemory,
    GetMemoryClaims,
    SetOutstandingPages,
    ClaimPages,
    AllocDomheapPages,
    AllocHeapPages,
    AssignPages,
    FreeHeapPages,
    FreeDomheapPages,
    PopulatePhysmap,
    MemoryExchange,
    OfflinePage,
    OnlinePage,
    DomainKill,
    RelinquishMemory,
    DomainDestroy,
    DestroyDomain,
    PauseDomain,
    UnpauseDomain,
    GetDomainInfo,
    GetOutstandingClaims,
)
"""In the order in which they are drawn: another order is another campaign with the same seed."""


def name_of(kind: type[Event]) -> str:
    """The name of an operation in a trace."""
    return str(kind.__struct_config__.tag)


_ALL: tuple[type[Event], ...] = (Boot, *_IN_ORDER, Continue)
OPERATIONS: dict[str, type[Event]] = {name_of(kind): kind for kind in _IN_ORDER}
"""Every operation by its name."""
KINDS: dict[str, type[Event]] = {name_of(kind): kind for kind in _ALL}
"""Every event by its name."""
_FIRST = (
    Boot,
    CreateDomain,
    SetMaxPages,
    InstallClaimSet,
    SetOutstandingPages,
    AllocDomheapPages,
    FreeDomheapPages,
    OfflinePage,
    DomainKill,
)
Events1: Any = Union[_FIRST]  # noqa: UP007  # of a tuple
"""The events of ``claim-trace/1``: recordings have no others."""
Events2: Any = Union[tuple(KINDS.values())]  # noqa: UP007  # likewise
"""The events of ``claim-trace/2``."""

__all__ = [
    "KINDS",
    "MOST_DOMAINS",
    "OPERATIONS",
    "AllocDomheapPages",
    "AllocHeapPages",
    "AssignPages",
    "Boot",
    "Claim",
    "ClaimMemory",
    "ClaimPages",
    "Continue",
    "CreateDomain",
    "DestroyDomain",
    "DomainCounters",
    "DomainDestroy",
    "DomainKill",
    "Event",
    "Events1",
    "Events2",
    "FreeDomheapPages",
    "FreeHeapPages",
    "GetDomainInfo",
    "GetMemoryClaims",
    "GetOutstandingClaims",
    "HypercallClaim",
    "InstallClaimSet",
    "MaxMem",
    "MemoryExchange",
    "OfflinePage",
    "OnlinePage",
    "Outcome",
    "PauseDomain",
    "PendingScrub",
    "PopulatePhysmap",
    "PreemptionPoint",
    "RelinquishMemory",
    "SetMaxPages",
    "SetOutstandingPages",
    "State",
    "UnpauseDomain",
    "name_of",
]
