"""A call of the model evaluated on numbers as it stands, without Z3 and without compiling: slow, and for anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from model.calls import CALL_FIELDS, Call, CallHost, Case, cases
from model.calls.state import CallState
from model.hosts.bounded import ListGrid, ListVector
from model.named import GENERATIONS
from model.state import Shape
from model.step import Cell, Column, Entry, Row, Update

from .runtime import ModelState


class _LazyState(CallState):
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
    call = Call(GENERATIONS[semantics], host, _LazyState(s))
    for index, case in enumerate(cases(call, name, **arguments)):
        if case.condition is True:
            return index, case
        if case.condition is not False:
            raise TypeError(f"{name}: {case.condition!r} is no truth value: not all arguments are numbers")
    raise ValueError(f"{name}: no case applies")


def apply(case: Case, s: ModelState) -> frozenset[str]:
    """Change the state as the case does; returns which fields."""
    if case.effect is None:
        return frozenset()
    step = case.effect.step()
    new = {name: _new(update, getattr(s, name)) for name, update in step.updates.items()}
    for name, value in new.items():
        setattr(s, name, value)
    return frozenset(new)


def answer(case: Case) -> dict[str, Any]:
    """What the case tells, vectors as lists."""
    return {name: _numbers(told) if isinstance(told, ListVector) else told for name, told in case.answer.items()}


def _new(update: Update, before: Any) -> Any:
    """A field after a step; what stays is shared with the field before."""
    match update:
        case Entry(index, value):
            return _replaced(before, index, value)
        case Cell(domain, node, value):
            return _replaced(before, domain, _replaced(before[domain], node, value))
        case Row(domain, values):
            return _replaced(before, domain, _numbers(values))
        case Column(node, values):
            return [_replaced(row, node, value) for row, value in zip(before, _numbers(values), strict=True)]
    return _numbers(update.value) if isinstance(update.value, ListVector) else update.value


def _replaced(entries: list[Any], index: int, value: Any) -> list[Any]:
    return [*entries[:index], value, *entries[index + 1 :]]


def _numbers(vector: Any) -> list[Any]:
    return list(vector.entries)
