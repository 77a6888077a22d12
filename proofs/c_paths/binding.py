"""A C file with its map: preprocessed, its stubs in place, read, and ready to be compiled."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from copy import copy
from pathlib import Path

from .driver import around, dispatch, marks, stub_bodies
from .mapping import LoadedMap
from .reading import SourceError, TranslationUnit, text_of

_LIKE_CLANG = ("-U__GNUC__", "-D__GNUC__=4", "-U__GNUC_MINOR__", "-D__GNUC_MINOR__=2", "-std=gnu11")
"""What clang says of itself: system headers then use no attribute that only newer versions of GCC have."""

_EXTENDED_FLOATS = re.compile(r"typedef [a-z ]+ _Float\d+x?;")
"""What system headers then define, and GCC has itself."""


def compilable(text: str) -> str:
    """Preprocessed text without what the compiler has itself."""
    return _EXTENDED_FLOATS.sub(" ", text)


def compiler() -> list[str]:
    """The C compiler: ``$CC``, or ``cc``.

    :raises SourceError: there is none
    """
    words = shlex.split(os.environ.get("CC") or "cc")
    if shutil.which(words[0]) is None:
        raise SourceError(f"claimcheck diff --c needs a C compiler: {words[0]} is not found; set CC to one")
    return words


class BoundSource:
    """A C file that a map belongs to."""

    def __init__(self, path: Path, shown: str, loaded: LoadedMap, text: str | None = None) -> None:
        """``text``: the content of the file, where it differs from what is stored.

        :raises SourceError: the file or the map does not compile
        """
        self.path, self.shown, self.loaded = path, shown, loaded
        content = text_of(path, shown) if text is None else text
        self.content = content
        whole, bodies = _without_stubs(self._preprocessed(content), len(stub_bodies(loaded)))
        self.unstubbed = TranslationUnit(whole, shown)
        """The file with its own bodies of the functions that the map replaces."""
        replaced = dict(zip(stub_bodies(loaded), bodies, strict=True))
        self.source = TranslationUnit(self._with_stubs(self.unstubbed, replaced), shown)

    def changed(self, text: str) -> BoundSource:
        """The same file with another text, as `source.text` is: preprocessed, with its stubs.

        :raises SourceError: it does not compile
        """
        other = copy(self)
        other.source = TranslationUnit(text, self.shown)
        return other

    @property
    def text(self) -> str:
        """The C text that is compiled: what is executed on unknown numbers, and how its functions are called."""
        return compilable(self.source.text) + "\n" + dispatch(self.loaded)

    def _preprocessed(self, content: str) -> str:
        flags = [*_LIKE_CLANG, *self.loaded.map.compile.flags]
        command = [*compiler(), "-E", *flags, "-iquote", str(self.path.resolve().parent), "-x", "c", "-"]
        done = subprocess.run(
            command,
            input=around(self.loaded, content, self.shown),
            capture_output=True,
            check=False,
            text=True,
            cwd=self.loaded.path.resolve().parent,
            env=os.environ | {"LC_ALL": "C"},
        )
        if done.returncode:
            lines = [line for line in done.stderr.splitlines() if "error" in line] or done.stderr.splitlines() or ["?"]
            raise SourceError(lines[0].replace(" fatal error", "").replace(" error", ""))
        return done.stdout

    def _with_stubs(self, source: TranslationUnit, bodies: dict[str, str]) -> str:
        """The text with other bodies for the functions that the map names."""
        cuts, more = [], []
        for name, body in bodies.items():
            if name in source.defined:
                start, end = source.body_of(name)
                place = source.end_of_body(name)
                cuts.append((start, end, f'{{ {body} }}\n# {place.line} "{place.file}"\n'))
            elif name in source.declared:
                more.append(f"{source.header_of(name)} {{ {body} }}\n")
            else:
                raise self.loaded.refuse(self._field_of(name), f"{self.shown} has no function of that name")
        text = source.text.encode()
        for start, end, body in sorted(cuts, reverse=True):
            text = text[:start] + body.encode() + text[end:]
        return text.decode() + "\n" + "".join(more)

    def _field_of(self, name: str) -> str:
        """Where the map names a function that is replaced."""
        known = self.loaded.map
        tables = {"stubs": known.stubs, "locks.take": known.locks.take, "locks.release": known.locks.release}
        return next((f"{table}.{name}" for table, names in tables.items() if name in names), "assertions")


def _without_stubs(text: str, number: int) -> tuple[str, list[str]]:
    """The text without the bodies of stubs at its end, and these bodies."""
    bodies = []
    end = len(text)
    for at in range(number):
        begin, after = marks(at)
        start = text.index(begin)
        bodies.append(text[start + len(begin) : text.index(after)])
        end = min(end, start)
    return text[:end], bodies
