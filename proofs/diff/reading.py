"""The model's terms, read along a path: what the path decided is put in, and a linear number is left.

A term is translated once, and then read on every path. That the reference's number is the same sum is then plain to
see, and nothing is left to ask the solver.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import z3

from proofs.diff.explorer import Explorer
from proofs.diff.numbers import Number, Truth

Read = Callable[[], Any]
"""Gives the term's value on the path: a `Number`, int or bool."""


class Open(Exception):
    """The term depends on a condition that was not decided in these words."""


class Reader:
    """Reads terms over the unknowns of an explorer."""

    def __init__(self, explorer: Explorer) -> None:
        self._explorer = explorer
        self._known: dict[int, tuple[z3.ExprRef, Any]] = {}

    def is_plainly(self, value: Any, term: Any) -> bool:
        """Whether the reference's value is what the term says on this path, without asking the solver."""
        try:
            return _same(value, self._value(self._translated(term)) if isinstance(term, z3.ExprRef) else term)
        except Open:
            return False

    def _translated(self, term: z3.ExprRef) -> Any:
        """A value that is the same on all paths, or a function that reads it on one."""
        key = term.get_id()
        if key not in self._known:
            self._known[key] = (term, self._translate(term))  # kept, so that the id stays its own
        return self._known[key][1]

    def _translate(self, term: z3.ExprRef) -> Any:
        kind = term.decl().kind()
        if kind == z3.Z3_OP_ANUM:
            return term.as_long()
        if kind == z3.Z3_OP_UNINTERPRETED:
            name = term.decl().name()
            return self._explorer.flag(name) if z3.is_bool(term) else self._explorer.number(name)
        parts = [self._translated(part) for part in term.children()]
        if kind in _LOGIC:
            logic = _LOGIC[kind]
            return lambda: logic(self, parts)
        if kind not in _ARITHMETIC:
            raise ValueError(f"the model has a term of an unknown kind: {term}")
        meaning = _ARITHMETIC[kind]
        if any(callable(part) or isinstance(part, Truth) for part in parts):
            return lambda: meaning([self._value(part) for part in parts])
        return meaning(parts)

    def _value(self, part: Any) -> Any:
        return part() if callable(part) else part

    def holds(self, part: Any) -> bool:
        """A condition, if the path decided it."""
        value = self._value(part)
        known = self._explorer.known(value) if isinstance(value, Truth) else value
        if known is None:
            raise Open
        return bool(known)

    def choice(self, parts: list[Any]) -> Any:
        """`condition ? then : otherwise`."""
        return self._value(parts[1] if self.holds(parts[0]) else parts[2])

    def first(self, parts: list[Any], wanted: bool) -> bool:
        """Whether some part is as wanted: that settles it, whatever the others are."""
        is_open = False
        for part in parts:
            try:
                if self.holds(part) is wanted:
                    return True
            except Open:
                is_open = True
        if is_open:
            raise Open
        return False


def _equal(one: Any, other: Any) -> Any:
    if isinstance(one, (bool, Truth)) or isinstance(other, (bool, Truth)):
        if _same(one, other):
            return True
        raise Open
    return one == other


_ARITHMETIC: dict[int, Callable[[list[Any]], Any]] = {
    z3.Z3_OP_ADD: sum,
    z3.Z3_OP_SUB: lambda parts: parts[0] - sum(parts[1:]),
    z3.Z3_OP_MUL: lambda parts: parts[0] * parts[1],
    z3.Z3_OP_UMINUS: lambda parts: -parts[0],
    z3.Z3_OP_LE: lambda parts: parts[0] <= parts[1],
    z3.Z3_OP_LT: lambda parts: parts[0] < parts[1],
    z3.Z3_OP_GE: lambda parts: parts[0] >= parts[1],
    z3.Z3_OP_GT: lambda parts: parts[0] > parts[1],
    z3.Z3_OP_EQ: lambda parts: _equal(*parts),
    z3.Z3_OP_TRUE: lambda _parts: True,
    z3.Z3_OP_FALSE: lambda _parts: False,
}
_LOGIC: dict[int, Callable[[Reader, list[Any]], Any]] = {
    z3.Z3_OP_ITE: Reader.choice,
    z3.Z3_OP_AND: lambda reader, parts: not reader.first(parts, wanted=False),
    z3.Z3_OP_OR: lambda reader, parts: reader.first(parts, wanted=True),
    z3.Z3_OP_NOT: lambda reader, parts: not reader.holds(parts[0]),
}


def _same(one: Any, other: Any) -> bool:
    """Both are the same sum."""
    if isinstance(one, Number) and isinstance(other, Number):
        return one.key() == other.key()
    if isinstance(one, Truth) and isinstance(other, Truth):
        return one.key == other.key and one.contrary == other.contrary
    return isinstance(one, int) and isinstance(other, int) and one == other
