"""Reads expressions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import clang_library as library
from .statements import children_of, statement, unsupported
from .tree import SyntaxTree
from .types import IntType, PointerType, StructType, common, promoted

if TYPE_CHECKING:
    from .reading import TranslationUnit


def expression(source: TranslationUnit, cursor: Any) -> SyntaxTree:
    """An expression; unsupported ones are refused when they are reached."""
    read = _EXPRESSIONS.get(cursor.kind.name)
    if read is None:
        return unsupported(source, cursor, cursor.kind.name.lower().replace("_", " "))
    found: SyntaxTree = read(source, cursor)
    return found


def _made(
    source: TranslationUnit, cursor: Any, kind: str, parts: list[SyntaxTree | None], value: Any = None
) -> SyntaxTree:
    return SyntaxTree(kind, source.type_of(cursor.type), source.place(cursor), tuple(parts), value)


def _number(source: TranslationUnit, cursor: Any) -> SyntaxTree:
    value = library.constant(cursor)
    if value is None or not isinstance(source.type_of(cursor.type), IntType):
        return unsupported(source, cursor, "a number that is no integer")
    return _made(source, cursor, "number", [], value)


def _text(source: TranslationUnit, cursor: Any) -> SyntaxTree:
    return _made(source, cursor, "text", [], cursor.spelling)


def _implicit(source: TranslationUnit, cursor: Any) -> SyntaxTree:
    """An implicit conversion, or an expression that the library does not tell apart from one."""
    children = children_of(cursor)
    if len(children) != 1 or not children[0].kind.is_expression():
        value = library.constant(cursor)
        if value is not None and isinstance(source.type_of(cursor.type), IntType):
            return _made(source, cursor, "number", [], value)
        return unsupported(source, cursor, "an expression of a kind that libclang does not name")
    return _made(source, cursor, "convert", [expression(source, children[0])])


def _parentheses(source: TranslationUnit, cursor: Any) -> SyntaxTree:
    return expression(source, children_of(cursor)[0])


def _name(source: TranslationUnit, cursor: Any) -> SyntaxTree:
    of = cursor.referenced
    kind = of.kind.name if of is not None else ""
    if kind in ("VAR_DECL", "PARM_DECL"):
        return _made(source, cursor, "variable", [], source.variable(of))
    if kind == "ENUM_CONSTANT_DECL":
        return _made(source, cursor, "number", [], of.enum_value)
    if kind == "FUNCTION_DECL":
        return _made(source, cursor, "function", [], of.spelling)
    return unsupported(source, cursor, f"the name {cursor.spelling}")


def _member(source: TranslationUnit, cursor: Any) -> SyntaxTree:
    children = children_of(cursor)
    if not children:
        return unsupported(source, cursor, f"the member {cursor.spelling}")
    base = expression(source, children[0])
    field = cursor.spelling or f"anonymous {cursor.referenced.hash}"
    arrow = isinstance(source.type_of(children[0].type), PointerType)
    return _made(source, cursor, "arrow" if arrow else "member", [base], field)


def _index(source: TranslationUnit, cursor: Any) -> SyntaxTree:
    parts: list[SyntaxTree | None] = [expression(source, c) for c in children_of(cursor)]
    if parts[1] is not None and isinstance(parts[1].type, PointerType):
        parts.reverse()
    return _made(source, cursor, "index", parts)


def _unary(source: TranslationUnit, cursor: Any) -> SyntaxTree:
    operator = library.unary_operator(cursor)
    inner = expression(source, children_of(cursor)[0])
    if operator == "extension":
        return inner
    if operator in ("real", "imag", "await", ""):
        return unsupported(source, cursor, f"the operator {operator}")
    return _made(source, cursor, "unary", [inner], operator)


def _binary(source: TranslationUnit, cursor: Any) -> SyntaxTree:
    operator = library.binary_operator(cursor)
    one, other = (expression(source, c) for c in children_of(cursor))
    return _made(source, cursor, "assign" if operator == "=" else "binary", [one, other], operator)


def _compound(source: TranslationUnit, cursor: Any) -> SyntaxTree:
    """``x += y``: the library does not say in which type it is computed."""
    operator = library.binary_operator(cursor)[:-1]
    one, other = (expression(source, c) for c in children_of(cursor))
    computed = one.type
    if isinstance(one.type, IntType) and isinstance(other.type, IntType):
        computed = promoted(one.type) if operator in ("<<", ">>") else common(one.type, other.type)
    return _made(source, cursor, "compound", [one, other], (operator, computed))


def _choice(source: TranslationUnit, cursor: Any) -> SyntaxTree:
    return _made(source, cursor, "choice", [expression(source, c) for c in children_of(cursor)])


def _cast(source: TranslationUnit, cursor: Any) -> SyntaxTree:
    return _made(source, cursor, "convert", [expression(source, children_of(cursor)[-1])], "cast")


def _call(source: TranslationUnit, cursor: Any) -> SyntaxTree:
    children = children_of(cursor)
    if not children:
        return unsupported(source, cursor, "a call of something that is no function")
    callee = expression(source, children[0])
    while callee.kind == "convert" and callee.parts[0] is not None:
        callee = callee.parts[0]
    if callee.kind != "function":
        return unsupported(source, cursor, "a call through a pointer")
    return _made(source, cursor, "call", [expression(source, c) for c in children[1:]], callee.value)


def _literal(source: TranslationUnit, cursor: Any) -> SyntaxTree:
    return _made(source, cursor, "literal", [expression(source, children_of(cursor)[-1])])


def _list(source: TranslationUnit, cursor: Any) -> SyntaxTree:
    """An initialiser list, as its author wrote it: with designators."""
    parts: list[SyntaxTree | None] = []
    designators: list[tuple[Any, ...]] = []
    for child in children_of(cursor):
        inner = children_of(child)
        if child.kind.name == "UNEXPOSED_EXPR" and len(inner) > 1:
            of = sorted(inner[:-1], key=lambda c: c.location.offset)
            steps = [c.spelling if c.kind.name == "MEMBER_REF" else library.constant(c) for c in of]
            if None in steps:
                return unsupported(source, child, "a designator that is neither a field nor an index")
            designators.append(tuple(steps))
            parts.append(expression(source, inner[-1]))
        else:
            designators.append(())
            parts.append(expression(source, child))
    return _made(source, cursor, "list", parts, tuple(designators))


def _block(source: TranslationUnit, cursor: Any) -> SyntaxTree:
    return _made(source, cursor, "block", [statement(source, children_of(cursor)[0])])


def is_struct(of: Any) -> bool:
    """Whether a type is a structure."""
    return isinstance(of, StructType)


_EXPRESSIONS: dict[str, Any] = {
    "INTEGER_LITERAL": _number,
    "CHARACTER_LITERAL": _number,
    "FLOATING_LITERAL": _number,
    "CXX_UNARY_EXPR": _number,
    "STRING_LITERAL": _text,
    "UNEXPOSED_EXPR": _implicit,
    "PAREN_EXPR": _parentheses,
    "DECL_REF_EXPR": _name,
    "MEMBER_REF_EXPR": _member,
    "ARRAY_SUBSCRIPT_EXPR": _index,
    "UNARY_OPERATOR": _unary,
    "BINARY_OPERATOR": _binary,
    "COMPOUND_ASSIGNMENT_OPERATOR": _compound,
    "CONDITIONAL_OPERATOR": _choice,
    "CSTYLE_CAST_EXPR": _cast,
    "CALL_EXPR": _call,
    "COMPOUND_LITERAL_EXPR": _literal,
    "INIT_LIST_EXPR": _list,
    "StmtExpr": _block,
}
