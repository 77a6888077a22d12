"""The events that ``claim-trace/2``, the project's extension, adds: hypercalls, split operations, builder threads.

An event with a ``builder`` runs only the first critical section of its operation; each ``continue`` of that builder
runs the next one. The outcome stands on the event that ends the operation; the blocks its allocations took, known only
then, are the lowest free ones.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from msgspec import UNSET, Struct, UnsetType

from .events import Event, Events1
from .fields import Count, DomainPages, Domid, HostPages, MemFlag, Mfn, Node, Order, Pad, Pages, Target, require_u64


class AllocHeapPages(Event, tag="alloc_heap_pages"):
    """Take 2^order pages out of the heap and redeem claims: the pages are in limbo."""

    observed: ClassVar[tuple[str, ...]] = ("mfn", "on_node")

    domid: Domid | None
    order: Order
    node: Node | None
    memflags: list[MemFlag]
    mfn: Mfn | None | UnsetType = UNSET
    on_node: Node | UnsetType = UNSET


class AssignPages(Event, tag="assign_pages"):
    """Give pages in limbo to a domain."""

    observed: ClassVar[tuple[str, ...]] = ("result",)

    mfn: Mfn
    order: Order
    domid: Domid
    memflags: list[MemFlag] = []
    result: str | UnsetType = UNSET


class FreeHeapPages(Event, tag="free_heap_pages"):
    """Return pages without owner to the heap."""

    mfn: Mfn
    order: Order


class OnlinePage(Event, tag="online_page"):
    """Bring a page back, or withdraw its offline mark."""

    observed: ClassVar[tuple[str, ...]] = ("result",)

    mfn: Mfn
    result: str | UnsetType = UNSET


class RelinquishMemory(Event, tag="relinquish_memory"):
    """Free the pages of a dying domain."""

    observed: ClassVar[tuple[str, ...]] = ("pages",)

    domid: Domid
    pages: Count | UnsetType = UNSET


class DomainDestroy(Event, tag="domain_destroy"):
    """Forget a dead domain that holds nothing."""

    domid: Domid


class HypercallClaim(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """One entry of ``XEN_DOMCTL_claim_memory``. ``host`` and ``no_node`` are what some generations call ``global``."""

    pages: Pages
    target: Target | Literal["global", "host", "legacy", "no_node"]
    pad: Pad = 0
    cmd: Pad = 0  # claim-sets-v3: in the place of pad

    def __post_init__(self) -> None:
        require_u64("pages", self.pages)


class ClaimMemory(Event, tag="claim_memory"):
    """``XEN_DOMCTL_claim_memory``."""

    observed: ClassVar[tuple[str, ...]] = ("result",)

    domid: Domid
    claims: list[HypercallClaim]
    pad: Pad = 0
    result: str | UnsetType = UNSET


class GetMemoryClaims(Event, tag="get_memory_claims"):
    """``XEN_DOMCTL_get_memory_claims``, or ``XEN_DOMCTL_claim_memory`` in its GET mode; no ``claims`` on error."""

    observed: ClassVar[tuple[str, ...]] = ("result", "needed", "claims")

    domid: Domid
    capacity: Count
    pad: Pad = 0
    result: str | UnsetType = UNSET
    needed: Count | UnsetType = UNSET
    claims: list[HypercallClaim] | UnsetType = UNSET


class ClaimPages(Event, tag="claim_pages"):
    """``XENMEM_claim_pages``."""

    observed: ClassVar[tuple[str, ...]] = ("result",)

    domid: Domid
    nr_extents: Pages
    extent_order: Count = 0
    mem_flags: Count = 0
    extent_start: Mfn | None = None
    result: str | UnsetType = UNSET

    def __post_init__(self) -> None:
        require_u64("nr_extents", self.nr_extents)


class PreemptionPoint(Struct, forbid_unknown_fields=True, frozen=True):
    """A preemption check: before an extent (``scrub_index`` 0), or within it, so many pages on."""

    extent: Count
    scrub_index: Count


Preempted = Literal["between extents", "scrubbing"]


class PopulatePhysmap(Event, tag="populate_physmap"):
    """``XENMEM_populate_physmap``: ``mfns`` are the extents that this call finished, ``nr_done`` counts all."""

    observed: ClassVar[tuple[str, ...]] = ("mfns", "nr_done", "preempted", "scrub_index")

    domid: Domid
    nr_extents: Count
    extent_order: Order
    node: Node | None = None
    memflags: list[MemFlag] = []
    start_extent: Count = 0
    preempt_at: PreemptionPoint | None = None
    mfns: list[Mfn] | UnsetType = UNSET
    nr_done: Count | UnsetType = UNSET
    preempted: Preempted | None | UnsetType = UNSET
    scrub_index: Count | UnsetType = UNSET


class MemoryExchange(Event, tag="memory_exchange"):
    """``XENMEM_exchange``: ``mfns`` are the new extents of the chunks that succeeded."""

    observed: ClassVar[tuple[str, ...]] = ("result", "mfns")

    domid: Domid
    in_mfns: list[Mfn]
    in_order: Order
    out_order: Order
    node: Node | None = None
    result: str | UnsetType = UNSET
    mfns: list[Mfn] | UnsetType = UNSET


class MaxMem(Event, tag="max_mem"):
    """``XEN_DOMCTL_max_mem``, the hypercall."""

    observed: ClassVar[tuple[str, ...]] = ("result",)

    domid: Domid
    max_pages: Pages
    result: str | UnsetType = UNSET

    def __post_init__(self) -> None:
        require_u64("max_pages", self.max_pages)


class PauseDomain(Event, tag="pausedomain"):
    """``XEN_DOMCTL_pausedomain``; a new domain is paused once."""

    observed: ClassVar[tuple[str, ...]] = ("result",)

    domid: Domid
    result: str | UnsetType = UNSET


class UnpauseDomain(Event, tag="unpausedomain"):
    """``XEN_DOMCTL_unpausedomain``."""

    observed: ClassVar[tuple[str, ...]] = ("result",)

    domid: Domid
    result: str | UnsetType = UNSET


class DestroyDomain(Event, tag="destroydomain"):
    """``XEN_DOMCTL_destroydomain``."""

    observed: ClassVar[tuple[str, ...]] = ("result",)

    domid: Domid
    result: str | UnsetType = UNSET


class GetDomainInfo(Event, tag="getdomaininfo"):
    """``XEN_DOMCTL_getdomaininfo``; the counters are absent if the result is an errno."""

    observed: ClassVar[tuple[str, ...]] = ("result", "tot_pages", "max_pages", "outstanding_pages")

    domid: Domid
    result: str | UnsetType = UNSET
    tot_pages: DomainPages | UnsetType = UNSET
    max_pages: DomainPages | UnsetType = UNSET
    outstanding_pages: DomainPages | UnsetType = UNSET


class GetOutstandingClaims(Event, tag="get_outstanding_claims"):
    """``XEN_SYSCTL_physinfo``'s view of free and claimed pages."""

    observed: ClassVar[tuple[str, ...]] = ("free_pages", "outstanding_pages")

    free_pages: HostPages | UnsetType = UNSET
    outstanding_pages: HostPages | UnsetType = UNSET


class Continue(Event, tag="continue"):
    """The next critical section of what the builder is doing; on the last one, its outcome."""

    observed: ClassVar[tuple[str, ...]] = (
        "result",
        "mfn",
        "on_node",
        "mfns",
        "pages",
        "nr_done",
        "preempted",
        "scrub_index",
    )

    result: str | UnsetType = UNSET
    mfn: Mfn | None | UnsetType = UNSET
    on_node: Node | UnsetType = UNSET
    mfns: list[Mfn] | UnsetType = UNSET
    pages: Count | UnsetType = UNSET
    nr_done: Count | UnsetType = UNSET
    preempted: Preempted | None | UnsetType = UNSET
    scrub_index: Count | UnsetType = UNSET


Events2 = (
    Events1
    | AllocHeapPages
    | AssignPages
    | FreeHeapPages
    | OnlinePage
    | RelinquishMemory
    | DomainDestroy
    | ClaimMemory
    | GetMemoryClaims
    | ClaimPages
    | PopulatePhysmap
    | MemoryExchange
    | MaxMem
    | PauseDomain
    | UnpauseDomain
    | DestroyDomain
    | GetDomainInfo
    | GetOutstandingClaims
    | Continue
)
