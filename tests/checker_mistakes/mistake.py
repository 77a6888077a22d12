"""The catalogue of mistakes in the checker: a small edit each, and the default test that has to fail with it."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

import msgspec
from msgspec import Struct

ROOT = Path(__file__).resolve().parents[2]
CATALOGUE = Path(__file__).with_name("catalogue")


class CheckerMistake(Struct, frozen=True, forbid_unknown_fields=True):
    """One mistake: in a file, a piece of text becomes another."""

    name: str
    kind: str
    says: str
    """What is wrong then, in a sentence."""
    file: str
    text: str
    """Stands in the file once."""
    instead: str
    noticed_by: str
    """The node id of a default test of pytest."""

    @property
    def module(self) -> str:
        """The module that is edited."""
        return self.file.removesuffix(".py").replace("/", ".").removesuffix(".__init__")

    def edited(self) -> str:
        """The source with the mistake.

        :raises ValueError: the text is not there, or more than once
        """
        source = (ROOT / self.file).read_text(encoding="utf-8")
        if source.count(self.text) != 1:
            raise ValueError(f"{self.name}: {self.file} has {self.text!r} {source.count(self.text)} times")
        return source.replace(self.text, self.instead)


@cache
def catalogue() -> tuple[CheckerMistake, ...]:
    """All of them, by kind.

    :raises ValueError: two have the same name
    """
    found: list[CheckerMistake] = []
    for path in sorted(CATALOGUE.glob("*.toml")):
        for name, entry in tomllib.loads(path.read_text(encoding="utf-8")).items():
            found.append(msgspec.convert({"name": name, **entry}, CheckerMistake))
    names = [mistake.name for mistake in found]
    if len(set(names)) < len(names):
        raise ValueError(f"mistakes of one name: {sorted(n for n in set(names) if names.count(n) > 1)}")
    return tuple(found)
