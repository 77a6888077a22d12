"""The events of a trace done on a host of the reference, builders' critical sections included."""

from __future__ import annotations

from msgspec import UNSET

from proofs.operations import Continue, Event, Outcome
from proofs.traces.events import HostShape
from reference.generation import Generation
from reference.heap import BlockPolicy, lowest_address
from reference.state import Host, boot
from reference.status import MisuseError
from reference.steps import Steps, run


def boot_shape(
    shape: HostShape, semantics: Generation, *, block_policy: BlockPolicy = lowest_address, check_locks: bool = False
) -> Host:
    """A host after boot, as the header of a trace has it."""
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


class Execution:
    """A host, and what its builders have not ended yet."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.builders: dict[str, Steps[Outcome]] = {}

    def do(self, event: Event) -> Outcome:
        """Do what the event says; the outcome is empty while a builder's operation goes on.

        :raises MisuseError: it cannot be done
        :raises reference.status.HypervisorCrash: the hypervisor stops there
        """
        builder = event.builder
        if type(event) is Continue:
            steps = self.builders.pop(builder, None)  # type: ignore[arg-type]  # none where there is no builder
            if steps is None:
                raise MisuseError(f"builder {builder} has nothing to continue")
            return self._step(builder, steps)  # type: ignore[arg-type]  # it is a key
        if builder is not UNSET and builder in self.builders:
            raise MisuseError(f"builder {builder} has not ended what it does")
        outcome = event.on_reference(self.host)
        if isinstance(outcome, dict):
            return outcome
        return run(outcome) if builder is UNSET else self._step(builder, outcome)

    def _step(self, builder: str, steps: Steps[Outcome]) -> Outcome:
        try:
            next(steps)
        except StopIteration as end:
            outcome: Outcome = end.value
            return outcome
        self.builders[builder] = steps
        return {}
