"""Steps of a trace that can be changed: each names pages by the event that was given them, not by frame number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from proofs import operations as e
from proofs.operations import AllocDomheapPages, Event
from proofs.traces.events import HostShape


class Frame(Struct, frozen=True):
    """A page: an offset in a block that a step was given, or in a node, if no step was given it."""

    giver: int | None
    """The step's number in the first trace; None: the page is named by its node."""
    which: int
    """The index of the block among those that the step was given; without a giver, the node."""
    page: int


class TraceStep(Struct, frozen=True):
    """An event and the pages that it names."""

    number: int
    """The number in the first trace; it does not change when earlier steps are left out."""
    event: Event
    frames: tuple[Frame, ...] = ()


def named(event: Event) -> list[int]:
    """The frames that an event names as arguments."""
    if isinstance(event, e.MemoryExchange):
        return list(event.in_mfns)
    if "mfn" in event.observed or not hasattr(event, "mfn"):
        return []
    return [event.mfn]


def _size(event: Event) -> int:
    """The pages of each block that an operation is given."""
    if isinstance(event, e.MemoryExchange):
        return 1 << event.out_order
    if isinstance(event, e.PopulatePhysmap):
        return 1 << event.extent_order
    return 1 << event.order if isinstance(event, AllocDomheapPages | e.AllocHeapPages) else 1


class GivenBlocks:
    """The blocks that the steps of a run were given so far."""

    def __init__(self) -> None:
        self._blocks: dict[int, list[int]] = {}
        self._sizes: dict[int, int] = {}
        self._begun: dict[Any, tuple[int, Event]] = {}

    def begins(self, number: int, event: Event) -> None:
        """Record a step's event before it runs."""
        if not isinstance(event, e.Continue):
            self._begun[event.builder] = number, event

    def ended(self, event: Event, outcome: dict[str, Any]) -> None:
        """Record the outcome of the operation that the event began or continued, at its end."""
        number, begun = self._begun[event.builder]
        mfns = outcome.get("mfns", [outcome.get("mfn")])
        self._blocks[number] = [mfn for mfn in mfns if mfn is not None]
        self._sizes[number] = _size(begun)

    def find(self, mfn: int, span: int) -> Frame:
        """The name of a frame in a step: by the step that was given it last, else by its node."""
        for number in reversed(self._blocks):
            for which, first in enumerate(self._blocks[number]):
                if first <= mfn < first + self._sizes[number]:
                    return Frame(number, which, mfn - first)
        return Frame(None, *divmod(mfn, span))

    def frame(self, frame: Frame, host: HostShape) -> int | None:
        """The frame of a named page; None: it does not exist in this run."""
        if frame.giver is None:
            there = frame.which < len(host.nodes) and frame.page < host.nodes[frame.which]
            return frame.which * host.node_span + frame.page if there else None
        blocks = self._blocks.get(frame.giver, [])
        there = frame.which < len(blocks) and frame.page < self._sizes[frame.giver]
        return blocks[frame.which] + frame.page if there else None

    def event(self, step: TraceStep, host: HostShape) -> Event | None:
        """The step's event with the pages of this run; None: they do not exist."""
        if not step.frames:
            return step.event
        mfns = [self.frame(frame, host) for frame in step.frames]
        if None in mfns:
            return None
        if isinstance(step.event, e.MemoryExchange):
            return replace(step.event, in_mfns=mfns)
        return replace(step.event, mfn=mfns[0])


class Steps:
    """A sequence of steps."""

    def __init__(self, steps: Sequence[TraceStep]) -> None:
        self.steps = list(steps)

    def __len__(self) -> int:
        return len(self.steps)

    def without(self, start: int, end: int) -> Steps:
        """The steps without those from start to end."""
        return Steps(self.steps[:start] + self.steps[end:])

    def changed(self, index: int, *events: Event) -> Steps:
        """The steps with one event replaced or removed."""
        step = self.steps[index]
        return Steps([*self.steps[:index], *(replace(step, event=event) for event in events), *self.steps[index + 1 :]])

    def every(self, change: Callable[[TraceStep], TraceStep | None]) -> Steps:
        """The steps with each one changed, or left out where `change` returns None."""
        return Steps([new for step in self.steps if (new := change(step)) is not None])
