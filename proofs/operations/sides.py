"""What operations need of others: of the model they are done on, and of the host for which they are drawn."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from reference.pages import Block
from reference.state import Domain, Host

from .draw import Draw
from .fields import MemFlag

if TYPE_CHECKING:
    from .domains import CreateDomain
    from .populating import PopulatePhysmap


class OperationEnd(Protocol):
    """How an operation of several critical sections ended in the model."""

    @property
    def result(self) -> str:
        """`OK` or an errno's name, or `refused`, `crash`."""

    @property
    def blocks(self) -> Collection[Any]:
        """The pages that it gave to the domain."""

    @property
    def pages(self) -> Any:
        """How many pages were freed."""

    @property
    def preempted(self) -> str | None:
        """Where it was preempted."""


class ModelSide(Protocol):
    """A model, and the host of the reference that it is the model of."""

    host: Host

    @property
    def killing(self) -> Collection[int]:
        """Ids of domains whose ``domain_kill`` holds the domctl lock."""

    def call(self, name: str, **arguments: Any) -> object:
        """Make a call of one critical section."""

    def call_for(self, name: str, domid: int, **arguments: Any) -> object:
        """The same for a domain that is looked up: it may not exist."""

    def call_on(self, name: str, mfn: int, order: int, **arguments: Any) -> object:
        """The same on allocated frames; impossible where they are not."""

    def script(self, name: str, *arguments: Any, **named: Any) -> object:
        """Begin an operation of several critical sections."""

    def impossible(self, why: str) -> object:
        """The hypervisor is never called like that."""

    def create_domain(self, event: CreateDomain) -> object:
        """Make a new domain."""

    def offline_page(self, mfn: int) -> object:
        """Take a page out of use."""

    def online_page(self, mfn: int) -> object:
        """Bring a page back."""

    def entries(self, claims: Iterable[Any], reserved: str = "pad") -> list[Any]:
        """The entries of a claim set; ``reserved``: the field that has to be 0."""

    def request(self, event: Any) -> dict[str, Any]:
        """The requested node and the flags of an allocation, by the model's names."""

    def preempt_at(self, extent: int, scrub_index: int) -> Any:
        """A preemption check that says yes."""

    def pages_at(self, mfn: int, order: int) -> Any:
        """What these frames are; None if they are not all allocated, or not alike."""

    def owned(self, domid: int) -> Callable[[], Any]:
        """Gives the blocks of a domain, as the reference goes through them."""

    def known(self, domid: int) -> int | None:
        """The id, if a domain on the list has it."""

    def has(self, domid: int | None) -> bool:
        """Whether a domain on the list has the id; a call for no domain has all it needs."""

    def is_dying(self, domid: int) -> bool:
        """Whether the domain is dying."""

    def only_callers_refuse(self, domid: int) -> bool:
        """Whether the domain is dying, and not the function but its callers refuse claims then."""

    def is_free_id(self, domid: int) -> bool:
        """Whether a new domain may get the id."""

    def has_page(self, mfn: int) -> bool:
        """Whether the host has the frame."""


class Loose(NamedTuple):
    """Pages that an ``alloc_heap_pages`` of its own left in limbo, for somebody to assign or to free."""

    mfn: int
    order: int
    domid: int
    memflags: list[MemFlag]


class HostAtWork(Protocol):
    """A host for which events are drawn: what is in flight on it, and what may be done without misuse."""

    host: Host
    draw: Draw
    wild: float
    """How often an argument is arbitrary, and not chosen to pass the checks."""
    killing: Collection[int]
    """Ids of domains whose ``domain_kill`` holds the domctl lock."""
    loose: list[Loose]
    preempted: dict[int, PopulatePhysmap]
    """By domain: what continues the call that was preempted last."""

    @property
    def extended(self) -> bool:
        """Whether what only ``claim-trace/2`` has can be asked for."""

    def any_domain(self) -> Domain | None:
        """One of the domains, if there are any."""

    def any_domid(self) -> int:
        """The id of a domain; now and then of none."""

    def populated_domid(self) -> int:
        """Often the id of a domain that is being populated, or has a stashed extent."""

    def any_node(self) -> int | None:
        """A node to request, or None."""

    def any_mfn(self) -> int | None:
        """A frame of the host, in any state."""

    def free_domids(self, most: int) -> list[int]:
        """Ids below ``most`` that a new domain may get."""

    def assignable(self) -> list[Loose]:
        """Pages loose in limbo whose domain is on the list."""

    def freeable_blocks(self) -> list[Block]:
        """Blocks that a holder may free."""

    def owned_blocks(self) -> list[Block]:
        """Blocks that are a domain's."""
