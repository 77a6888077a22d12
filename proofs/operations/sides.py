"""The interfaces that operations use: the model they run on, and the host that they are drawn for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from msgspec import UnsetType

from reference.pages import Block
from reference.state import Domain, Host

from .draw import Draw
from .fields import MemFlag


class OperationEnd(Protocol):
    """How an operation of several critical sections ended in the model."""

    @property
    def result(self) -> str:
        """`OK` or an errno's name, or `refused`, `crash`."""

    @property
    def blocks(self) -> Collection[Any]:
        """The pages that the domain got."""

    @property
    def pages(self) -> Any:
        """The number of pages freed."""

    @property
    def preempted(self) -> str | None:
        """Where it was preempted; None: it was not."""


class ModelSide(Protocol):
    """The model of a host of the reference."""

    host: Host

    @property
    def killing(self) -> Collection[int]:
        """Ids of domains whose ``domain_kill`` holds the domctl lock."""

    def call(self, name: str, **arguments: Any) -> object:
        """Make a call of one critical section."""

    def call_for(self, name: str, domid: int, **arguments: Any) -> object:
        """Make a call for a domain that is looked up and may not exist."""

    def call_on(self, name: str, mfn: int, order: int, **arguments: Any) -> object:
        """Make a call on allocated frames; impossible if they are not."""

    def script(self, name: str, *arguments: Any, **named: Any) -> object:
        """Begin an operation of several critical sections."""

    def impossible(self, why: str) -> object:
        """The result of a call that the hypervisor's callers never make."""

    def create_domain(self, event: Any) -> object:
        """Make a new domain."""

    def offline_page(self, mfn: int) -> object:
        """Take a page offline."""

    def online_page(self, mfn: int) -> object:
        """Bring a page back online."""

    def entries(self, claims: Iterable[Any], reserved: str = "pad") -> list[Any]:
        """The entries of a claim set; ``reserved``: the field that must be 0."""

    def request(self, event: Any) -> dict[str, Any]:
        """The requested node and the flags of an allocation, by the model's names."""

    def preempt_at(self, extent: int, scrub_index: int) -> Any:
        """The preemption check that succeeds."""

    def pages_at(self, mfn: int, order: int) -> Any:
        """The block of these frames; None: they are not all allocated, or not alike."""

    def owned(self, domid: int) -> Callable[[], Any]:
        """A function that returns the blocks of a domain in the reference's order."""

    def known(self, domid: int) -> int | None:
        """The id, if a domain on the list has it; else None."""

    def has(self, domid: int | None) -> bool:
        """Whether a domain on the list has the id; True for None, a call without a domain."""

    def is_dying(self, domid: int) -> bool:
        """Whether the domain is dying."""

    def only_callers_refuse(self, domid: int) -> bool:
        """Whether the domain is dying and only the callers, not the function itself, refuse its claims."""

    def is_free_id(self, domid: int) -> bool:
        """Whether a new domain may get the id."""

    def has_page(self, mfn: int) -> bool:
        """Whether the host has the frame."""


class LimboPages(NamedTuple):
    """Pages that an ``alloc_heap_pages`` event left in limbo, for another event to assign or free."""

    mfn: int
    order: int
    domid: int
    memflags: list[MemFlag]


class CTest(Protocol):
    """A C test against the adapter kit, under construction."""

    blocks: dict[int, tuple[str, int]]
    """First frame in the trace -> the variable that holds it, and the number of frames."""
    node_span: int

    def line(self, statement: str) -> None:
        """Add a statement."""

    def check(self, condition: str) -> None:
        """Add a condition that must hold."""

    def result(self, call: str, result: object) -> None:
        """Add a call and the status that it must return: `OK` or an errno's name; any status if none was observed."""

    def frame(self, mfn: int, order: int = 0) -> str:
        """The implementation's frame for one of the trace; for an allocated frame, by the variable of its block."""

    def block(self, call: str, mfn: int | None | UnsetType, order: int) -> None:
        """Add a call that returns a frame: a block on the node that it has in the trace, or CLAIM_NONE."""

    def blocks_of(self, array: str, mfns: Sequence[int], order: int) -> None:
        """Add that an array of the trace's frames has these blocks, each on the node that it has in the trace."""


class TinyHost(NamedTuple):
    """A host of a few pages, for which every event with small arguments is listed."""

    host: Host
    order: int
    """The order of the largest block requested: 2^order pages."""
    domctl: bool
    """Whether the domctl lock is free."""
    builder: str
    """The builder of operations of several critical sections."""

    @property
    def pages(self) -> int:
        """The pages of all nodes."""
        return sum(self.host.node_pages)


class HostAtWork(Protocol):
    """A host for which events are drawn: what is in flight on it, and the objects that events may name."""

    host: Host
    draw: Draw
    wild: float
    """The share of arguments that are arbitrary, not chosen to pass the checks."""
    killing: Collection[int]
    """Ids of domains whose ``domain_kill`` holds the domctl lock."""
    loose: list[LimboPages]
    preempted: dict[int, Any]
    """By domain: the call that continues the last preempted one."""

    @property
    def extended(self) -> bool:
        """Whether features that only ``claim-trace/2`` has may be used."""

    def any_domain(self) -> Domain | None:
        """One of the domains; None: there is no domain."""

    def any_domid(self) -> int:
        """The id of a domain; sometimes an id that no domain has."""

    def populated_domid(self) -> int:
        """Often the id of a domain that is being populated or has a stashed extent."""

    def any_node(self) -> int | None:
        """A node to request; None: any node."""

    def any_mfn(self) -> int | None:
        """A frame of the host, in any state; None: the node drawn has no pages."""

    def free_domids(self) -> list[int]:
        """Ids that a new domain may get."""

    def assignable(self) -> list[LimboPages]:
        """Pages in limbo, held by no operation, whose domain is on the list."""

    def freeable_blocks(self) -> list[Block]:
        """Blocks that may be freed."""

    def owned_blocks(self) -> list[Block]:
        """Blocks that a domain owns."""
