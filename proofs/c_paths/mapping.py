"""The map: which functions and variables of a C file are which operations and counters of the model."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Literal

import msgspec

from model.calls import CALL_FIELDS

from .operations import ARGUMENTS, DERIVED
from .reading import SourceError, text_of


class Compile(msgspec.Struct, forbid_unknown_fields=True):
    """How the file is compiled."""

    flags: list[str] = []
    """Options of the compiler. Relative folders are relative to the map's."""
    before: str = ""
    """C text before the file."""
    after: str = ""
    """C text after the file."""


class Layout(msgspec.Struct, forbid_unknown_fields=True):
    """The objects that the counters are in."""

    domain: str
    """The type of a domain."""
    entry: str = ""
    """The type of an entry of a claim set."""
    setup: str = ""
    """Statements that make a host: of `nodes` nodes of `span` frames, and of the first `domains` of `domain[]`."""
    beyond: Literal["poison", "zero"] = "poison"
    """What entries of arrays beyond the nodes of the host are: not to be used, or 0."""


class OperationMap(msgspec.Struct, forbid_unknown_fields=True):
    """How an operation is called."""

    call: str
    """An expression, or a statement without a result."""
    results: dict[str, str] = {}
    """Results by name: what the expression then is. As `[results]`, if left out."""
    answers: dict[str, str] = {}
    """What else it returns."""
    setup: str = ""
    """Statements before the call."""
    assume: list[str] = []
    """Further properties of the model that are assumed of the state before."""


class Locks(msgspec.Struct, forbid_unknown_fields=True):
    """Functions that take or release a lock, and the address of the lock in terms of their parameters."""

    take: dict[str, str] = {}
    release: dict[str, str] = {}


class Assumptions(msgspec.Struct, forbid_unknown_fields=True):
    """What is assumed of the state in addition to what every generation keeps."""

    most_pages: int = 1 << 40
    """No counter of pages is larger."""
    properties: list[str] = []
    """Properties of the model, by name."""


class Map(msgspec.Struct, forbid_unknown_fields=True):
    """A map."""

    generations: list[str]
    """The generations that it can be for."""
    layout: Layout
    counters: dict[str, str]
    """Counters of the model: an expression of the host, of node `n`, of domain `d`."""
    operations: dict[str, OperationMap]
    entries: dict[str, str] = {}
    """`pages`, `target` and `pad` of an entry `e`."""
    results: dict[str, str] = {}
    """Results by name, for all operations."""
    compile: Compile = msgspec.field(default_factory=Compile)
    stubs: dict[str, str] = {}
    """Functions with other bodies."""
    locks: Locks = msgspec.field(default_factory=Locks)
    assertions: list[str] = []
    """Functions that are called where the host stops."""
    assume: Assumptions = msgspec.field(default_factory=Assumptions)


class LoadedMap:
    """A map with the text that it was read from."""

    def __init__(self, path: Path, shown: str) -> None:
        """:raises SourceError: it cannot be read, or is no map"""
        self.path, self.shown = path, shown
        self.text = text_of(path, shown)
        try:
            content = tomllib.loads(self.text)
        except tomllib.TOMLDecodeError as error:
            raise SourceError(f"{shown}: is no TOML: {error}") from None
        try:
            self.map = msgspec.convert(content, Map)
        except msgspec.ValidationError as error:
            message, _, where = str(error).partition(" - at `$")
            field = where.strip("`.").replace("[...]", "")
            raise SourceError(f"{shown}:{self.line_of(field)}: {field or 'the map'}: {message}") from None
        self._check()

    def line_of(self, field: str) -> int:
        """The line of a field such as ``counters.claims``; 1 if it is not found."""
        table, _, key = field.rpartition(".")
        within = not table
        lines = self.text.splitlines()
        for number, line in enumerate(lines, 1):
            stripped = line.strip()
            if stripped.startswith("["):
                name = stripped.strip("[]").strip()
                if name == field or name.startswith(f"{field}."):
                    return number
                within = name == table
            elif within and stripped.partition("=")[0].strip().strip("\"'") == key:
                return number
        return self.line_of(table) if table else 1

    def refuse(self, field: str, why: str) -> SourceError:
        """The error about a field."""
        return SourceError(f"{self.shown}:{self.line_of(field)}: {field}: {why}")

    def _check(self) -> None:
        from model.generations import GENERATIONS

        known = self.map
        for name in known.generations:
            if name not in GENERATIONS:
                raise self.refuse("generations", f"there is no generation {name!r}")
        for name in known.counters:
            if name not in CALL_FIELDS and name not in DERIVED:
                raise self.refuse(f"counters.{name}", "the model has no such counter")
        for name in known.entries:
            if name not in ("pages", "target", "pad"):
                raise self.refuse(f"entries.{name}", "an entry has pages, target and pad")
        for name, operation in known.operations.items():
            if name not in ARGUMENTS:
                raise self.refuse(f"operations.{name}", f"not one of {', '.join(ARGUMENTS)}")
            if "entries" in ARGUMENTS[name] and not (
                known.layout.entry and {"pages", "target"} <= known.entries.keys()
            ):
                raise self.refuse(f"operations.{name}", "needs layout.entry, entries.pages and entries.target")
            self._check_properties(f"operations.{name}.assume", operation.assume)
        if not known.operations:
            raise self.refuse("operations", "names no operation")
        if not known.counters:
            raise self.refuse("counters", "names no counter")
        self._check_properties("assume.properties", known.assume.properties)

    def _check_properties(self, field: str, names: list[str]) -> None:
        from model.properties import PROPERTIES

        for name in names:
            if name not in PROPERTIES:
                raise self.refuse(field, f"there is no property {name!r}")

    def results_of(self, operation: str) -> dict[str, str]:
        """The results of an operation by name."""
        return self.map.operations[operation].results or self.map.results


def counter_names(of: Map) -> dict[str, Any]:
    """The shape of each counter of a map."""
    from model.state import Shape

    return {name: CALL_FIELDS[name].shape if name in CALL_FIELDS else Shape.DOMAIN for name in of.counters}
