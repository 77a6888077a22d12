"""A call of the model evaluated on numbers as it stands, without Z3 and without compiling: slow, and for anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from model.bounded import ListGrid, ListVector
from model.calls import CALL_FIELDS, Call, CallHost, Case, cases
from model.calls.state import CallState
from model.semantics import SEMANTICS
from model.state import Shape
from model.step import Cell, Column, Entry, Row, Step

from .runtime import ModelState


class _View(CallState):
    """A state read as the model reads it: each field when it is looked at."""

    def __init__(self, s: ModelState) -> None:
        self._numbers = s

    def __getattribute__(self, name: str) -> Any:
        info = CALL_FIELDS.get(name)
        if info is None:
            return super().__getattribute__(name)
        value = getattr(self._numbers, name)
        if info.shape is Shape.HOST:
            return value
        return ListGrid(value) if info.shape is Shape.CELL else ListVector(value)


def outcome(semantics: str, s: ModelState, name: str, arguments: Mapping[str, Any]) -> tuple[int, Case]:
    """The index of the case that comes out, and the case. The state is as it was: see :func:`apply`."""
    host = CallHost(s.number_of_nodes, s.number_of_domains)
    call = Call(SEMANTICS[semantics], host, _View(s))
    for index, case in enumerate(cases(call, name, **arguments)):
        if case.condition is True:
            return index, case
        if case.condition is not False:
            raise TypeError(f"{name}: {case.condition!r} is no truth value: not all arguments are numbers")
    raise ValueError(f"{name}: no case applies")


def apply(case: Case, s: ModelState) -> None:
    """Change the state as the case does."""
    if case.effect is None:
        return
    step = case.effect.step()
    new = {name: _new(step, name) for name in step.updates}
    for name, value in new.items():
        setattr(s, name, value)


def _new(step: Step, name: str) -> Any:
    """A field after a step, entries that stay being those before."""
    update, before = step.updates[name], getattr(step.before, name)
    match update:
        case Entry(index, value):
            entries = list(before.entries)
            entries[index] = value
            return entries
        case Cell() | Row() | Column():
            return [[update.at(before, d, n) for n in range(len(row.entries))] for d, row in enumerate(before.rows)]
    return list(update.value.entries) if isinstance(update.value, ListVector) else update.value
