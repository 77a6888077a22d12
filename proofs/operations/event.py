"""The base class of events of a trace: an operation, with the state observed after it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, NamedTuple

from msgspec import UNSET, Meta, Struct, UnsetType

from reference.state import Host
from reference.steps import Steps

from .fields import Count, DomainPages, HostPages, Mfn, Order
from .model_steps import StepTranslation
from .sides import CTest, HostAtWork, ModelSide, OperationEnd, TinyHost


class Choice(dict[str, Any]):
    """An event that may come next, in the trace format. It must not be changed: it is decoded once."""

    __slots__ = ("read",)

    read: Event


Outcome = dict[str, Any]
"""The results of an operation, by the names of its observed fields."""


class ScriptWords(NamedTuple):
    """How an operation is written in a script, in addition to its name and the names of its fields."""

    word: str
    main: str = ""
    """The field whose value needs no name: ``d1 populate 4``."""
    short: Mapping[str, str] = {}
    """Short names of fields."""
    defaults: Mapping[str, Any] = {}
    """Values of fields that a trace must have, and a script need not."""


class PendingScrub(Struct, forbid_unknown_fields=True, frozen=True):
    """The stashed extent of a domain."""

    mfn: Mfn
    order: Order
    scrub_index: Count


class PartialCounters(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A domain's counters, as far as they were observed and its generation has them."""

    max_pages: DomainPages | UnsetType = UNSET
    tot_pages: DomainPages | UnsetType = UNSET
    global_claims: DomainPages | UnsetType = UNSET
    node_claims: DomainPages | UnsetType = UNSET
    claims: list[DomainPages] | UnsetType = UNSET
    outstanding_pages: DomainPages | UnsetType = UNSET
    claim_node: Annotated[int, Meta(ge=-1, le=254)] | UnsetType = UNSET
    pending_scrub: PendingScrub | None | UnsetType = UNSET  # claim-trace/2, as the next
    creation_finished: bool | UnsetType = UNSET


class DomainCounters(PartialCounters):
    """A domain's counters, as far as its generation has them."""

    max_pages: DomainPages
    tot_pages: DomainPages


class State(Struct, forbid_unknown_fields=True):
    """The counters after an event."""

    total_avail_pages: HostPages
    outstanding_claims: HostPages
    node_avail_pages: list[HostPages]
    node_outstanding_claims: list[HostPages]
    domains: dict[int, DomainCounters]


class Event(Struct, tag_field="op", forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """An operation: its arguments are fields, and its methods say what it is on every side.

    ``observed`` names the fields that record the outcome, in addition to ``state``.
    """

    observed: ClassVar[tuple[str, ...]] = ()
    weight: ClassVar[float] = 0.0
    """How often it is drawn, relative to the others."""
    in_steps: ClassVar[bool] = False
    """It has several critical sections, between which others may run."""
    any_numbers: ClassVar[dict[str, int] | None] = None
    """The arguments that may be any number, each with the largest value of its type.

    If these are all arguments except the domain that is looked up, and the operation is one critical section, its
    symbolic runs are derived from it. None: its symbolic runs are defined in `proofs.diff`.
    """
    about: ClassVar[str] = ""
    """The objects for which its small events are listed: ``domain``, ``host``, ``block`` or ``frame``."""
    rank: ClassVar[int] = 0
    """Small events about one object are tried by ascending rank."""
    steps: ClassVar[dict[str, StepTranslation]] = {}
    """The steps of the model that it expresses, by name."""
    outcomes: ClassVar[tuple[str, ...]] = ()
    """Outcome classes that are no single case of the model."""
    words: ClassVar[ScriptWords] = ScriptWords("")

    state: State | UnsetType = UNSET
    crash: str | UnsetType = UNSET
    builder: str | UnsetType = UNSET  # claim-trace/2: who does it; runs the first critical section only

    @property
    def op(self) -> str:
        """The operation's name."""
        return str(self.__struct_config__.tag)

    def on_reference(self, host: Host) -> Outcome | Steps[Outcome]:
        """Run it on the reference: at once if it is one critical section, else as steps.

        :raises reference.status.MisuseError: the hypervisor's callers never make this call
        """
        raise NotImplementedError(self.op)

    def on_model(self, model: ModelSide) -> object:
        """Run it on the model: make a call, or begin the script of several."""
        raise NotImplementedError(self.op)

    def in_c(self, test: CTest) -> None:
        """Write it as statements of a C test against the adapter kit."""
        raise NotImplementedError(f"{self.op} in {test}")

    def can_stand(self, model: ModelSide) -> bool:
        """Whether the call is possible now, apart from conditions that are cases of the model."""
        del model
        return True

    def outcome_of(self, ended: OperationEnd, model: ModelSide) -> list[str]:
        """Those of the ``outcomes`` that the end of the operation belongs to."""
        del ended, model
        return []

    @classmethod
    def small(cls, tiny: TinyHost, about: Any) -> Iterable[Choice]:
        """Every event with small arguments that may come next on a tiny host.

        :param about: the domain, the host, the allocated block, or the number of the frame
        """
        raise NotImplementedError(f"{cls.__name__} of {about} on {tiny}")

    @classmethod
    def drawn(cls, work: HostAtWork) -> Event | None:
        """An event drawn at random for a host in use; None: the host has no object for it."""
        raise NotImplementedError(cls.__name__)
