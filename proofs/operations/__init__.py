"""Every operation: one class that is the event of a trace, with its arguments as fields and its meaning on every side.

An event with a ``builder`` runs only the first critical section of its operation; each ``continue`` of that builder
runs the next one. The event that ends the operation has the outcome. The blocks that its allocations take are the
lowest free ones, because they are recorded only at the end.
"""

from __future__ import annotations

from typing import Any, Union

from .allocating import (
    AllocDomheapPages,
    AllocHeapPages,
    AssignPages,
)
from .claiming import ClaimMemory, GetMemoryClaims, InstallClaimSet
from .domains import (
    CreateDomain,
    DestroyDomain,
    DomainDestroy,
    DomainKill,
    MaxMem,
    RelinquishMemory,
    SetMaxPages,
)
from .entries import Claim, HypercallClaim
from .event import Choice, DomainCounters, Event, Outcome, PendingScrub, State
from .freeing import FreeDomheapPages, FreeHeapPages, OfflinePage, OnlinePage
from .legacy_claims import ClaimPages, SetOutstandingPages
from .model_steps import EventFields, StepTranslation
from .populating import MemoryExchange, PopulatePhysmap, PreemptionPoint
from .queries import GetDomainInfo, GetOutstandingClaims, PauseDomain, UnpauseDomain
from .sides import TinyHost
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
"""In the order in which they are drawn: another order changes the campaign of a seed."""


def name_of(kind: type[Event]) -> str:
    """The name of an operation in a trace."""
    return str(kind.__struct_config__.tag)


_ALL: tuple[type[Event], ...] = (Boot, *_IN_ORDER, Continue)
OPERATIONS: dict[str, type[Event]] = {name_of(kind): kind for kind in _IN_ORDER}
"""Every operation by its name."""
STEPS: dict[str, StepTranslation] = {name: how for kind in _IN_ORDER for name, how in kind.steps.items()}
"""By the name of each step of the model, how it is written as events."""
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
Events1: Any = Union[_FIRST]  # noqa: UP007  # made from a tuple
"""The events of ``claim-trace/1``, the only ones in recordings."""
Events2: Any = Union[tuple(KINDS.values())]  # noqa: UP007  # likewise
"""The events of ``claim-trace/2``."""

__all__ = [
    "KINDS",
    "OPERATIONS",
    "STEPS",
    "AllocDomheapPages",
    "AllocHeapPages",
    "AssignPages",
    "Boot",
    "Choice",
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
    "EventFields",
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
    "TinyHost",
    "UnpauseDomain",
    "name_of",
]
