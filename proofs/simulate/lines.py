"""Where in a TOML text a field stands that was refused: the decoder of fields knows no lines."""

from __future__ import annotations

import re

_PLACE = re.compile(r" - at `\$(?P<place>[^`]*)`$")
_NAMED = re.compile(r"(?:unknown|required) field `(?P<field>[^`]*)`|^(?P<place>[a-z_]+\.[a-z_]+) ")
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


def _words(place: str) -> list[str]:
    return [word.strip(" \"'") for word in re.sub(r"\[[^\]]*\]", "", place).split(".") if word.strip(" \"'")]
