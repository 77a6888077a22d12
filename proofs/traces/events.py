"""The events of ``claim-trace/1``: one type an operation, decoded and checked by msgspec.

Events are the hypervisor's functions. ``own_events`` adds those of the project's extension, ``claim-trace/2``.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from .fields import Count, DomainPages, Domid, HostPages, MemFlag, Mfn, Node, Order, Pad, Pages, Target, require_u64

FORMAT_1 = "claim-trace/1"
FORMAT_2 = "claim-trace/2"


class HostShape(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """Node i owns machine frames i*node_span .. i*node_span+nodes[i]-1; all are free at boot."""

    node_span: Annotated[int, Meta(ge=1, le=2**40)]
    nodes: Annotated[list[Annotated[int, Meta(ge=0, le=2**40)]], Meta(min_length=1, max_length=64)]
    llc_coloring: bool = False  # claim-trace/2, as the next two
    last_alloc_node: Annotated[int, Meta(ge=0, le=254)] | UnsetType = UNSET  # of a new domain; absent: none
    debug_build: bool = False  # assertions that only a debug build has stop the host


class Header(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The first line of a trace."""

    format: str
    semantics: str
    source: str
    host: HostShape
    seed: int = 0
    expect: list[str] = []  # claim-trace/2: properties that the trace breaks, and no others


class PendingScrub(Struct, forbid_unknown_fields=True, frozen=True):
    """The stashed extent of a domain."""

    mfn: Mfn
    order: Order
    scrub_index: Count


class DomainCounters(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A domain's counters, as far as its generation has them."""

    max_pages: DomainPages
    tot_pages: DomainPages
    global_claims: DomainPages | UnsetType = UNSET
    node_claims: DomainPages | UnsetType = UNSET
    claims: list[DomainPages] | UnsetType = UNSET
    outstanding_pages: DomainPages | UnsetType = UNSET
    claim_node: Annotated[int, Meta(ge=-1, le=254)] | UnsetType = UNSET
    pending_scrub: PendingScrub | None | UnsetType = UNSET  # claim-trace/2, as the next
    creation_finished: bool | UnsetType = UNSET


class State(Struct, forbid_unknown_fields=True):
    """The counters after an event."""

    total_avail_pages: HostPages
    outstanding_claims: HostPages
    node_avail_pages: list[HostPages]
    node_outstanding_claims: list[HostPages]
    domains: dict[int, DomainCounters]


class Claim(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """One entry of a claim set."""

    pages: Pages
    target: Target | Literal["global"]
    pad: Pad = 0

    def __post_init__(self) -> None:
        require_u64("pages", self.pages)


class Event(Struct, tag_field="op", forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """What all events have. ``observed`` names the fields that record the outcome, beside ``state``."""

    observed: ClassVar[tuple[str, ...]] = ()

    state: State | UnsetType = UNSET
    crash: str | UnsetType = UNSET
    builder: str | UnsetType = UNSET  # claim-trace/2: who does it; runs the first critical section only

    @property
    def op(self) -> str:
        """The operation's name."""
        return str(self.__struct_config__.tag)


class Boot(Event, tag="boot"):
    """All pages are free, no domain exists."""


class CreateDomain(Event, tag="create_domain"):
    """A new domain without pages and claims."""

    domid: Domid
    max_pages: DomainPages
    node_affinity: Annotated[list[Node], Meta(min_length=1)]


class SetMaxPages(Event, tag="set_max_pages"):
    """``XEN_DOMCTL_max_mem``: the new limit."""

    domid: Domid
    max_pages: DomainPages


class InstallClaimSet(Event, tag="install_claim_set"):
    """Replace the domain's claims by a set."""

    observed: ClassVar[tuple[str, ...]] = ("result",)

    domid: Domid
    claims: list[Claim]
    result: str | UnsetType = UNSET


class SetOutstandingPages(Event, tag="set_outstanding_pages"):
    """The legacy claim."""

    observed: ClassVar[tuple[str, ...]] = ("result",)

    domid: Domid
    pages: Pages
    node: Node | None | UnsetType = UNSET  # single-node generations only
    result: str | UnsetType = UNSET

    def __post_init__(self) -> None:
        require_u64("pages", self.pages)


class AllocDomheapPages(Event, tag="alloc_domheap_pages"):
    """Allocate 2^order pages and assign them."""

    observed: ClassVar[tuple[str, ...]] = ("mfn", "on_node")

    domid: Domid | None
    order: Order
    node: Node | None
    memflags: list[MemFlag]
    mfn: Mfn | None | UnsetType = UNSET
    on_node: Node | UnsetType = UNSET  # absent if refused


class FreeDomheapPages(Event, tag="free_domheap_pages"):
    """Free 2^order pages."""

    mfn: Mfn
    order: Order


class OfflinePage(Event, tag="offline_page"):
    """Take one page out of use."""

    observed: ClassVar[tuple[str, ...]] = ("result",)

    mfn: Mfn
    result: str | UnsetType = UNSET


class DomainKill(Event, tag="domain_kill"):
    """The domain is dying and its claims are released."""

    observed: ClassVar[tuple[str, ...]] = ("result",)

    domid: Domid
    result: str | UnsetType = UNSET


Events1 = (
    Boot
    | CreateDomain
    | SetMaxPages
    | InstallClaimSet
    | SetOutstandingPages
    | AllocDomheapPages
    | FreeDomheapPages
    | OfflinePage
    | DomainKill
)
