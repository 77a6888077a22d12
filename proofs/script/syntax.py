"""The text of a script as statements, each with its place. The grammar is in grammar.lark."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedEOF, UnexpectedInput, UnexpectedToken

from proofs.traces.text import one_line, printable

_LONGEST, _MOST_DIGITS = 40, 100
"""Characters of a piece of a script in a message; digits of a number that are read."""
PAGE = 4096
"""Bytes of a page."""
_UNITS = {"": 1, "K": 10, "M": 20, "G": 30, "T": 40}
_WANTED = {
    "AMOUNT": "a number",
    "NUMBER": "a number",
    "WORD": "a word",
    "GENERATION_NAME": "a word",
    "NAME_EQ": "name=value",
    "BUILDER": "builder:",
    "DOMAIN": "a domain (d1)",
    "$END": "the end of the line",
    "__ANON_0": "=>",
    "MORETHAN": ">",
    "COMMA": "`,`",
    "AT": "`@`",
    "PLUS": "`+`",
    "SLASH": "`/`",
    "COLON": "`:`",
    "HOST": "host",
    "GENERATION": "generation",
    "EXPECT": "expect",
    "BREAKS": "breaks",
    "AS": "as",
}


class ScriptError(Exception):
    """A script that cannot be run: where, and why."""

    def __init__(self, path: str, line: int, column: int, reason: str) -> None:
        super().__init__(path, line, column, reason)
        self.path, self.line, self.column, self.reason = path, line, column, one_line(reason)

    def __str__(self) -> str:
        place = "".join(f":{number}" for number in (self.line, self.column) if number)
        return f"{printable(self.path)}{place}: {self.reason}"


@dataclass(frozen=True)
class Amount:
    """A number; with a unit it is a size in bytes."""

    number: int
    unit: str
    column: int

    @property
    def pages(self) -> int:
        """The number itself, or the pages of the size; a fraction of a page counts as 0 pages."""
        return self.number if not self.unit else (self.number << _UNITS[self.unit[0]]) // PAGE


@dataclass(frozen=True)
class EntryValue:
    """An entry of a claim set: ``3@0``, ``1@host``; ``:1`` after it is its reserved field."""

    pages: Amount
    target: Amount | str
    pad: int
    column: int


@dataclass(frozen=True)
class FrameValue:
    """A frame by the name of an allocation, so many frames on."""

    name: str
    offset: int
    column: int


@dataclass(frozen=True)
class FractionValue:
    """``1/256``: page 256 of extent 1."""

    first: int
    second: int
    column: int


@dataclass(frozen=True)
class WordValue:
    """A word: the name of a flag, of a node or of an allocation."""

    text: str
    column: int


Value = Amount | EntryValue | FrameValue | FractionValue | WordValue


@dataclass(frozen=True)
class Argument:
    """Values, with their name if it was given."""

    name: str
    values: list[Value]
    column: int


@dataclass(frozen=True)
class ScriptStatement:
    """A line of a script."""

    line: int
    text: str


@dataclass(frozen=True)
class HostStatement(ScriptStatement):
    """``host 4 4``: the pages of each node, and what else a header says of the host."""

    nodes: list[Amount]
    options: list[Argument]
    """Each with one :class:`Amount`."""
    flags: list[WordValue]


@dataclass(frozen=True)
class GenerationStatement(ScriptStatement):
    """``generation claim-sets``."""

    name: WordValue


@dataclass(frozen=True)
class BreaksStatement(ScriptStatement):
    """``expect breaks node-backed``: the property does not hold at this point."""

    property: WordValue


@dataclass(frozen=True)
class CounterStatement(ScriptStatement):
    """``expect d1.tot_pages = 4``."""

    counter: str
    value: Amount
    column: int


@dataclass(frozen=True)
class OperationStatement(ScriptStatement):
    """``A: d1 populate 2 order=9 as x => OK``."""

    builder: str
    domid: int | None
    verb: WordValue
    arguments: list[Argument]
    alias: str = ""
    answer_word: str = ""
    answer_fields: list[Argument] = field(default_factory=list)
    answer_column: int = 1

    @property
    def is_answered(self) -> bool:
        """Whether the line says how it ends."""
        return bool(self.answer_word or self.answer_fields)


@cache
def _parser() -> Lark:
    grammar = files("proofs.script").joinpath("grammar.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", propagate_positions=True)


def statements(path: str, lines: Iterator[str] | list[str]) -> Iterator[ScriptStatement]:
    """The statements of a script, in order. ``#`` begins a comment.

    :raises ScriptError: a line is no statement
    """
    for number, line in enumerate(lines, 1):
        text = line.partition("#")[0].rstrip()
        if text.strip():
            yield _statement(path, number, text)


def statement(path: str, number: int, line: str) -> ScriptStatement | None:
    """The statement of one line; None: it is blank or a comment.

    :raises ScriptError: the line is no statement
    """
    return next(statements(path, [*[""] * (number - 1), line]), None)


def _statement(path: str, number: int, text: str) -> ScriptStatement:
    try:
        tree = _parser().parse(text)
    except UnexpectedInput as error:
        raise _unexpected(path, number, text, error) from None
    (child,) = tree.children
    assert isinstance(child, Tree)
    found: ScriptStatement = _BUILDERS[child.data](number, text.strip(), child)
    return found


def _unexpected(path: str, number: int, text: str, error: UnexpectedInput) -> ScriptError:
    if isinstance(error, UnexpectedToken):
        expected, found = error.accepts or error.expected, str(error.token)
    elif isinstance(error, UnexpectedCharacters):
        expected, found = error.allowed or set(), text[error.column - 1 : error.column]
    else:
        expected, found = set(), ""
    at_end = isinstance(error, UnexpectedEOF) or (isinstance(error, UnexpectedToken) and error.token.type == "$END")
    column = len(text) + 1 if at_end else error.column
    words = sorted({_WANTED.get(name, name.lower()) for name in expected}, key=_is_symbol)
    what = "the line ends too early" if at_end else f"unexpected {shortened(found)}"
    wanted = f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else "".join(words)
    hint = _hint(text, column)
    return ScriptError(path, number, column, f"{what}; expected {wanted}{hint}" if words else what)


def _is_symbol(word: str) -> tuple[bool, str]:
    return not word[0].isalpha(), word


def shortened(text: str) -> str:
    """A piece of a script in quotes, as far as a message shows it."""
    return repr(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}...")


def _hint(text: str, column: int) -> str:
    """What the mistake may be."""
    rest = text[column - 1 :]
    if re.match(r"[A-Za-z_][\w-]*:\S", text) and rest.startswith(":"):
        return ": a space is missing after the name of the builder"
    if re.match(r"->|=(?!>)", rest) and not text.startswith(("host", "generation", "expect")):
        return "; a result is written => OK"
    if re.match(r"//|;|--", rest):
        return "; a comment begins with #"
    if re.match(r"-?\d[\w.]*[A-Za-z.]", rest):
        return "; numbers are written 8, 0x8 or, as sizes, 16GiB"
    return ""


def _amount(token: Any) -> Amount:
    text = str(token)
    digits = re.match(r"-?(0[xX][0-9a-fA-F]+|\d+)", text)
    assert digits is not None  # it is the terminal's own pattern
    number = int(digits.group()[:_MOST_DIGITS], 0 if "x" in text.lower() else 10)  # more digits fit no field either
    return Amount(number, text[digits.end() :], _column(token))


def _column(token: Token | Tree[Token]) -> int:
    return (token.column if isinstance(token, Token) else token.meta.column) or 0


def _value(tree: Tree[Token]) -> Value:
    parts: list[Any] = tree.children
    column = _column(tree)
    match tree.data:
        case "amount":
            return _amount(parts[0])
        case "entry":
            target = parts[1].children[0]
            pad = _amount(parts[2].children[0]).number if len(parts) > 2 else 0
            named = _amount(target) if target.type == "NUMBER" else str(target)
            return EntryValue(_amount(parts[0]), named, pad, column)
        case "frame":
            return FrameValue(str(parts[0]), _amount(parts[1]).number, column)
        case "fraction":
            return FractionValue(_amount(parts[0]).number, _amount(parts[1]).number, column)
        case _:
            return WordValue(str(parts[0]), column)


def _argument(tree: Tree[Token]) -> Argument:
    parts: list[Any] = tree.children
    name = _name(parts[0]) if len(parts) == 2 else ""
    listed = parts[-1]
    values = listed.children if listed.data == "list" else [listed]
    return Argument(name, [_value(value) for value in values], _column(tree))


def _name(token: Any) -> str:
    return str(token).rstrip("= \t")


def _option(tree: Tree[Token]) -> Argument:
    parts: list[Any] = tree.children
    return Argument(_name(parts[0]), [_amount(parts[1])], _column(tree))


def _word(token: Any) -> WordValue:
    return WordValue(str(token), _column(token))


def _host(line: int, text: str, tree: Tree[Token]) -> ScriptStatement:
    items: list[Any] = tree.children
    return HostStatement(
        line,
        text,
        [_amount(item.children[0]) for item in items if item.data == "node_pages"],
        [_option(item) for item in items if item.data == "host_option"],
        [_word(item.children[0]) for item in items if item.data == "host_flag"],
    )


def _operation(line: int, text: str, tree: Tree[Token]) -> ScriptStatement:
    builder, domid, verb, alias, word, column = "", None, None, "", "", 1
    arguments: list[Argument] = []
    fields: list[Argument] = []
    for part in tree.children:
        if isinstance(part, Token):
            if part.type == "BUILDER":
                builder = str(part)[:-1]
            elif part.type == "DOMAIN":
                domid = int(part[1 : _MOST_DIGITS + 1])
            else:
                verb = _word(part)
        elif part.data == "alias":
            alias = str(part.children[0])
        elif part.data == "answer":
            for item in part.children:
                assert isinstance(item, Tree)
                if item.data == "answer_word":
                    word, column = str(item.children[0]), _column(item)
                else:
                    fields.append(_argument(item))
        else:
            arguments.append(_argument(part))
    assert verb is not None  # the grammar has it
    return OperationStatement(line, text, builder, domid, verb, arguments, alias, word, fields, column)


_BUILDERS: dict[str, Any] = {
    "host": _host,
    "operation": _operation,
    "generation": lambda line, text, tree: GenerationStatement(line, text, _word(tree.children[0])),
    "breaks": lambda line, text, tree: BreaksStatement(line, text, _word(tree.children[0])),
    "counter": lambda line, text, tree: CounterStatement(
        line, text, _name(tree.children[0]), _amount(tree.children[1]), _column(tree.children[0])
    ),
}
