"""The tree of a function's body: what is left of the library's tree once names and types are resolved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple


class SourcePlace(NamedTuple):
    """A place in the source."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Variable:
    """A variable or a parameter."""

    name: str
    type: Any
    key: str
    """Unique among all variables of the source."""
    is_global: bool
    """It lives as long as the program: of file scope, or static."""
    initial: SyntaxTree | None = None
    """Its initialiser; None: it has none."""


@dataclass
class SyntaxTree:
    """An expression or a statement.

    Kinds of expressions, with ``value`` in parentheses: number (int), text, variable (Variable), function (name),
    convert, member (field name), arrow (field name), index, unary (operator), binary (operator), assign,
    compound (operator and the type it is computed in), choice, call, list (designators), literal, block.
    Statements: expression, declare (Variable), sequence, if, while, do, for, return, break, continue, goto (label),
    label (label), switch, case (first and last value), default, empty. ``unsupported`` (why) is either.
    """

    kind: str
    type: Any
    place: SourcePlace
    parts: tuple[SyntaxTree | None, ...] = ()
    value: Any = None


@dataclass
class Function:
    """A function with a body."""

    name: str
    type: Any
    """Of its result."""
    parameters: tuple[Variable, ...]
    body: SyntaxTree
    place: SourcePlace
