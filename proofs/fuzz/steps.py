"""Events of a trace to be changed: each names pages by the event that was given them, not by their frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from proofs import operations as e
from proofs.operations import AllocDomheapPages, Event
from proofs.traces.events import HostShape


class Frame(Struct, frozen=True):
    """A page: ``page`` of what a step was given, or of a node, where no step was given it."""

    giver: int | None
    """The step's number in the first trace; none: the page is named by its node."""
    which: int
    """Which of the blocks that the step was given; the node, where there is no giver."""
    page: int


class TraceStep(Struct, frozen=True):
    """An event and the pages that it names."""

    number: int
    """In the first trace: stays when events before are left out."""
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
    """Pages of each block that an operation is given."""
    if isinstance(event, e.MemoryExchange):
        return 1 << event.out_order
    if isinstance(event, e.PopulatePhysmap):
        return 1 << event.extent_order
    return 1 << event.order if isinstance(event, AllocDomheapPages | e.AllocHeapPages) else 1


class Given:
    """The blocks that the steps of a run were given, as it goes on."""

    def __init__(self) -> None:
        self._blocks: dict[int, list[int]] = {}
        self._sizes: dict[int, int] = {}
        self._begun: dict[Any, tuple[int, Event]] = {}

    def begins(self, number: int, event: Event) -> None:
        """A step's event, before it is done."""
        if not isinstance(event, e.Continue):
            self._begun[event.builder] = number, event

    def ended(self, event: Event, outcome: dict[str, Any]) -> None:
        """The operation that the event began or went on with has ended."""
        number, begun = self._begun[event.builder]
        mfns = outcome.get("mfns", [outcome.get("mfn")])
        self._blocks[number] = [mfn for mfn in mfns if mfn is not None]
        self._sizes[number] = _size(begun)

    def find(self, mfn: int, span: int) -> Frame:
        """How a step names a frame: by who was given it last, else by its node."""
        for number in reversed(self._blocks):
            for which, first in enumerate(self._blocks[number]):
                if first <= mfn < first + self._sizes[number]:
                    return Frame(number, which, mfn - first)
        return Frame(None, *divmod(mfn, span))

    def frame(self, frame: Frame, host: HostShape) -> int | None:
        """The page that is named; none if it is not there in this run."""
        if frame.giver is None:
            there = frame.which < len(host.nodes) and frame.page < host.nodes[frame.which]
            return frame.which * host.node_span + frame.page if there else None
        blocks = self._blocks.get(frame.giver, [])
        there = frame.which < len(blocks) and frame.page < self._sizes[frame.giver]
        return blocks[frame.which] + frame.page if there else None

    def event(self, step: TraceStep, host: HostShape) -> Event | None:
        """The step's event with the pages of this run; none if they are not there."""
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
        """All but these."""
        return Steps(self.steps[:start] + self.steps[end:])

    def changed(self, index: int, *events: Event) -> Steps:
        """One event exchanged for one, or for none."""
        step = self.steps[index]
        return Steps([*self.steps[:index], *(replace(step, event=event) for event in events), *self.steps[index + 1 :]])

    def every(self, change: Callable[[TraceStep], TraceStep | None]) -> Steps:
        """Each changed, or left out."""
        return Steps([new for step in self.steps if (new := change(step)) is not None])
