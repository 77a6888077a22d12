"""The runner: operations of several builders on a host of the reference, one critical section at a time."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from proofs.operations import Continue, Event, Outcome
from proofs.traces.events import HostShape
from reference.generation import Generation
from reference.heap import BlockPolicy, NodeHeap, lowest_address
from reference.state import Host, boot
from reference.status import MisuseError
from reference.steps import Steps, run

NOBODY = ""
"""The builder of events that name no builder, if their critical sections are run one by one."""


def builder_of(event: Event) -> str:
    """The builder of an event."""
    name: str | UnsetType = event.builder
    return NOBODY if name is UNSET else name


def boot_shape(
    shape: HostShape, semantics: Generation, *, block_policy: BlockPolicy = lowest_address, check_locks: bool = False
) -> Host:
    """A host after boot, as the header of a trace describes it."""
    last = shape.last_alloc_node
    return boot(
        tuple(shape.nodes),
        shape.node_span,
        semantics,
        block_policy=block_policy,
        check_locks=check_locks,
        llc_coloring_enabled=shape.llc_coloring,
        debug_build=shape.debug_build,
        last_alloc_node=None if last is UNSET else last,
    )


class ObservedBlock:
    """The block policy of a replay: the block that the hypervisor took, if it is a legal choice."""

    def __init__(self) -> None:
        self.blocks: list[int] = []

    def __call__(self, heap: NodeHeap, order: int) -> int | None:
        """The observed block; if it cannot be taken from this node, any other, so that the results differ."""
        if self.blocks:
            mfn = self.blocks[0]
            if heap.first_mfn <= mfn < heap.first_mfn + heap.pages and heap.find(mfn, order) is not None:
                self.blocks.pop(0)
                return mfn
        return lowest_address(heap, order)

    def expect(self, event: Event) -> None:
        """Read from the event which blocks its allocations got. A builder's event does not have them yet."""
        self.blocks = []
        observed = event.observed
        if "mfn" in observed:
            mfn = event.mfn  # type: ignore[attr-defined]  # it is among the observed fields
            if mfn is not None and mfn is not UNSET:
                self.blocks = [mfn]
        elif "mfns" in observed:
            mfns = event.mfns  # type: ignore[attr-defined]  # likewise
            if mfns is not UNSET:
                self.blocks = list(mfns)


class OperationInFlight:
    """An operation in flight: the event that began it, and its remaining critical sections."""

    __slots__ = ("done", "event", "steps")

    def __init__(self, event: Event, steps: Steps[Outcome]) -> None:
        self.event = event
        self.steps = steps
        self.done = 0
        """The remaining critical sections."""


class Runner:
    """A host, and its builders' operations in flight.

    :param policy: the host's block policy, if events record which blocks they got
    """

    def __init__(self, host: Host, policy: ObservedBlock | None = None) -> None:
        self.host = host
        self.policy = policy
        self.in_flight: dict[str, OperationInFlight] = {}
        """Operations by builder."""
        self.ended: Event | None = None
        """The event that began the last operation that ended, among those begun by :meth:`begin`."""

    def do(self, event: Event) -> Outcome:
        """Run the event; the outcome is empty while a builder's operation has not ended.

        :raises MisuseError: the event is impossible
        :raises reference.status.HypervisorCrash: the hypervisor stops there
        """
        if type(event) is Continue:
            if self.policy is not None:
                self.policy.blocks = []  # left from an earlier event, which was refused
            return self.go_on(builder_of(event)) or {}
        if self.policy is not None and event.observed:
            self.policy.expect(event)
        builder = event.builder
        if builder is not UNSET:
            return self.begin(builder, event) or {}
        outcome = event.on_reference(self.host)
        return outcome if isinstance(outcome, dict) else run(outcome)

    def begin(self, builder: str, event: Event) -> Outcome | None:
        """Run the first critical section of a builder's operation. None: there are more, for :meth:`go_on`.

        :param event: any event except ``continue``
        :raises MisuseError: the event is impossible at this point
        :raises reference.status.HypervisorCrash: the hypervisor stops there
        """
        if builder in self.in_flight:
            raise MisuseError(f"builder {builder} has not ended its operation; continue it first")
        outcome = event.on_reference(self.host)
        if type(outcome) is dict:
            self.ended = event
            return outcome
        self.in_flight[builder] = OperationInFlight(event, outcome)  # type: ignore[arg-type]  # a dict, or else steps
        return self.go_on(builder)

    def go_on(self, builder: str) -> Outcome | None:
        """Run the next critical section of a builder's operation. None: there are more."""
        operation = self.in_flight.get(builder)
        if operation is None:
            raise MisuseError(f"builder {builder} has no operation to continue")
        operation.done += 1
        try:
            next(operation.steps)
        except StopIteration as end:
            del self.in_flight[builder]
            self.ended = operation.event
            outcome: Outcome = end.value
            return outcome
        except BaseException:
            del self.in_flight[builder]
            raise
        return None
