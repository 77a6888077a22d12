"""Initialisers: of numbers, structures and arrays, with lists, designators and braces that are left out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .machine import Machine
from .memory import Array, Cell, Struct, assigned, cleared
from .tree import SyntaxTree
from .types import IntType, StructType

Begin = Callable[..., None]


def initialised(machine: Machine, known: Any, tree: SyntaxTree) -> Begin:
    """What initialises an object, for the variables of a call. ``known``: the object, if it is there already."""
    begin = _begun(machine, tree)
    if known is None:
        return begin
    return lambda frame: begin(frame, known)


def _begun(machine: Machine, tree: SyntaxTree) -> Begin:
    from .expressions_compiled import value
    from .objects import stored

    if tree.kind != "list":
        compute, place = value(machine, tree), tree.place
        return lambda frame, target: stored(machine, target, compute(frame), place)
    given = [part for part in tree.parts if part is not None]
    parts = [(designator, part, _begun(machine, part)) for designator, part in zip(tree.value, given, strict=True)]

    def fill(frame: Any, target: Any) -> None:
        cleared(target, tree.place)
        _Filling(frame, parts, tree).fill(target, 0, outermost=True)

    return fill


class _Filling:
    """Gives the parts of a list to the parts of an object, one after the other."""

    def __init__(self, frame: Any, parts: list[tuple[Any, SyntaxTree, Begin]], tree: SyntaxTree) -> None:
        self.frame, self.parts, self.tree = frame, parts, tree

    def fill(self, target: Any, at: int, outermost: bool = False) -> int:
        """Fill an object from the part of that number on; returns the number of the first part that is left."""
        if isinstance(target, Cell):
            self.parts[at][2](self.frame, target)
            return at + 1
        position = 0
        while at < len(self.parts):
            designator, part, begin = self.parts[at]
            if designator and outermost:
                position = self._place(target, designator[0])
            elif designator or position >= self._size(target):
                return at
            inner = self._part(target, position)
            for name in designator[1:] if outermost else ():
                inner = self._part(inner, self._place(inner, name))
            if isinstance(inner, Cell) or part.kind == "list" or self._is_whole(part, inner):
                begin(self.frame, inner)
                at += 1
            else:
                at = self._without_braces(inner, at)
            position += 1
        return at

    def _without_braces(self, inner: Any, at: int) -> int:
        _, part, begin = self.parts[at]
        self.parts[at] = (), part, begin
        return self.fill(inner, at)

    @staticmethod
    def _is_whole(part: SyntaxTree, inner: Any) -> bool:
        return isinstance(part.type, StructType) and part.type is inner.type

    @staticmethod
    def _size(target: Any) -> int:
        return len(target.type.fields) if isinstance(target, Struct) else target.type.count or 0

    @staticmethod
    def _place(target: Any, name: Any) -> int:
        return list(target.type.fields).index(name) if isinstance(target, Struct) else int(name)

    def _part(self, target: Any, position: int) -> Any:
        if isinstance(target, Struct):
            return target.field(list(target.type.fields)[position])
        assert isinstance(target, Array)
        return target.item(position, self.tree.place)


__all__ = ["IntType", "assigned", "initialised"]
