"""Every single edit of a function that an operator can make: it is made, inspected, and undone."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from tests.mutants.operators import of_calls, of_expression
from tests.mutants.statements import is_stated, of_body, of_failure

FunctionNode = ast.FunctionDef
_NOT_CODE = ("annotation", "returns", "decorator_list", "args", "type_params", "keywords_of_class")
"""Fields whose code does not run when the function does."""


@dataclass(frozen=True)
class Edit:
    """One change: the value of a field of a node, before and after."""

    operator: str
    parent: ast.AST
    field: str
    old: object
    new: object
    line: int
    before: str
    after: str

    @contextmanager
    def made(self) -> Iterator[None]:
        """The function has the change inside the block."""
        setattr(self.parent, self.field, self.new)
        try:
            yield
        finally:
            setattr(self.parent, self.field, self.old)


def edits_of(function: FunctionNode, side: str) -> Iterator[Edit]:
    """All edits of a function; ``side`` is ``reference`` or ``model``: some operators are for one of them."""
    for parent, field, value in _places(function):
        if isinstance(value, ast.expr):
            for operator, new in _of_expression(parent, field, value, side):
                yield _edit(operator, parent, field, value, new, value, new)
        elif value and isinstance(value[0], ast.stmt):
            for operator, body, before, after in of_body(function, value, side):
                yield _edit(operator, parent, field, value, body, before, after)
            for operator, body, before, after in of_failure(function, value) if side == "reference" else ():
                yield _edit(operator, parent, field, value, body, before, after)
        else:
            yield from _of_list(parent, field, value, side)


def _of_list(parent: ast.AST, field: str, values: Sequence[ast.AST], side: str) -> Iterator[Edit]:
    for index, item in enumerate(values):
        if isinstance(item, ast.expr):
            for operator, new in _of_expression(parent, field, item, side):
                yield _edit(operator, parent, field, values, [*values[:index], new, *values[index + 1 :]], item, new)


def _of_expression(parent: ast.AST, field: str, value: ast.expr, side: str) -> Iterator[tuple[str, ast.expr]]:
    yield from of_expression(value, parent, field)
    if isinstance(value, (ast.Call, ast.List)) and side == "model":
        yield from of_calls(value)


def _edit(  # a line each
    operator: str, parent: ast.AST, field: str, old: object, new: object, before: ast.AST, after: ast.AST | None
) -> Edit:
    shown_after = "nothing" if after is None else _text(after)
    return Edit(operator, parent, field, old, new, getattr(before, "lineno", 0), _text(before), shown_after)


def _text(node: ast.AST) -> str:
    text = " ".join(ast.unparse(ast.fix_missing_locations(node)).split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


_LONGEST = 110


def _places(function: FunctionNode) -> Iterator[tuple[ast.AST, str, ast.expr | list[ast.expr] | list[ast.stmt]]]:
    """(node, field, value) of everything that runs, as the function stands."""
    todo: list[ast.AST] = [function]
    while todo:
        node = todo.pop(0)
        for field, value in ast.iter_fields(node):
            if field in _NOT_CODE and not (field == "args" and isinstance(node, ast.Call)):
                continue
            if isinstance(value, ast.expr):
                yield node, field, value
                todo += _inner(value)
            elif isinstance(value, list) and value:
                if isinstance(value[0], (ast.expr, ast.stmt)):
                    yield node, field, value
                for item in value:
                    todo += _inner(item)


def _inner(node: object) -> list[ast.AST]:
    """What is looked into; texts of messages and docstrings are not."""
    if not isinstance(node, ast.AST) or isinstance(node, ast.JoinedStr):
        return []
    if isinstance(node, ast.Expr) and (isinstance(node.value, ast.Constant) or is_stated(node)):
        return []
    return [node]
