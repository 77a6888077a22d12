"""What every event of a trace is: an operation, with the state that was observed after it."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from msgspec import UNSET, Meta, Struct, UnsetType

from reference.state import Host
from reference.steps import Steps

from .fields import Count, DomainPages, HostPages, Mfn, Order
from .sides import HostAtWork, ModelSide, OperationEnd

Outcome = dict[str, Any]
"""What an operation answers, by the names of its observed fields."""


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


class Event(Struct, tag_field="op", forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """An operation: its arguments are fields, and its methods say what it is on every side.

    ``observed`` names the fields that record the outcome, in addition to ``state``.
    """

    observed: ClassVar[tuple[str, ...]] = ()
    weight: ClassVar[float] = 0.0
    """How often it is drawn, against the others."""
    in_steps: ClassVar[bool] = False
    """It has several critical sections: others may run between them."""
    any_numbers: ClassVar[dict[str, int] | None] = None
    """The arguments that may be any number, each with the largest that its type holds.

    Where they are all, but for the domain that the hypervisor looks up, and the operation is one critical section, its
    symbolic runs are derived from it; elsewhere it is None, and they are written down in `proofs.diff`.
    """
    outcomes: ClassVar[tuple[str, ...]] = ()
    """Outcome classes that no single case of the model names."""

    state: State | UnsetType = UNSET
    crash: str | UnsetType = UNSET
    builder: str | UnsetType = UNSET  # claim-trace/2: who does it; runs the first critical section only

    @property
    def op(self) -> str:
        """The operation's name."""
        return str(self.__struct_config__.tag)

    def on_reference(self, host: Host) -> Outcome | Steps[Outcome]:
        """Do it on the reference: at once if it is one critical section, else as steps.

        :raises reference.status.MisuseError: the hypervisor is never called like that
        """
        raise NotImplementedError(self.op)

    def on_model(self, model: ModelSide) -> object:
        """Do it on the model: a call that is made, or the script of several."""
        raise NotImplementedError(self.op)

    def can_stand(self, model: ModelSide) -> bool:
        """Whether the hypervisor can be called like that now, as far as no case of the model says so."""
        del model
        return True

    def outcome_of(self, ended: OperationEnd, model: ModelSide) -> list[str]:
        """Which of the ``outcomes`` the end of the operation is."""
        del ended, model
        return []

    @classmethod
    def drawn(cls, work: HostAtWork) -> Event | None:
        """One drawn at random for a host at work; None where there is nothing to do it on."""
        raise NotImplementedError(cls.__name__)
