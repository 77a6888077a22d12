"""Where in a TOML text a field stands that was refused, and what it may be: the decoder of fields says neither."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Any, Literal, get_args, get_origin, get_type_hints

_PLACE = re.compile(r" - at `\$(?P<place>[^`]*)`$")
_NAMED = re.compile(r"(?:unknown|required) field `(?P<field>[^`]*)`|^(?P<place>[a-z_0-9]+\.[a-z_0-9]+) ")
_HEADER = re.compile(r"\s*\[{1,2}([^\[\]#]+)\]{1,2}\s*(?:#.*)?$")
_KEY = re.compile(r"\s*([\w.\-]+)\s*=")


def line_of(text: str, reason: str) -> int | None:
    """The line of the field that a reason speaks of, or of the table in which it is missing."""
    place, named = _PLACE.search(reason), _NAMED.search(reason)
    path = _words(place["place"]) if place else []
    if named:
        path = _words(named["place"]) if named["place"] else [*path, named["field"]]
    table: list[str] = []
    nearest, line = 0, None
    for number, content in enumerate(text.splitlines(), 1):
        header, key = _HEADER.match(content), _KEY.match(content)
        if header:
            table = here = _words(header[1])
        elif key:
            here = [*table, *_words(key[1])]
        else:
            continue
        if len(here) > nearest and here == path[: len(here)]:
            nearest, line = len(here), number
    return line


def field_of(reason: str) -> str:
    """A reason with its field in front, as the file writes it: ``host.nodes: ...``."""
    place = _PLACE.search(reason)
    if place is None:
        return reason
    said, field = reason[: place.start()], ".".join(_words(place["place"]))
    return f"{field}: {said}" if field and not said.startswith(f"{field}.") else said


def instead(kind: type, reason: str) -> str:
    """What may stand in the place of an unknown field or value: `` (one of: ...)`` or `` (did you mean ...?)``.

    :param kind: of the whole content
    """
    place, named = _PLACE.search(reason), _NAMED.search(reason)
    hint: Any = kind
    for word in _words(place["place"]) if place else []:
        hint = get_type_hints(hint)[word]
    if named and named["field"] and "unknown" in reason:
        close = get_close_matches(named["field"], list(get_type_hints(hint)), 1)
        return f"; did you mean `{close[0]}`?" if close else f"; there are: {', '.join(get_type_hints(hint))}"
    parts = [hint, *get_args(hint)]  # the type itself, or those of a union
    choices = [part for part in parts if get_origin(part) is Literal]
    return f", expected {' or '.join(get_args(choices[0]))}" if choices and "enum" in reason else ""


def _words(place: str) -> list[str]:
    return [word.strip(" \"'") for word in re.sub(r"\[[^\]]*\]", "", place).split(".") if word.strip(" \"'")]
