"""Reads C through libclang: functions, variables and types, as trees of this package.

The text is the preprocessor's output. A function is read when it is first called: what is not called is not examined.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import clang_library as library
from .statements import statement
from .tree import Function, SourcePlace, SyntaxTree, Variable
from .types import BY_KIND, ArrayType, IntType, OtherType, PointerType, StructType

_ERROR = 3
"""The severity of an error."""


class SourceError(Exception):
    """The source or the map cannot be read; the message names file and line."""


def text_of(path: Path, shown: str) -> str:
    """The content of a file.

    :raises SourceError: it cannot be read, or is no text
    """
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise SourceError(f"{shown}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SourceError(f"{shown}: is no UTF-8 text") from None


class TranslationUnit:
    """A translation unit."""

    def __init__(self, text: str, name: str) -> None:
        """:raises SourceError: the text is not C that can be compiled"""
        self.text = text
        self._bytes = text.encode()
        binding = library.cindex()
        arguments = ["-x", "cpp-output", "-std=gnu11", "-target", "x86_64-linux-gnu", "-Wno-everything"]
        arguments.append("-Werror=implicit-function-declaration")
        self._unit = binding.Index.create().parse(
            "source.i", arguments, unsaved_files=[("source.i", self.text)], options=0
        )
        for problem in self._unit.diagnostics:
            if problem.severity >= _ERROR:
                file, line = library.presumed(problem.location)
                raise SourceError(f"{file or name}:{line}: {problem.spelling}")
        self._structs: dict[str, StructType] = {}
        self._types: dict[str, Any] = {}
        self._functions: dict[str, Function] = {}
        self._variables: dict[str, Variable] = {}
        self.defined: dict[str, Any] = {}
        """Functions with a body: their cursors, by name."""
        self.declared: dict[str, Any] = {}
        """All functions."""
        self._globals: dict[str, Any] = {}
        """The definition of each variable of file scope, or its declaration if there is none."""
        for cursor in self._unit.cursor.get_children():
            if cursor.kind.name == "FUNCTION_DECL":
                self.declared[cursor.spelling] = cursor
                if cursor.is_definition():
                    self.defined[cursor.spelling] = cursor
            elif cursor.kind.name == "VAR_DECL":
                known = self._globals.get(cursor.spelling)
                if known is None or library.initializer(cursor) is not None or cursor.is_definition():
                    self._globals[cursor.spelling] = cursor

    # -- places and types

    def place(self, cursor: Any) -> SourcePlace:
        """Where something is."""
        return SourcePlace(*library.presumed(cursor.location))

    def slice(self, start: int, end: int) -> str:
        """The text between two offsets."""
        return self._bytes[start:end].decode()

    def type_of(self, of: Any) -> Any:
        """A type of the library as one of ours."""
        canonical = of.get_canonical()
        spelling = canonical.spelling
        found = self._types.get(spelling)
        if found is None:
            found = self._types[spelling] = self._new_type(canonical)
        return found

    def _new_type(self, of: Any) -> Any:
        kind = of.kind.name
        if kind in BY_KIND:
            return BY_KIND[kind]
        if kind == "ENUM":
            return self.type_of(of.get_declaration().enum_type)
        if kind == "POINTER":
            return PointerType(self.type_of(of.get_pointee()))
        if kind == "CONSTANTARRAY":
            return ArrayType(self.type_of(of.element_type), of.element_count)
        if kind == "INCOMPLETEARRAY":
            return ArrayType(self.type_of(of.element_type), None)
        if kind == "RECORD" and of.get_declaration().kind.name == "STRUCT_DECL":
            return self._struct(of)
        return OtherType(of.spelling)

    def _struct(self, of: Any) -> StructType:
        key = of.get_declaration().get_usr()
        found = self._structs.get(key)
        if found is None:
            found = self._structs[key] = StructType(of.spelling.replace("const ", "").replace("volatile ", ""))
            for field in of.get_fields():
                if field.is_bitfield():
                    base, width = self.type_of(field.type), field.get_bitfield_width()
                    found.fields[field.spelling] = IntType(f"{base}:{width}", width, base.signed, base.is_bool)
                else:
                    found.fields[field.spelling or f"anonymous {field.hash}"] = self.type_of(field.type)
        return found

    # -- variables and functions

    def variable(self, cursor: Any) -> Variable:
        """A variable or parameter."""
        top_level = cursor.semantic_parent is not None and cursor.semantic_parent.kind.name == "TRANSLATION_UNIT"
        if top_level and cursor.kind.name == "VAR_DECL":
            cursor = self._globals.get(cursor.spelling, cursor)
        key = f"{cursor.spelling}@{cursor.location.offset}"
        found = self._variables.get(key)
        if found is None:
            is_static = cursor.storage_class.name == "STATIC"
            initial = library.initializer(cursor) if cursor.kind.name == "VAR_DECL" else None
            tree = None if initial is None else self.expression(initial)
            kind = self.type_of(cursor.type)
            if cursor.kind.name == "PARM_DECL" and isinstance(kind, ArrayType):
                kind = PointerType(kind.of)
            found = self._variables[key] = Variable(cursor.spelling, kind, key, top_level or is_static, tree)
        return found

    def global_variable(self, name: str) -> Variable:
        """A variable of file scope.

        :raises KeyError: there is none
        """
        return self.variable(self._globals[name])

    def function(self, name: str) -> Function | None:
        """A function; None: it has no body here."""
        found = self._functions.get(name)
        cursor = self.defined.get(name)
        if found is None and cursor is not None:
            parameters = tuple(self.variable(one) for one in cursor.get_arguments())
            body = next(c for c in cursor.get_children() if c.kind.name == "COMPOUND_STMT")
            result = self.type_of(cursor.result_type)
            tree = statement(self, body)
            found = self._functions[name] = Function(name, result, parameters, tree, self.place(cursor))
        return found

    def body_of(self, name: str) -> tuple[int, int]:
        """Where the body of a function begins and ends in the text."""
        cursor = self.defined[name]
        body = next(c for c in cursor.get_children() if c.kind.name == "COMPOUND_STMT")
        return body.extent.start.offset, body.extent.end.offset

    def end_of_body(self, name: str) -> SourcePlace:
        """Where the body of a function ends."""
        body = next(c for c in self.defined[name].get_children() if c.kind.name == "COMPOUND_STMT")
        return SourcePlace(*library.presumed(body.extent.end))

    def header_of(self, name: str) -> str:
        """The text of a function's declaration, up to its parameters."""
        extent = self.declared[name].extent
        return self.slice(extent.start.offset, extent.end.offset)

    def expression(self, cursor: Any) -> SyntaxTree:
        """An expression."""
        from .expressions import expression

        return expression(self, cursor)
