"""Executes functions of C on one path after the other: what is kept between paths, and what each path begins with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from proofs.diff.numbers import Truth

from .arithmetic import Arithmetic
from .memory import (
    LOCKS,
    UNDEFINED,
    UNSET,
    Cell,
    EndlessError,
    PathEndError,
    UnsupportedError,
    kept,
    made,
    pointer_to,
    undo_all,
)
from .reading import TranslationUnit
from .tree import Function, SourcePlace, SyntaxTree, Variable
from .types import INT, VOID, IntType

_DEEPEST = 60
"""The most calls inside one another."""

Frame = dict[str, Any]
Value = Callable[[Frame], Any]
"""What computes an expression, for the variables of a call."""
Intrinsic = Callable[..., Any]


class InstructionList:
    """A list of instructions: what the statements of a function become."""

    __slots__ = ("instructions",)

    def __init__(self) -> None:
        self.instructions: list[tuple[Any, ...]] = []


class Machine:
    """Executes the functions of a source."""

    def __init__(self, source: TranslationUnit) -> None:
        self.source = source
        self.arithmetic: Arithmetic
        self.globals: Frame = {}
        self.held: list[Any] = []
        """The locks that are held, as the objects that pointers named."""
        self.branches: list[tuple[SourcePlace, bool]] = []
        """The conditions on unknown numbers on this path, and whether they held."""
        self.steps = 0
        self.most_steps = 200_000
        """The most statements of one path."""
        self.longest = 0
        """The statements of the longest path so far."""
        self.depth = 0
        self.intrinsics: dict[str, Intrinsic] = dict(_BUILT_IN)
        self.hook: Callable[[Function], Function] = lambda function: function
        """Replaces a function before it is compiled."""
        self._programs: dict[str, tuple[Function, InstructionList]] = {}
        self.called: set[str] = set()
        """Functions that some path called."""

    def begin(self, arithmetic: Arithmetic) -> None:
        """Begin a path: all objects are as they were before the last one."""
        undo_all()
        self.longest = max(self.longest, self.steps)
        self.arithmetic = arithmetic
        arithmetic.departures = []
        self.held, self.branches = [], []
        self.steps = self.depth = 0

    def forget(self) -> None:
        """All objects are as the program begins."""
        undo_all()
        self.globals = {}

    def truth(self, value: Any, place: SourcePlace) -> bool:
        """Whether a condition holds; one on unknown numbers is a branch."""
        if isinstance(value, Truth):
            holds = bool(value)
            self.branches.append((place, holds))
            return holds
        if value is None:
            return False
        if isinstance(value, bool | int):
            return value != 0
        if isinstance(value, str):
            return True
        different = value != 0 if not hasattr(value, "same") else True
        return self.truth(different, place) if isinstance(different, Truth) else bool(different)

    def value_of(self, tree: SyntaxTree) -> Value:
        """What computes the value of an expression."""
        from .expressions_compiled import value

        return value(self, tree)

    # -- variables

    def global_object(self, variable: Variable) -> Any:
        """The object of a variable that lives as long as the program."""
        found = self.globals.get(variable.key)
        if found is None:
            found = self.globals[variable.key] = made(variable.type, 0, variable.name)
            if variable.initial is not None:
                from .initialising import initialised

                with kept():
                    initialised(self, found, variable.initial)({})
        return found

    # -- calls

    def call(self, name: str, arguments: list[Any], place: SourcePlace) -> Any:
        """Call a function on values. The result of one that ends without a value is `UNSET`.

        :raises UnsupportedError: it has no body
        """
        intrinsic = self.intrinsics.get(name)
        if intrinsic is not None:
            return intrinsic(self, place, *arguments)
        function, program = self._program(name, place)
        self.called.add(name)
        if self.depth == _DEEPEST:
            raise UnsupportedError(f"more than {_DEEPEST} calls inside one another", place)
        frame: Frame = {}
        for parameter, value in zip(function.parameters, arguments, strict=False):
            target = made(parameter.type, UNSET, parameter.name)
            if isinstance(target, Cell):
                target.value = value
            else:
                from .memory import assigned

                assigned(target, value, place)
            frame[parameter.key] = target
        self.depth += 1
        result = self.run(program, frame)
        self.depth -= 1
        return result

    def _program(self, name: str, place: SourcePlace) -> tuple[Function, InstructionList]:
        found = self._programs.get(name)
        if found is None:
            function = self.source.function(name)
            if function is None:
                raise UnsupportedError(f"a call of {name}, which has neither a body nor a stub", place)
            from .statements_compiled import compiled

            function = self.hook(function)
            found = self._programs[name] = function, compiled(self, function)
        return found

    def run(self, program: InstructionList, frame: Frame) -> Any:
        """Run instructions to their end, or to a return."""
        at, instructions = 0, program.instructions
        end = len(instructions)
        while at < end:
            self.steps += 1
            operation = instructions[at]
            at += 1
            kind = operation[0]
            if kind == "do":
                operation[1](frame)
            elif kind == "unless":
                if not operation[1](frame):
                    at = operation[2]
            elif kind == "jump":
                at = operation[1]
                if self.steps > self.most_steps:
                    raise EndlessError(f"a path of more than {self.most_steps:,} statements", operation[2])
            elif kind == "return":
                return None if operation[1] is None else operation[1](frame)
            else:  # a switch
                at = self._case_of(operation, frame)
        return UNSET

    def _case_of(self, operation: tuple[Any, ...], frame: Frame) -> int:
        _, compute, cases, otherwise, place = operation
        value = compute(frame)
        for least, most, target in cases:
            at_least = least == most or self.truth(value >= least, place)
            if at_least and self.truth(value == least if least == most else value <= most, place):
                return int(target)
        return int(otherwise)


# -- functions that have no body in C


def _expected(_machine: Machine, _place: SourcePlace, value: Any, *_: Any) -> Any:
    return value


def _set(_machine: Machine, place: SourcePlace, target: Any, byte: Any, size: Any) -> Any:
    from .memory import cleared

    if byte != 0 or target is None:
        raise UnsupportedError("memset to another value than 0", place)
    if isinstance(size, int) and size == 0:
        return target
    whole = target.array if target.array is not None and target.index == 0 and _is_whole(target, size) else None
    cleared(whole if whole is not None else target.target(place), place)
    return target


def _is_whole(target: Any, size: Any) -> bool:
    """Whether memset names all of an array: then it is one of more than one element, of at most that size."""
    count = target.array.type.count
    element = getattr(target.array.type.of, "bits", 0) // 8
    return count is not None and element > 0 and bool(size == count * element)


def _copied(_machine: Machine, place: SourcePlace, target: Any, value: Any, _size: Any) -> Any:
    from .memory import Struct, assigned

    one, other = target.target(place), value.target(place)
    if not isinstance(one, Struct):
        raise UnsupportedError("memcpy of something that is no structure", place)
    assigned(one, other, place)
    return target


def _taken(machine: Machine, place: SourcePlace, lock: Any) -> None:
    target = lock.target(place)
    if any(one is target for one in machine.held):
        raise PathEndError(LOCKS, f"takes {target.name}, which it holds", place)
    machine.held.append(target)


def _released(machine: Machine, place: SourcePlace, lock: Any) -> None:
    target = lock.target(place)
    if not any(one is target for one in machine.held):
        raise PathEndError(LOCKS, f"releases {target.name}, which it does not hold", place)
    machine.held = [one for one in machine.held if one is not target]


def _is_held(machine: Machine, place: SourcePlace, lock: Any) -> int:
    target = lock.target(place)
    return int(any(one is target for one in machine.held))


def _crashed(_machine: Machine, place: SourcePlace, *_: Any) -> None:
    raise PathEndError("crash", "stops at an assertion", place)


def _unreachable(_machine: Machine, place: SourcePlace, *_: Any) -> None:
    raise PathEndError(UNDEFINED, "reaches what is declared unreachable", place)


_BUILT_IN: dict[str, Intrinsic] = {
    "__builtin_expect": _expected,
    "__builtin_unreachable": _unreachable,
    "memset": _set,
    "memcpy": _copied,
    "__builtin_memset": _set,
    "__builtin_memcpy": _copied,
    "cc_lock": _taken,
    "cc_unlock": _released,
    "cc_is_locked": _is_held,
    "cc_crash": _crashed,
}

__all__ = ["INT", "VOID", "InstructionList", "IntType", "Machine", "pointer_to"]
