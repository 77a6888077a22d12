"""Rules in a file of their own: both halves of a generation that is not in the tree.

A file has one subclass of `reference.generation.Generation` with a name, and one value of
`model.generations.generation.Generation` whose rules have the same name. Once it is loaded (`proofs.rules.loading`),
that name is known in this process, and in every process that works for it: these get the text, so an edit of the file
meanwhile changes nothing.

Here is what is known of the files that are loaded; nothing of it needs the model.
"""

from __future__ import annotations

import hashlib
import re
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType

_NAMED_IN_TRACEBACK = r'File "{}", line (\d+)'


class RulesError(Exception):
    """A file of rules that cannot be used: where, and why."""

    def __init__(self, path: str, line: int, why: str) -> None:
        super().__init__(f"{path}:{line}: {why}" if line else f"{path}: {why}")
        self.path, self.line, self.why = path, line, why

    def __reduce__(self) -> tuple[type[RulesError], tuple[str, int, str]]:
        return RulesError, (self.path, self.line, self.why)


@dataclass(frozen=True)
class RulesFile:
    """A file of rules: where it was, and what it said when it was read."""

    path: str
    text: str


@dataclass(frozen=True)
class LoadedRules:
    """A generation from a file."""

    file: RulesFile
    name: str
    base: str
    """The generation that it is based on: the nearest one that its class is derived from."""


LOADED: dict[str, LoadedRules] = {}
"""By the generation's name."""


def files() -> list[RulesFile]:
    """The files that are loaded in this process, for another."""
    return [one.file for one in LOADED.values()]


def add_all(wanted: Sequence[RulesFile]) -> None:
    """Make the generations of these files known."""
    if wanted:
        from proofs.rules.loading import add

        for file in wanted:
            add(file)


def digest_of(text: str) -> str:
    """Of the files whose generation a text names; empty if it names none."""
    named = sorted(f"{name}\n{one.file.text}" for name, one in LOADED.items() if name in text)
    return hashlib.sha256("\0".join(named).encode()).hexdigest() if named else ""


def error_in_rules(error: BaseException) -> RulesError | None:
    """An exception that a rule of a loaded file raised, here or in another process; None: it came from elsewhere."""
    for one in LOADED.values():
        line = last_line(one.file.path, error)
        if line:
            return RulesError(one.file.path, line, said(error))
    return None


def said(error: BaseException) -> str:
    """An exception in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}".removesuffix(": ")


def last_line(path: str, error: BaseException) -> int:
    """The last line of a file in the traceback of an exception, or of what caused it; 0: the file is not in it."""
    current: BaseException | None = error
    while current is not None:
        here = _in_frames(path, current.__traceback__)
        there = re.findall(_NAMED_IN_TRACEBACK.format(re.escape(path)), str(current))  # of another process
        if here or there:
            return here or int(there[-1])
        current = current.__cause__
    return 0


def _in_frames(path: str, trace: TracebackType | None) -> int:
    lines = [frame.lineno for frame in traceback.extract_tb(trace) if frame.filename == path]
    return (lines[-1] or 0) if lines else 0
