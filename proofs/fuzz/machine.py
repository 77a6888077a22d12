"""A host of the reference with what builders have in flight on it, moved on one critical section at a time."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from proofs.operations import Continue, Event, Outcome
from proofs.replay.execution import boot_shape
from proofs.traces.events import HostShape
from reference.generations import GENERATIONS
from reference.status import MisuseError
from reference.steps import Steps

NOBODY = ""
"""Who does an event that names no builder."""


class OperationInFlight:
    """An operation in flight: the event that began it, and what is left to do."""

    __slots__ = ("event", "steps")

    def __init__(self, event: Event, steps: Steps[Outcome]) -> None:
        self.event = event
        self.steps = steps


def builder_of(event: Event) -> str:
    """Who does it."""
    name: str | UnsetType = event.builder
    return NOBODY if name is UNSET else name


class Machine:
    """The reference of one semantics on a host of one shape."""

    def __init__(self, shape: HostShape, semantics: str, *, check_locks: bool = False) -> None:
        self.host = boot_shape(shape, GENERATIONS[semantics], check_locks=check_locks)
        self.running: dict[str, OperationInFlight] = {}
        self.ended: Event | None = None
        """The event that began the operation which ended last."""

    def begin(self, event: Event) -> Outcome | None:
        """The event's first critical section. None: the operation goes on, with :meth:`go_on`.

        :raises MisuseError: the event cannot stand here
        :raises reference.status.HypervisorCrash: the hypervisor would stop
        """
        builder = builder_of(event)
        if type(event) is Continue:
            return self.go_on(builder)
        if builder in self.running:
            raise MisuseError(f"builder {builder} has not ended what it does")
        return self.begin_as(builder, event)

    def begin_as(self, builder: str, event: Event) -> Outcome | None:
        """:meth:`begin` for a builder that has nothing in flight; the event is no ``continue``."""
        outcome = event.on_reference(self.host)
        if type(outcome) is dict:
            self.ended = event
            return outcome
        self.running[builder] = OperationInFlight(event, outcome)  # type: ignore[arg-type]  # what is no dict is steps
        return self.go_on(builder)

    def go_on(self, builder: str) -> Outcome | None:
        """The next critical section of what a builder does. None: there are more."""
        running = self.running.get(builder)
        if running is None:
            raise MisuseError(f"builder {builder} has nothing to continue")
        try:
            next(running.steps)
        except StopIteration as end:
            del self.running[builder]
            self.ended = running.event
            outcome: Outcome = end.value
            return outcome
        except BaseException:
            del self.running[builder]
            raise
        return None
