"""Turns expressions that name objects into functions that find them for the variables of a call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .initialising import initialised
from .machine import Frame, Machine, Value
from .memory import UNDEFINED, UNSET, Cell, PathEndError, Pointer, UnsupportedError, assigned, made
from .tree import SyntaxTree, Variable
from .types import IntType


def place_of(machine: Machine, tree: SyntaxTree) -> Value:
    """What finds the object that an expression names."""
    found = _OBJECTS.get(tree.kind)
    if found is None:
        return _temporary(machine, tree)
    return found(machine, tree)


def part_of(tree: SyntaxTree, at: int) -> SyntaxTree:
    """A part of an expression that is there."""
    part = tree.parts[at]
    assert part is not None
    return part


def _variable(machine: Machine, tree: SyntaxTree) -> Value:
    variable: Variable = tree.value
    key, place = variable.key, tree.place
    if variable.is_global:

        def of_program(_frame: Frame) -> Any:
            found = machine.globals.get(key)
            return machine.global_object(variable) if found is None else found

        return of_program

    def local(frame: Frame) -> Any:
        found = frame.get(key)
        if found is None:
            raise UnsupportedError(f"the use of {variable.name}, whose declaration was jumped over", place)
        return found

    return local


def _member(machine: Machine, tree: SyntaxTree) -> Value:
    base, name, place = place_of(machine, part_of(tree, 0)), tree.value, tree.place
    return lambda frame: _field(base(frame), name, place)


def _arrow(machine: Machine, tree: SyntaxTree) -> Value:
    base, name, place = machine.value_of(part_of(tree, 0)), tree.value, tree.place
    return lambda frame: _field(target_of(base(frame), place), name, place)


def _field(of: Any, name: str, place: Any) -> Any:
    if not hasattr(of, "fields") or name not in of.type.fields:
        raise UnsupportedError(f"the field {name} of {getattr(of, 'type', 'a value')}", place)
    return of.field(name)


def target_of(pointer: Any, place: Any) -> Any:
    """The object that a pointer points to."""
    if pointer is None:
        raise PathEndError(UNDEFINED, "uses a null pointer", place)
    if pointer.__class__ is not Pointer:
        raise UnsupportedError("a pointer that is made of a number", place)
    return pointer.target(place)


def _element(machine: Machine, tree: SyntaxTree) -> Value:
    base, index, place = machine.value_of(part_of(tree, 0)), machine.value_of(part_of(tree, 1)), tree.place
    return lambda frame: target_of(moved(machine, base(frame), index(frame), place), place)


def moved(machine: Machine, pointer: Any, by: Any, place: Any) -> Any:
    """A pointer moved by an index, with a path for each value of one that is unknown."""
    if pointer.__class__ is not Pointer:
        raise PathEndError(UNDEFINED, "computes with a null pointer", place)
    if not isinstance(by, int):
        array, at = pointer.array, pointer.index
        if array is None or array.limit is None or bool(by < -at) or bool(by > array.limit - at - 1):
            name = "an object" if array is None else array.name
            raise PathEndError(UNDEFINED, f"uses {name} with an index outside of it", place, unseen=True)
        by = machine.arithmetic.known(by, place)
    return pointer.moved(by)


def _dereferenced(machine: Machine, tree: SyntaxTree) -> Value:
    if tree.value != "*":
        return _temporary(machine, tree)
    base, place = machine.value_of(part_of(tree, 0)), tree.place
    return lambda frame: target_of(base(frame), place)


def _literal(machine: Machine, tree: SyntaxTree) -> Value:
    begin = initialised(machine, None, part_of(tree, 0))

    def build(frame: Frame) -> Any:
        target = made(tree.type, UNSET, "a literal")
        begin(frame, target)
        return target

    return build


def _temporary(machine: Machine, tree: SyntaxTree) -> Value:
    """An object for a value, such as the structure that a call returns."""
    compute = machine.value_of(tree)

    def keep(frame: Frame) -> Any:
        found = compute(frame)
        return found if hasattr(found, "fill") else Cell(tree.type, found, "a value")

    return keep


def _of_converted(machine: Machine, tree: SyntaxTree) -> Value:
    return place_of(machine, part_of(tree, 0)) if tree.value != "cast" else _temporary(machine, tree)


def stored(machine: Machine, target: Any, found: Any, place: Any) -> Any:
    """Store a value, as the type of its object."""
    if target.__class__ is not Cell:
        assigned(target, found, place)
        return found
    if isinstance(target.type, IntType):
        found = machine.arithmetic.converted(found, target.type, place)
    target.store(found)
    return found


_OBJECTS: dict[str, Callable[[Machine, SyntaxTree], Value]] = {
    "variable": _variable,
    "member": _member,
    "arrow": _arrow,
    "index": _element,
    "unary": _dereferenced,
    "literal": _literal,
    "convert": _of_converted,
}
