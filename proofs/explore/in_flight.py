"""An operation between two of its critical sections, as a value: which line it is at, and what it holds there."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from proofs.operations import Event
from proofs.replay.runner import OperationInFlight
from reference.generation import Generation
from reference.state import Domain, Host
from reference.steps import Steps


class SavedOperation(OperationInFlight):
    """An operation in flight in a state. It cannot be continued, as one that has begun cannot be copied."""

    __slots__ = ("where",)

    def __init__(self, operation: OperationInFlight, domains: Mapping[int, Domain]) -> None:
        super().__init__(operation.event, _lost())
        self.done = operation.done
        self.where = where(operation.steps, domains)


def _lost() -> Steps[Any]:
    raise RuntimeError("what was in flight in a state that was put back cannot be continued")
    yield


def where(steps: Any, domains: Mapping[int, Domain]) -> Hashable:
    """Equal for operations that will do the same in the same state.

    :param domains: those that there are and were, by their ids
    """
    frames = []
    while steps is not None:
        frame = steps.gi_frame
        held = tuple((name, _described(value, domains)) for name, value in frame.f_locals.items())
        frames.append((frame.f_code, frame.f_lasti, held))
        steps = steps.gi_yieldfrom
    return tuple(frames)


def _described(value: Any, domains: Mapping[int, Domain]) -> Hashable:
    if isinstance(value, tuple | list):
        return tuple([_described(item, domains) for item in value])
    if value is None or isinstance(value, int | str):
        return value
    if isinstance(value, Domain):
        return ("domain", value.domid) if domains.get(value.domid) is value else value
    if isinstance(value, Host | Generation):
        return type(value).__name__
    if isinstance(value, Event):
        return None  # the operation determines it, except its builder, which does not matter
    return object()  # a block, say, which others may exchange meanwhile: equal to nothing
