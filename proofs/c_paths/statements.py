"""Reads statements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import clang_library as library
from .tree import SyntaxTree
from .types import VOID

if TYPE_CHECKING:
    from .reading import TranslationUnit


def children_of(cursor: Any) -> list[Any]:
    """The parts of a statement or an expression, without attributes."""
    return [c for c in cursor.get_children() if not c.kind.is_attribute()]


def unsupported(source: TranslationUnit, cursor: Any, what: str) -> SyntaxTree:
    """Something that is refused when it is reached."""
    return SyntaxTree("unsupported", VOID, source.place(cursor), (), what)


def statement(source: TranslationUnit, cursor: Any) -> SyntaxTree:
    """A statement."""
    kind = cursor.kind.name
    if cursor.kind.is_expression():
        return SyntaxTree("expression", VOID, source.place(cursor), (source.expression(cursor),))
    read = _STATEMENTS.get(kind)
    if read is None:
        name = {"ASM_STMT": "assembler", "MS_ASM_STMT": "assembler"}.get(kind, kind.lower().replace("_", " "))
        return unsupported(source, cursor, name)
    found: SyntaxTree = read(source, cursor)
    return found


def _made(
    source: TranslationUnit, cursor: Any, kind: str, parts: list[SyntaxTree | None], value: Any = None
) -> SyntaxTree:
    return SyntaxTree(kind, VOID, source.place(cursor), tuple(parts), value)


def _sequence(source: TranslationUnit, cursor: Any) -> SyntaxTree:
    return _made(source, cursor, "sequence", [statement(source, c) for c in children_of(cursor)])


def _declarations(source: TranslationUnit, cursor: Any) -> SyntaxTree:
    parts: list[SyntaxTree | None] = []
    for child in children_of(cursor):
        if child.kind.name == "VAR_DECL":
            parts.append(_made(source, child, "declare", [], source.variable(child)))
    return _made(source, cursor, "sequence", parts)


def _if(source: TranslationUnit, cursor: Any) -> SyntaxTree:
    condition, then, *otherwise = children_of(cursor)
    parts = [source.expression(condition), statement(source, then)]
    return _made(source, cursor, "if", [*parts, statement(source, otherwise[0]) if otherwise else None])


def _while(source: TranslationUnit, cursor: Any) -> SyntaxTree:
    condition, body = children_of(cursor)
    return _made(source, cursor, "while", [source.expression(condition), statement(source, body)])


def _do(source: TranslationUnit, cursor: Any) -> SyntaxTree:
    body, condition = children_of(cursor)
    return _made(source, cursor, "do", [statement(source, body), source.expression(condition)])


def _for(source: TranslationUnit, cursor: Any) -> SyntaxTree:
    *parts, body = children_of(cursor)
    head = source.slice(cursor.extent.start.offset, body.extent.start.offset)
    found: list[SyntaxTree | None] = []
    for at, is_there in enumerate(_parts_of_for(head)):
        if not is_there:
            found.append(None)
        elif at == 0:
            found.append(statement(source, parts.pop(0)))
        else:
            found.append(source.expression(parts.pop(0)))
    return _made(source, cursor, "for", [*found, statement(source, body)])


def _parts_of_for(head: str) -> list[bool]:
    """Whether each of the three parts of a ``for`` is there. The library lists only those that are."""
    depth, parts, quote, skip = 0, [""], "", False
    for sign in head[head.index("(") + 1 :]:
        if skip or (quote and sign not in (quote, "\\")):
            skip = False
        elif quote:
            skip, quote = sign == "\\", quote if sign == "\\" else ""
        elif sign in "\"'":
            quote = sign
        elif depth == 0 and sign == ";":
            parts.append("")
            continue
        elif sign in "([{":
            depth += 1
        elif sign in ")]}":
            depth -= 1
        if depth >= 0:
            parts[-1] += sign
    lines = ["".join(line for line in part.splitlines() if not line.startswith("#")) for part in parts[:3]]
    return [bool(part.strip()) for part in lines]


def _return(source: TranslationUnit, cursor: Any) -> SyntaxTree:
    return _made(source, cursor, "return", [source.expression(c) for c in children_of(cursor)])


def _simple(kind: str) -> Any:
    return lambda source, cursor: _made(source, cursor, kind, [])


def _goto(source: TranslationUnit, cursor: Any) -> SyntaxTree:
    return _made(source, cursor, "goto", [], children_of(cursor)[0].spelling)


def _label(source: TranslationUnit, cursor: Any) -> SyntaxTree:
    return _made(source, cursor, "label", [statement(source, c) for c in children_of(cursor)], cursor.spelling)


def _switch(source: TranslationUnit, cursor: Any) -> SyntaxTree:
    value, body = children_of(cursor)
    return _made(source, cursor, "switch", [source.expression(value), statement(source, body)])


def _case(source: TranslationUnit, cursor: Any) -> SyntaxTree:
    *values, body = children_of(cursor)
    known = [library.constant(value) for value in values]
    if None in known:
        return unsupported(source, cursor, "a case that is no integer constant")
    return _made(source, cursor, "case", [statement(source, body)], (known[0], known[-1]))


def _default(source: TranslationUnit, cursor: Any) -> SyntaxTree:
    return _made(source, cursor, "default", [statement(source, c) for c in children_of(cursor)])


_STATEMENTS: dict[str, Any] = {
    "COMPOUND_STMT": _sequence,
    "DECL_STMT": _declarations,
    "IF_STMT": _if,
    "WHILE_STMT": _while,
    "DO_STMT": _do,
    "FOR_STMT": _for,
    "RETURN_STMT": _return,
    "BREAK_STMT": _simple("break"),
    "CONTINUE_STMT": _simple("continue"),
    "NULL_STMT": _simple("empty"),
    "GOTO_STMT": _goto,
    "LABEL_STMT": _label,
    "SWITCH_STMT": _switch,
    "CASE_STMT": _case,
    "DEFAULT_STMT": _default,
}
