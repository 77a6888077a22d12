"""An operation between two of its critical sections, as a value: which line it is at, and what it holds there."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from msgspec import Struct

from proofs.operations import Event
from reference.generation import Generation
from reference.state import Domain, Host
from reference.steps import Steps


class InFlight(Struct):
    """An operation in flight."""

    event: dict[str, Any]
    """That began it."""
    done: int
    """Critical sections."""
    steps: Steps[Any] | None
    """What is left of it; None where the state was put back: an operation that has begun cannot be copied."""
    where: Hashable = None
    """What :func:`where` says of the steps that were there."""


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
        return None  # told with the operation, but for its builder, which does not matter
    return object()  # a block, say, which others may exchange meanwhile: equal to nothing
