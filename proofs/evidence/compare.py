"""Where two results differ, field by field."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct

from proofs.evidence.structure import NOT_COMPARED

ABSENT = "absent"
_KEYS = ("name", "id", "file", "transition", "property")
"""Fields by which the entries of a list are known, the first that they have."""


class FieldDifference(Struct):
    """A field that does not come out as it was stored."""

    field: str
    stored: Any
    found: Any

    def __str__(self) -> str:
        return f"{self.field}: stored {_text(self.stored)}, found {_text(self.found)}"


def _text(value: Any) -> str:
    if isinstance(value, str):
        text = value
    else:
        text = msgspec.json.encode(value).decode()
    return text if len(text) <= 120 else f"{text[:120]}..."


def differences(field: str, stored: Any, found: Any) -> Iterator[FieldDifference]:
    """Every field that differs, times left out. Entries that have names are compared by name."""
    yield from _differences(field, msgspec.to_builtins(stored), msgspec.to_builtins(found))


def _differences(field: str, stored: Any, found: Any) -> Iterator[FieldDifference]:
    if isinstance(stored, dict) and isinstance(found, dict):
        for key in [*stored, *(key for key in found if key not in stored)]:
            if key not in NOT_COMPARED:
                yield from _differences(f"{field}.{key}", stored.get(key, ABSENT), found.get(key, ABSENT))
    elif isinstance(stored, list) and isinstance(found, list):
        yield from _of_lists(field, stored, found)
    elif stored != found:
        yield FieldDifference(field, stored, found)


def _of_lists(field: str, stored: list[Any], found: list[Any]) -> Iterator[FieldDifference]:
    names = [_named(entries) for entries in (stored, found)]
    if names[0] is None or names[1] is None:
        if len(stored) == len(found):
            for index, (one, other) in enumerate(zip(stored, found, strict=True)):
                yield from _differences(f"{field}[{index}]", one, other)
        else:
            yield FieldDifference(field, stored, found)
        return
    for name, entries in names[0].items():
        if len(entries) > 1:
            yield FieldDifference(f"{field}[{name}]", f"{len(entries)} times", "once")
    for name in [*names[0], *(n for n in names[1] if n not in names[0])]:
        one, other = (named.get(name, [ABSENT])[0] for named in (names[0], names[1]))
        yield from _differences(f"{field}[{name}]", one, other)


def _named(entries: list[Any]) -> dict[str, list[Any]] | None:
    """The entries by name, none if they have no names."""
    named: dict[str, list[Any]] = {}
    for entry in entries:
        key = next((k for k in _KEYS if isinstance(entry, dict) and k in entry), None)
        if key is None:
            return None
        named.setdefault(str(entry[key]), []).append(entry)
    return named
