"""The updates of a step written as Python: everything is computed first, and stored then."""

from __future__ import annotations

from typing import Any

import z3

from model.calls import CALL_FIELDS
from model.logic import Term
from model.state import Shape
from model.step import Cell, Column, Entry, Row, Step, Update

from .code import Code
from .vectors import INDEX


def terms_of(step: Step) -> list[Term]:
    """The terms that :func:`write_updates` will write."""
    terms: list[Term] = []
    for name, update in step.updates.items():
        match update:
            case Entry(_, value) | Cell(_, _, value):
                terms.append(value)
            case Row(_, values) | Column(_, values):
                terms.append(_entry(values))
            case _:
                of_host = CALL_FIELDS[name].shape is Shape.HOST
                terms.append(update.value if of_host else _entry(update.value))
    return terms


def write_updates(code: Code, step: Step) -> set[str]:
    """Write what a step changes; returns the fields."""
    writer = _Writer(code, step)
    for name, update in step.updates.items():
        writer.write(name, update)
    for _, store in writer.stores:
        code.line(store)
    return {name for name, _ in writer.stores}


class _Writer:
    def __init__(self, code: Code, step: Step) -> None:
        self._code, self._before = code, step.before
        self.stores: list[tuple[str, str]] = []
        """Field and line."""
        self._taken: set[str] = set()

    def write(self, name: str, update: Update) -> None:
        """Compute one field's new value, and note where it is to be stored."""
        before = getattr(self._before, name)
        term = self._code.term
        match update:
            case Entry(index, value):
                self._one(name, f"[{term(index)}]", value, before[index])
            case Cell(domain, node, value):
                self._one(name, f"[{term(domain)}][{term(node)}]", value, before[domain, node])
            case Row(domain, values):
                self._all(name, f"[{term(domain)}]", values, before.row(domain))
            case Column(node, values):
                self._column(name, node, values, before.column(node))
            case _ if CALL_FIELDS[name].shape is Shape.HOST:
                self._one(name, "", update.value, before)
            case _:
                self._all(name, "", update.value, before)

    def _one(self, name: str, at: str, value: Term, before: Term) -> None:
        if not _unchanged(value, before):
            self.stores.append((name, f"s.{name}{at} = {self._code.term(value)}"))

    def _all(self, name: str, at: str, values: Any, before: Any) -> None:
        """A list of its own: no two fields share one."""
        if _unchanged(_entry(values), _entry(before)):
            return
        new = self._code.entries(values.over, _entry(values))
        if new.startswith("s.") or new in self._taken:
            new = f"{new}[:]"
        self._taken.add(new)
        self.stores.append((name, f"s.{name}{at} = {new}"))

    def _column(self, name: str, node: Term, values: Any, before: Any) -> None:
        if not _unchanged(_entry(values), _entry(before)):
            new = self._code.entries(values.over, _entry(values))
            index = self._code.term(node)
            self.stores.append((name, f"for row, value in zip(s.{name}, {new}): row[{index}] = value"))


def _entry(values: Any) -> Term:
    return values[INDEX[values.over]]


def _unchanged(value: Term, before: Term) -> bool:
    return isinstance(value, z3.AstRef) and bool(z3.simplify(value).eq(z3.simplify(before)))
