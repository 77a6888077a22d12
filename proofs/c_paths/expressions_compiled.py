"""Turns expressions into functions that compute them for the variables of a call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .machine import Frame, Machine, Value
from .memory import UNDEFINED, UNSET, Array, Cell, PathEndError, Pointer, UnsupportedError, pointer_to
from .objects import moved, part_of, place_of, stored
from .tree import SyntaxTree
from .types import VOID, ArrayType, IntType, PointerType, StructType

_COMPARED: dict[str, Callable[[Any, Any], Any]] = {
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}


def value(machine: Machine, tree: SyntaxTree) -> Value:
    """What computes the value of an expression."""
    return _VALUES[tree.kind](machine, tree)


def condition(machine: Machine, tree: SyntaxTree) -> Callable[[Frame], bool]:
    """What decides whether an expression is not 0."""
    place = tree.place
    if tree.kind == "convert" and tree.parts[0] is not None and isinstance(tree.type, IntType):
        inner = tree.parts[0]
        if isinstance(inner.type, IntType) and (tree.type.is_bool or tree.type.bits >= inner.type.bits):
            return condition(machine, inner)
    if tree.kind == "unary" and tree.value == "!":
        inside = condition(machine, part_of(tree, 0))
        return lambda frame: not inside(frame)
    if tree.kind == "binary" and tree.value in ("&&", "||"):
        one, other = (condition(machine, part_of(tree, at)) for at in (0, 1))
        if tree.value == "&&":
            return lambda frame: one(frame) and other(frame)
        return lambda frame: one(frame) or other(frame)
    if tree.kind == "binary" and tree.value in _COMPARED:
        return _comparison(machine, tree)
    compute, truth = value(machine, tree), machine.truth
    return lambda frame: truth(compute(frame), place)


def _comparison(machine: Machine, tree: SyntaxTree) -> Callable[[Frame], bool]:
    left, right = part_of(tree, 0), part_of(tree, 1)
    one, other = value(machine, left), value(machine, right)
    compare, truth, place, operator = _COMPARED[tree.value], machine.truth, tree.place, tree.value
    if isinstance(left.type, PointerType) or isinstance(right.type, PointerType):
        return lambda frame: _compared(operator, one(frame), other(frame), place)
    return lambda frame: truth(compare(one(frame), other(frame)), place)


def _compared(operator: str, one: Any, other: Any, place: Any) -> bool:
    """Pointers."""
    if operator in ("==", "!="):
        same = one is other or (one.__class__ is Pointer and _is_same(one, other))
        return same is (operator == "==")
    if one.__class__ is not Pointer or other.__class__ is not Pointer or one.array is not other.array:
        raise PathEndError(UNDEFINED, "compares pointers into different arrays", place, unseen=True)
    return bool(_COMPARED[operator](one.index, other.index))


def _is_same(one: Pointer, other: Any) -> bool:
    if one.same(other):
        return True
    if other.__class__ is not Pointer or (one.array is None) is (other.array is None):
        return False
    within, alone = (one, other) if one.array is not None else (other, one)
    assert within.array is not None
    return within.array.items.get(within.index) is alone.single and alone.index == 0


# -- values


def _number(_machine: Machine, tree: SyntaxTree) -> Value:
    number = tree.value
    return lambda _frame: number


def _text(_machine: Machine, tree: SyntaxTree) -> Value:
    text = f"the text {tree.value}"
    return lambda _frame: text


def _loaded(machine: Machine, tree: SyntaxTree) -> Value:
    """The value in an object; a structure or an array is itself the value."""
    find, place = place_of(machine, tree), tree.place

    def load(frame: Frame) -> Any:
        found = find(frame)
        return found.load(place) if found.__class__ is Cell else found

    return load


def _converted(machine: Machine, tree: SyntaxTree) -> Value:
    inner, to, place = part_of(tree, 0), tree.type, tree.place
    if isinstance(inner.type, ArrayType) and isinstance(to, PointerType):
        return _decayed(machine, inner)
    compute = value(machine, inner)
    if isinstance(to, IntType) and isinstance(inner.type, IntType):
        return _number_as(machine, tree, inner.type, compute)
    if isinstance(to, IntType):
        if to.is_bool:
            return lambda frame: int(machine.truth(compute(frame), place))

        def as_number(frame: Frame) -> int:
            if compute(frame) is None:
                return 0
            raise UnsupportedError(f"a value of type {inner.type} as a number", place)

        return as_number
    if isinstance(to, PointerType):
        if isinstance(inner.type, IntType):

            def as_pointer(frame: Frame) -> None:
                if compute(frame) != 0:
                    raise UnsupportedError("a pointer that is made of a number", place)

            return as_pointer
        return compute
    if isinstance(to, StructType | ArrayType) or to == inner.type or str(to) == "void":
        return compute

    def refuse(_frame: Frame) -> None:
        raise UnsupportedError(f"the type {to}", place)

    return refuse


def _number_as(machine: Machine, tree: SyntaxTree, was: IntType, compute: Value) -> Value:
    to, place = tree.type, tree.place
    if to.low <= was.low and was.high <= to.high and not to.is_bool:
        return compute
    if to.is_bool:
        return lambda frame: int(machine.truth(compute(frame), place))
    return lambda frame: machine.arithmetic.converted(compute(frame), to, place)


def _decayed(machine: Machine, tree: SyntaxTree) -> Value:
    if tree.kind == "text":
        return _text(machine, tree)
    find, place = place_of(machine, tree), tree.place

    def first(frame: Frame) -> Any:
        found = find(frame)
        return Pointer(found, 0) if isinstance(found, Array) else found.load(place)  # a parameter is a pointer

    return first


def _unary(machine: Machine, tree: SyntaxTree) -> Value:
    inner, operator, place, of = part_of(tree, 0), tree.value, tree.place, tree.type
    if operator == "*":
        return _loaded(machine, tree)
    if operator == "&":
        return _address(machine, inner)
    if "++" in operator or "--" in operator:
        return _stepped(machine, tree)
    if operator == "!":
        holds = condition(machine, inner)
        return lambda frame: int(not holds(frame))
    compute = value(machine, inner)
    if operator == "+":
        return compute
    if operator == "-":
        return lambda frame: machine.arithmetic.computed(0 - compute(frame), of, place)
    return lambda frame: machine.arithmetic.computed(
        -1 - compute(frame) if of.signed else of.high - compute(frame), of, place
    )


def _address(machine: Machine, inner: SyntaxTree) -> Value:
    if inner.kind == "index":
        base, index, place = value(machine, part_of(inner, 0)), value(machine, part_of(inner, 1)), inner.place
        return lambda frame: moved(machine, base(frame), index(frame), place)
    if inner.kind == "unary" and inner.value == "*":
        return value(machine, part_of(inner, 0))
    if inner.kind == "function":
        return value(machine, inner)
    find = place_of(machine, inner)
    return lambda frame: pointer_to(find(frame))


def _stepped(machine: Machine, tree: SyntaxTree) -> Value:
    """``++`` and ``--``."""
    find, place, of = place_of(machine, part_of(tree, 0)), tree.place, tree.type
    by, after = (1 if "++" in tree.value else -1), tree.value.startswith("post")

    def step(frame: Frame) -> Any:
        target = find(frame)
        before = target.load(place)
        if isinstance(of, PointerType):
            now = moved(machine, before, by, place)
        else:
            now = machine.arithmetic.computed(before + by, target.type, place)
        target.store(now)
        return before if after else now

    return step


def _binary(machine: Machine, tree: SyntaxTree) -> Value:
    operator, place, of = tree.value, tree.place, tree.type
    if operator in _COMPARED or operator in ("&&", "||"):
        holds = condition(machine, tree)
        return lambda frame: int(holds(frame))
    left, right = part_of(tree, 0), part_of(tree, 1)
    one, other = unused(machine, left) if operator == "," else value(machine, left), value(machine, right)
    if operator == ",":
        return lambda frame: (one(frame), other(frame))[1]
    if isinstance(left.type, PointerType) and isinstance(right.type, PointerType):
        return lambda frame: _distance(one(frame), other(frame), place)
    if isinstance(left.type, PointerType):
        sign = -1 if operator == "-" else 1
        return lambda frame: moved(machine, one(frame), _signed(other(frame), sign), place)
    if isinstance(right.type, PointerType):
        return lambda frame: moved(machine, other(frame), one(frame), place)
    return lambda frame: machine.arithmetic.apply(operator, one(frame), other(frame), of, place)


def _signed(by: Any, sign: int) -> Any:
    return by if sign == 1 else 0 - by


def _distance(one: Any, other: Any, place: Any) -> int:
    if one.__class__ is not Pointer or other.__class__ is not Pointer or one.array is not other.array:
        raise PathEndError(UNDEFINED, "subtracts pointers into different arrays", place, unseen=True)
    return int(one.index - other.index)


def _assigned(machine: Machine, tree: SyntaxTree) -> Value:
    find, compute, place = place_of(machine, part_of(tree, 0)), value(machine, part_of(tree, 1)), tree.place

    def assign(frame: Frame) -> Any:
        found = compute(frame)
        return stored(machine, find(frame), found, place)

    return assign


def _compound(machine: Machine, tree: SyntaxTree) -> Value:
    find, compute, place = place_of(machine, part_of(tree, 0)), value(machine, part_of(tree, 1)), tree.place
    operator, computed = tree.value

    def change(frame: Frame) -> Any:
        by = compute(frame)
        target = find(frame)
        before = target.load(place)
        if before.__class__ is Pointer:
            further = moved(machine, before, _signed(by, -1 if operator == "-" else 1), place)
            target.store(further)
            return further
        arithmetic = machine.arithmetic
        now = arithmetic.apply(operator, arithmetic.converted(before, computed, place), by, computed, place)
        return stored(machine, target, now, place)

    return change


def _choice(machine: Machine, tree: SyntaxTree) -> Value:
    holds = condition(machine, part_of(tree, 0))
    then, otherwise = value(machine, part_of(tree, 1)), value(machine, part_of(tree, 2))
    return lambda frame: then(frame) if holds(frame) else otherwise(frame)


def _call(machine: Machine, tree: SyntaxTree) -> Value:
    name, place = tree.value, tree.place
    arguments = [value(machine, part) for part in tree.parts if part is not None]
    if name == "__builtin_constant_p":
        return lambda _frame: 0
    if str(tree.type) == "void":
        return lambda frame: machine.call(name, [compute(frame) for compute in arguments], place)

    def call(frame: Frame) -> Any:
        found = machine.call(name, [compute(frame) for compute in arguments], place)
        if found is UNSET:
            raise PathEndError(UNDEFINED, f"uses the result of {name}, which returned none", place, unseen=True)
        return found

    return call


def unused(machine: Machine, tree: SyntaxTree) -> Value:
    """What computes an expression whose value is not used."""
    if tree.kind == "convert" and str(tree.type) == "void":
        return unused(machine, part_of(tree, 0))
    if tree.kind == "call":
        tree = SyntaxTree(tree.kind, VOID, tree.place, tree.parts, tree.value)
    return value(machine, tree)


def _block(machine: Machine, tree: SyntaxTree) -> Value:
    """A statement expression: its value is that of its last statement."""
    from .statements_compiled import block

    sequence = part_of(tree, 0)
    last = sequence.parts[-1] if sequence.parts else None
    if last is None or last.kind != "expression":
        program = block(machine, sequence)
        return lambda frame: machine.run(program, frame)
    head = SyntaxTree("sequence", sequence.type, sequence.place, sequence.parts[:-1])
    program, compute = block(machine, head), value(machine, part_of(last, 0))

    def run(frame: Frame) -> Any:
        machine.run(program, frame)
        return compute(frame)

    return run


def _refused(_machine: Machine, tree: SyntaxTree) -> Value:
    def refuse(_frame: Frame) -> None:
        raise UnsupportedError(str(tree.value), tree.place)

    return refuse


def _function(_machine: Machine, tree: SyntaxTree) -> Value:
    return _refused(_machine, SyntaxTree("unsupported", tree.type, tree.place, (), f"{tree.value} as a value"))


_VALUES: dict[str, Callable[[Machine, SyntaxTree], Value]] = {
    "number": _number,
    "text": _text,
    "variable": _loaded,
    "member": _loaded,
    "arrow": _loaded,
    "index": _loaded,
    "literal": _loaded,
    "convert": _converted,
    "unary": _unary,
    "binary": _binary,
    "assign": _assigned,
    "compound": _compound,
    "choice": _choice,
    "call": _call,
    "block": _block,
    "function": _function,
    "list": _refused,
    "unsupported": _refused,
}
