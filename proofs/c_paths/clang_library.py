"""libclang: loads it when it is needed, and calls functions of the library that its Python binding lacks."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

MISSING = 'claimcheck diff --c needs libclang: install "claimcheck[c]", or the package libclang'
_UNARY = ("", "post++", "post--", "++", "--", "&", "*", "+", "-", "~", "!", "real", "imag", "extension", "await")
_BINARY = (
    *("", ".*", "->*", "*", "/", "%", "+", "-", "<<", ">>", "<=>", "<", ">", "<=", ">=", "==", "!="),
    *("&", "^", "|", "&&", "||", "=", "*=", "/=", "%=", "+=", "-=", "<<=", ">>=", "&=", "^=", "|=", ","),
)
"""Operators as the library numbers them."""
_INTEGER = 1
"""The kind of an evaluation's result."""


class LibraryMissingError(Exception):
    """libclang is not installed."""


@cache
def cindex() -> Any:
    """The binding.

    :raises LibraryMissingError: it is not installed, or its library cannot be loaded
    """
    try:
        from clang import cindex as binding

        lib = binding.conf.lib
    except Exception as error:  # an ImportError, or the binding's own LibclangError
        raise LibraryMissingError(MISSING) from error
    cursor, location = binding.Cursor, binding.SourceLocation
    number, pointer = ctypes.c_uint, ctypes.c_void_p
    for name, arguments, result in (
        ("clang_getCursorUnaryOperatorKind", [cursor], ctypes.c_int),
        ("clang_getCursorBinaryOperatorKind", [cursor], ctypes.c_int),
        ("clang_Cursor_getVarDeclInitializer", [cursor], cursor),
        ("clang_Cursor_Evaluate", [cursor], pointer),
        ("clang_EvalResult_getKind", [pointer], ctypes.c_int),
        ("clang_EvalResult_isUnsignedInt", [pointer], number),
        ("clang_EvalResult_getAsLongLong", [pointer], ctypes.c_longlong),
        ("clang_EvalResult_getAsUnsigned", [pointer], ctypes.c_ulonglong),
        ("clang_EvalResult_dispose", [pointer], None),
    ):
        function = getattr(lib, name)
        function.argtypes, function.restype = arguments, result
    lib.clang_getPresumedLocation.argtypes = [location, pointer, ctypes.POINTER(number), ctypes.POINTER(number)]
    lib.clang_getPresumedLocation.restype = None
    return binding


def unary_operator(cursor: Any) -> str:
    """The operator of a unary expression."""
    return _UNARY[cindex().conf.lib.clang_getCursorUnaryOperatorKind(cursor)]


def binary_operator(cursor: Any) -> str:
    """The operator of a binary expression or of a compound assignment."""
    return _BINARY[cindex().conf.lib.clang_getCursorBinaryOperatorKind(cursor)]


def initializer(cursor: Any) -> Any | None:
    """The initialiser of a variable; None: it has none."""
    found = cindex().conf.lib.clang_Cursor_getVarDeclInitializer(cursor)
    found._tu = cursor._tu  # the binding's own functions set it, too
    return None if found.kind.is_invalid() else found


def constant(cursor: Any) -> int | None:
    """The value of a constant expression; None: it is no integer constant."""
    lib = cindex().conf.lib
    result = lib.clang_Cursor_Evaluate(cursor)
    if not result:
        return None
    try:
        if lib.clang_EvalResult_getKind(result) != _INTEGER:
            return None
        if lib.clang_EvalResult_isUnsignedInt(result):
            return int(lib.clang_EvalResult_getAsUnsigned(result))
        return int(lib.clang_EvalResult_getAsLongLong(result))
    finally:
        lib.clang_EvalResult_dispose(result)


def presumed(location: Any) -> tuple[str, int]:
    """File and line of a place, as the line markers of the preprocessor's output say."""
    binding = cindex()
    lib, name = binding.conf.lib, binding._CXString()  # disposes itself
    line, column = ctypes.c_uint(), ctypes.c_uint()
    lib.clang_getPresumedLocation(location, ctypes.byref(name), ctypes.byref(line), ctypes.byref(column))
    text = lib.clang_getCString(name)
    return (text.decode(errors="replace") if isinstance(text, bytes) else str(text or "")), line.value
