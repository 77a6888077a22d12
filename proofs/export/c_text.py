"""Writes the fuzz compiler's Python functions in C99: the same statements, with vectors in local arrays.

The Python text of a call uses few forms (see :mod:`proofs.fuzz.terms`): comparisons and sums, vectors by node or by
domain, and one assignment to the fields that change. Every number is an ``int64_t``.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import NamedTuple

from model.calls import CALL_FIELDS
from model.state import Shape

NODES, DOMAINS = "nodes", "domains"
_COUNT = {NODES: "s->number_of_nodes", DOMAINS: "s->number_of_domains"}
_ROOM = {NODES: "CO_MAX_NODES", DOMAINS: "CO_MAX_DOMAINS"}
_OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.FloorDiv: "/", ast.Mod: "%", ast.And: "&&", ast.Or: "||",
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
}  # fmt: skip
_RANGES = {"s.number_of_nodes": NODES, "s.number_of_domains": DOMAINS}


class InexpressibleTermError(Exception):
    """The text has a form that is not written in C; the message shows it."""


class CExpression(NamedTuple):
    """A value in C: its text, and what it ranges over; a number ranges over nothing."""

    text: str
    over: str = ""
    """``nodes`` or ``domains``: a vector; ``cells``: a grid."""
    is_own: bool = False
    """A vector in an array of its own, not a row of the state."""


def _bare(text: str) -> str:
    """A condition without parentheses around all of it: clang warns of those around a comparison."""
    depth = 0
    for at, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth == 0:
            return text[1:-1] if character == ")" and at == len(text) - 1 and text[0] == "(" else text
    return text


class CellColumn(NamedTuple):
    """A grid with one node's entries replaced."""

    grid: CExpression
    node: str
    values: CExpression


class CFunction:
    """One function: its lines, and the answers that it gives."""

    def __init__(self, source: str, numbers: Mapping[int, int], vectors: Mapping[str, str]) -> None:
        """
        :param source: the Python text of the function
        :param numbers: by the index of a case, the number that the C function returns
        :param vectors: the names that are vectors, and what they range over
        """
        self.lines: list[str] = []
        self.answers: dict[str, str] = {}
        """By name of an answer, what it ranges over; empty: a number."""
        self._numbers = numbers
        self._names: dict[str, CExpression] = {name: CExpression(name, over) for name, over in vectors.items()}
        self._indent = 1
        self._temporaries = 0
        (function,) = ast.parse(source).body
        assert isinstance(function, ast.FunctionDef)
        self.parameters = [argument.arg for argument in function.args.args]
        self._block(function.body)

    def _line(self, text: str) -> None:
        self.lines.append("    " * self._indent + text)

    def _fresh(self) -> str:
        self._temporaries += 1
        return f"v{self._temporaries}"

    def _block(self, statements: list[ast.stmt]) -> None:
        """The statements; those after one that always returns are left out."""
        named = dict(self._names)
        for statement in statements:
            if isinstance(statement, ast.If) and isinstance(statement.test, ast.Constant):
                if statement.test.value:
                    self._line("{")
                    self._inner(statement.body)
                    break
                continue
            self._statement(statement)
        self._names = named

    def _inner(self, statements: list[ast.stmt]) -> None:
        self._indent += 1
        self._block(statements)
        self._indent -= 1
        self._line("}")

    def _statement(self, statement: ast.stmt) -> None:
        match statement:
            case ast.If(test=test, body=body):
                self._line(f"if ({_bare(self._number(test))}) {{")
                self._inner(body)
            case ast.For(iter=ast.Name(id="candidates"), body=body):
                self._line("for (int64_t candidate = 0; candidate < a->nr_candidates; candidate++) {")
                self._indent += 1
                self._line("const int64_t node = a->candidates[candidate];")
                self._line("(void)node;")
                self._indent -= 1
                self._inner(body)
            case ast.For(iter=ast.Name(id="entries"), body=body):
                self._line("for (co_first_entry(&set, a); set.index < a->nr_entries; co_next_entry(&set, a)) {")
                self._inner(body)
            case ast.Return(value=ast.Constant(value=int(index))):
                self._line(f"return {self._numbers[index]};")
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self._name(name, value)
            case ast.Assign(targets=[ast.Attribute(attr="answer")], value=ast.Dict(keys=keys, values=values)):
                for key, value in zip(keys, values, strict=True):
                    assert isinstance(key, ast.Constant)
                    self._answer(str(key.value), value)
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
                self._assign(targets, values)
            case ast.Assign(targets=[target], value=value):
                self._assign([target], [value])
            case _:
                raise InexpressibleTermError(ast.unparse(statement))

    def _name(self, name: str, value: ast.expr) -> None:
        """A local name: a constant, or another name of a vector."""
        made = self._value(value)
        assert isinstance(made, CExpression)
        if made.over:
            self._names[name] = made
        else:
            text = f"{name}_{self._fresh()}"
            self._line(f"const int64_t {text} = {made.text};")
            self._names[name] = CExpression(text)

    def _answer(self, name: str, value: ast.expr) -> None:
        made = self._value(value)
        assert isinstance(made, CExpression)
        self.answers[name] = made.over
        if made.over:
            self._line(f"co_copy(s->answer.{name}, {made.text}, {_COUNT[made.over]});")
        else:
            self._line(f"s->answer.{name} = {made.text};")

    def _assign(self, targets: list[ast.expr], values: list[ast.expr]) -> None:
        """All new values are computed from the state before."""
        stores: list[str] = []
        for target, value in zip(targets, values, strict=True):
            made = self._value(value)
            place = self._value(target)
            assert isinstance(place, CExpression)
            if isinstance(made, CellColumn):
                entries = self._own(made.values).text
                loop = f"for (int64_t d = 0; d < {_COUNT[DOMAINS]}; d++)"
                stores.append(f"{loop} {place.text}[d][{made.node}] = {entries}[d];")
            elif place.over and not made.over:  # one value for all
                stores.append(f"for (int64_t i = 0; i < {_COUNT[place.over]}; i++) {place.text}[i] = {made.text};")
            elif made.over:
                stores.append(f"co_copy({place.text}, {self._own(made).text}, {_COUNT[made.over]});")
            else:
                text = self._fresh()
                self._line(f"const int64_t {text} = {made.text};")
                stores.append(f"{place.text} = {text};")
        for store in stores:
            self._line(store)

    def _own(self, vector: CExpression) -> CExpression:
        """The vector in an array of its own."""
        if vector.is_own:
            return vector
        own = self._array(vector.over)
        self._line(f"co_copy({own}, {vector.text}, {_COUNT[vector.over]});")
        return CExpression(own, vector.over, True)

    def _array(self, over: str) -> str:
        name = self._fresh()
        self._line(f"int64_t {name}[{_ROOM[over]}];")
        return name

    def _number(self, node: ast.expr) -> str:
        made = self._value(node)
        assert isinstance(made, CExpression)
        assert not made.over, ast.unparse(node)
        return made.text

    def _vector(self, node: ast.expr) -> CExpression:
        made = self._value(node)
        assert isinstance(made, CExpression)
        assert made.over in _COUNT, ast.unparse(node)
        return made

    def _value(self, node: ast.expr) -> CExpression | CellColumn:
        match node:
            case ast.Constant(value=bool(value)):
                return CExpression(str(int(value)))
            case ast.Constant(value=int(value)):
                return CExpression(f"{value}LL" if abs(value) >= 1 << 31 else str(value))
            case ast.Name(id=name):
                return self._names.get(name, CExpression(name))
            case ast.Attribute(value=ast.Name(id="s"), attr=field):
                return self._field(field)
            case ast.Attribute() if ast.unparse(node).startswith("set."):
                return CExpression(ast.unparse(node), NODES if node.attr == "by_node" else "")
            case ast.Subscript(value=whole, slice=ast.Slice()):
                return self._value(whole)
            case ast.Subscript(value=whole, slice=index):
                return self._entry(whole, index)
            case ast.BinOp(left=ast.List(), right=ast.Attribute(attr=count)):
                return self._filled(_RANGES[f"s.{count}"])
            case ast.BinOp(left=left, op=op, right=right):
                return CExpression(f"({self._number(left)} {_OPERATORS[type(op)]} {self._number(right)})")
            case ast.BoolOp(op=op, values=parts):
                return CExpression(f"({f' {_OPERATORS[type(op)]} '.join(map(self._number, parts))})")
            case ast.UnaryOp(op=op, operand=operand):
                return CExpression(f"({'!' if isinstance(op, ast.Not) else '-'}{self._number(operand)})")
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return CExpression(f"({self._number(left)} {_OPERATORS[type(op)]} {self._number(right)})")
            case ast.IfExp(test=test, body=body, orelse=otherwise):
                return self._chosen(test, body, otherwise)
            case ast.ListComp():
                return self._listed(node)
            case ast.Call(func=ast.Name(id=name), args=arguments):
                return self._called(name, arguments)
        raise InexpressibleTermError(ast.unparse(node))

    def _field(self, field: str) -> CExpression:
        if field in ("number_of_nodes", "number_of_domains", "chosen"):
            return CExpression(f"s->{field}")
        over = {Shape.HOST: "", Shape.NODE: NODES, Shape.DOMAIN: DOMAINS, Shape.CELL: "cells"}
        return CExpression(f"s->{field}", over[CALL_FIELDS[field].shape])

    def _entry(self, whole: ast.expr, index: ast.expr) -> CExpression:
        of = self._value(whole)
        assert isinstance(of, CExpression)
        text = f"{of.text}[{self._number(index)}]"
        return CExpression(text, NODES) if of.over == "cells" else CExpression(text)

    def _chosen(self, test: ast.expr, body: ast.expr, otherwise: ast.expr) -> CExpression:
        condition, one, other = self._number(test), self._value(body), self._value(otherwise)
        assert isinstance(one, CExpression)
        assert isinstance(other, CExpression)
        return CExpression(f"({condition} ? {one.text} : {other.text})", one.over)

    def _filled(self, over: str) -> CExpression:
        own = self._array(over)
        self._line(f"for (int64_t i = 0; i < {_COUNT[over]}; i++) {own}[i] = 0;")
        return CExpression(own, over, True)

    def _listed(self, node: ast.ListComp) -> CExpression | CellColumn:
        (loop,) = node.generators
        match loop:
            case ast.comprehension(target=ast.Name(id="row"), iter=grid):
                assert isinstance(node.elt, ast.Subscript)
                rows, column = self._value(grid), self._number(node.elt.slice)
                assert isinstance(rows, CExpression)
                own = self._array(DOMAINS)
                self._line(f"for (int64_t d = 0; d < {_COUNT[DOMAINS]}; d++) {own}[d] = {rows.text}[d][{column}];")
                return CExpression(own, DOMAINS, True)
            case ast.comprehension(iter=ast.Call(func=ast.Name(id="zip"), args=[grid, values])):
                assert isinstance(node.elt, ast.Call)
                rows = self._value(grid)
                assert isinstance(rows, CExpression)
                return CellColumn(rows, self._number(node.elt.args[1]), self._vector(values))
            case ast.comprehension(target=ast.Name(id=index), iter=ast.Call(args=[count])):
                over = _RANGES[ast.unparse(count)]
                own = self._array(over)
                self._each(index, over, lambda: self._line(f"{own}[{index}] = {self._number(node.elt)};"))
                return CExpression(own, over, True)
        raise InexpressibleTermError(ast.unparse(node))

    def _each(self, index: str, over: str, body: Callable[[], None]) -> None:
        self._line(f"for (int64_t {index} = 0; {index} < {_COUNT[over]}; {index}++) {{")
        self._indent += 1
        body()
        self._indent -= 1
        self._line("}")

    def _called(self, name: str, arguments: list[ast.expr]) -> CExpression:
        if name in ("all", "any"):
            return self._quantified(name == "all", arguments[0])
        if name == "sum":
            vector = self._vector(arguments[0])
            return CExpression(f"co_sum({vector.text}, {_COUNT[vector.over]})")
        if name == "list":  # list(map(add, a, b))
            (mapped,) = arguments
            assert isinstance(mapped, ast.Call)
            how, one, other = mapped.args
            left, right = self._vector(one), self._vector(other)
            own = self._array(left.over)
            sign = {"add": "+", "sub": "-"}[ast.unparse(how)]
            self._each("i", left.over, lambda: self._line(f"{own}[i] = {left.text}[i] {sign} {right.text}[i];"))
            return CExpression(own, left.over, True)
        if name == "taken_ascending":
            held = self._vector(arguments[0])
            amount = self._number(arguments[1])
            own = self._array(held.over)
            self._line(f"co_taken_ascending({own}, {held.text}, {_COUNT[held.over]}, {amount});")
            return CExpression(own, held.over, True)
        if name == "placed":
            vector = self._vector(arguments[0])
            index, value = self._number(arguments[1]), self._number(arguments[2])
            own = self._array(vector.over)
            self._line(f"co_copy({own}, {vector.text}, {_COUNT[vector.over]});")
            self._line(f"{own}[{index}] = {value};")
            return CExpression(own, vector.over, True)
        if name == "earlier_names":
            return CExpression(f"co_earlier_names(&set, a, {self._number(arguments[0])})")
        raise InexpressibleTermError(name)

    def _quantified(self, every: bool, listed: ast.expr) -> CExpression:
        assert isinstance(listed, ast.ListComp)
        (loop,) = listed.generators
        assert isinstance(loop.target, ast.Name)
        assert isinstance(loop.iter, ast.Call)
        name, index, over = self._fresh(), loop.target.id, _RANGES[ast.unparse(loop.iter.args[0])]
        self._line(f"int {name} = {int(every)};")

        def body() -> None:
            value = self._number(listed.elt)
            self._line(f"{name} = {name} {'&&' if every else '||'} {value};")

        self._each(index, over, body)
        return CExpression(name)
