"""Every single change of an operator, comparison, condition, constant, statement or cast in what operations reach."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from . import clang_library as library
from .binding import BoundSource
from .driver import stub_bodies
from .reading import TranslationUnit
from .statements import children_of
from .types import IntType, PointerType

OPERATOR, COMPARISON, CONDITION, CONSTANT, STATEMENT, CAST = KINDS = (
    *("operator", "comparison", "condition", "constant"),
    *("statement", "cast"),
)
COMPARED = {
    "<": ("<=", ">="),
    "<=": ("<", ">"),
    ">": (">=", "<="),
    ">=": (">", "<"),
    "==": ("!=", "<=", ">="),
    "!=": ("==", "<", ">"),
}
"""What each comparison is replaced by; of pointers, only by its opposite."""
OTHERS = {
    **{"+": "-", "-": "+", "*": "+", "/": "*", "%": "/", "<<": ">>", ">>": "<<", "&": "|", "|": "&", "^": "|"},
    **{"&&": "||", "||": "&&", "++": "--", "--": "++"},
}
"""What each other operator is replaced by; compound assignments likewise. A unary operator is left out."""
_LOOPS_AND_CHOICES = {"IF_STMT": (0,), "WHILE_STMT": (0,), "DO_STMT": (1,), "CONDITIONAL_OPERATOR": (0,)}
_KEPT = ("DECL_STMT", "COMPOUND_STMT", "NULL_STMT", "LABEL_STMT", "CASE_STMT", "DEFAULT_STMT")
"""Statements that are not deleted as a whole; what is inside of them is."""


class CChange(msgspec.Struct):
    """One change of the text, in words."""

    key: str
    """The same for the same change of the same function."""
    function: str
    line: int
    kind: str
    before: str
    after: str


class CEdit(CChange):
    """One change of the text, with its place."""

    start: int
    end: int
    text: str
    """What the bytes from ``start`` to ``end`` are replaced by."""

    def applied(self, text: str) -> str:
        """The text with this change."""
        whole = text.encode()
        return (whole[: self.start] + self.text.encode() + whole[self.end :]).decode()


def reached(bound: BoundSource, operation: str) -> set[str]:
    """The functions of the file that an operation calls, and that they call; without those that the map replaces."""
    source = bound.source
    todo, found = [f"cc_op_{operation}"], set[str]()
    while todo:
        name = todo.pop()
        if name in found or name not in source.defined:
            continue
        found.add(name)
        for cursor in source.defined[name].walk_preorder():
            if cursor.kind.name == "DECL_REF_EXPR" and cursor.referenced is not None:
                todo.append(cursor.referenced.spelling)
    return {name for name in found if not name.startswith("cc_")} - set(stub_bodies(bound.loaded))


def edits(bound: BoundSource, operations: Sequence[str]) -> list[CEdit]:
    """The changes of all functions that the operations reach, in the order of the text."""
    functions = set[str]().union(*(reached(bound, operation) for operation in operations))
    found = [edit for name in functions for edit in _Function(bound.source, name).edits()]
    return sorted(found, key=lambda edit: (edit.start, edit.end, edit.text))


class _Function:
    def __init__(self, source: TranslationUnit, name: str) -> None:
        self.source, self.name = source, name
        self.start, self.end = source.body_of(name)

    def edits(self) -> Iterator[CEdit]:
        body = next(c for c in self.source.defined[self.name].get_children() if c.kind.name == "COMPOUND_STMT")
        for cursor in body.walk_preorder():
            kind = cursor.kind.name
            if kind in ("BINARY_OPERATOR", "COMPOUND_ASSIGNMENT_OPERATOR"):
                yield from self._binary(cursor)
            elif kind == "UNARY_OPERATOR":
                yield from self._unary(cursor)
            elif kind == "CSTYLE_CAST_EXPR":
                yield from self._cast(cursor)
            elif kind == "INTEGER_LITERAL":
                yield from self._constant(cursor)
            yield from self._conditions(cursor)
            yield from self._statements(cursor)

    def _edit(self, cursor: Any, kind: str, start: int, end: int, text: str) -> CEdit:
        """``cursor``: the expression or statement that is shown."""
        first, last = cursor.extent.start.offset, cursor.extent.end.offset
        before = self.source.slice(first, last)
        after = self.source.slice(first, start) + text + self.source.slice(end, last)
        parts = self.source.slice(self.start, start), self.source.slice(start, end), self.source.slice(end, self.end)
        told = "\0".join([*map(without_markers, parts), text])
        key = hashlib.sha256(told.encode()).hexdigest()[:10]
        place = self.source.place(cursor)
        return CEdit(key, self.name, place.line, kind, _shown(before), _shown(after), start, end, text)

    def _binary(self, cursor: Any) -> Iterator[CEdit]:
        operator = library.binary_operator(cursor)
        one, other = children_of(cursor)
        start, end = one.extent.end.offset, other.extent.start.offset
        at = start + self.source.slice(start, end).find(operator)
        is_compound = cursor.kind.name == "COMPOUND_ASSIGNMENT_OPERATOR"
        plain = operator[:-1] if is_compound else operator
        others: tuple[str, ...] = (OTHERS[plain],) if plain in OTHERS else ()
        if not is_compound and operator in COMPARED:
            pointers = isinstance(self.source.type_of(one.type), PointerType)
            others = COMPARED[operator][:1] if pointers else COMPARED[operator]
        kind = COMPARISON if operator in COMPARED else OPERATOR
        for instead in others:
            yield self._edit(cursor, kind, at, at + len(operator), instead + "=" * is_compound)

    def _unary(self, cursor: Any) -> Iterator[CEdit]:
        operator = library.unary_operator(cursor)
        start, end = cursor.extent.start.offset, cursor.extent.end.offset
        inner = children_of(cursor)[0]
        if operator in ("!", "-", "~"):
            yield self._edit(cursor, OPERATOR, start, inner.extent.start.offset, "")
        elif operator in ("++", "--"):
            yield self._edit(cursor, OPERATOR, start, start + 2, OTHERS[operator])
        elif operator in ("post++", "post--"):
            yield self._edit(cursor, OPERATOR, end - 2, end, OTHERS[operator[-2:]])

    def _cast(self, cursor: Any) -> Iterator[CEdit]:
        inner, to = children_of(cursor)[-1], self.source.type_of(cursor.type)
        start, end = cursor.extent.start.offset, inner.extent.start.offset
        if not isinstance(to, IntType):
            return
        yield self._edit(cursor, CAST, start, end, "")
        if to.bits in (32, 64) and not to.is_bool:
            signed, unsigned = ("int", "unsigned int") if to.bits == 32 else ("long", "unsigned long")
            yield self._edit(cursor, CAST, start, end, f"({unsigned if to.signed else signed})")
        if to.bits == 64:
            yield self._edit(cursor, CAST, start, end, f"({'int' if to.signed else 'unsigned int'})")

    def _constant(self, cursor: Any) -> Iterator[CEdit]:
        start, end = cursor.extent.start.offset, cursor.extent.end.offset
        text = self.source.slice(start, end)
        if self.source.slice(start - 9, end).endswith(f"(void *){text}"):
            return  # a null pointer
        for sign in "+-":
            yield self._edit(cursor, CONSTANT, start, end, f"({text} {sign} 1)")

    def _conditions(self, cursor: Any) -> Iterator[CEdit]:
        """Conditions that no comparison and no logical operator makes: their opposite."""
        kind, children = cursor.kind.name, children_of(cursor)
        found = [children[at] for at in _LOOPS_AND_CHOICES.get(kind, ())]
        if kind == "BINARY_OPERATOR" and library.binary_operator(cursor) in ("&&", "||"):
            found += children
        for condition in found:
            if not self._is_logical(condition):
                start, end = condition.extent.start.offset, condition.extent.end.offset
                yield self._edit(condition, CONDITION, start, end, f"!({self.source.slice(start, end)})")

    def _is_logical(self, cursor: Any) -> bool:
        """A comparison, ``!``, ``&&`` or ``||`` decides, which is changed itself."""
        while cursor.kind.name in ("PAREN_EXPR", "UNEXPOSED_EXPR") and len(children_of(cursor)) == 1:
            (cursor,) = children_of(cursor)
        if cursor.kind.name == "UNARY_OPERATOR":
            return library.unary_operator(cursor) == "!"
        return cursor.kind.name == "BINARY_OPERATOR" and library.binary_operator(cursor) in (*COMPARED, "&&", "||")

    def _statements(self, cursor: Any) -> Iterator[CEdit]:
        """Statements of a block, and the bodies of conditions and loops: nothing instead."""
        kind, children = cursor.kind.name, children_of(cursor)
        if kind in ("IF_STMT", "WHILE_STMT"):
            children = children[1:]
        elif kind in ("FOR_STMT", "LABEL_STMT", "CASE_STMT", "DEFAULT_STMT"):
            children = children[-1:]
        elif kind == "DO_STMT":
            children = children[:1]
        elif kind != "COMPOUND_STMT":
            return
        for child in children:
            if child.kind.name not in _KEPT:
                start, end = child.extent.start.offset, child.extent.end.offset
                rest = self.source.slice(end, min(self.end, end + 80)).lstrip()
                yield self._edit(child, STATEMENT, start, end, "(void)0" if rest.startswith(";") else ";")


def without_markers(text: str) -> str:
    """The words of preprocessed text, without line markers: these name the file as it was given."""
    return " ".join(" ".join(line for line in text.splitlines() if not line.startswith("#")).split())


def _shown(text: str) -> str:
    """In one line."""
    found = without_markers(text)
    return found if len(found) <= 120 else f"{found[:58]} ... {found[-57:]}"
