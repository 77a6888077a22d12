"""The lint for plain English: words of tests/words.toml in documents, messages, comments and docstrings.

`python -m tests.prose` reads everything, `python -m tests.prose docs model/rules.py` only these. By `make lint`.
"""

import io
import re
import sys
import tokenize
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
WORDS = Path(__file__).with_name("words.toml")
PLACES = ("README.md", "Makefile", "pyproject.toml", "docs", "reference", "model", "proofs", "tests", "bench")
SUFFIXES = (".md", ".py", ".html", ".j2", ".css", ".js", ".toml", ".c", ".h", "Makefile")
UNREAD = {
    "tests/data": "recordings, findings and stored runs",
    "tests/words.toml": "the words themselves",
    "tests/test_prose.py": "examples of what the lint finds",
}
"""What is not read, each with the reason."""
_FENCE = re.compile(r"^\s*(```|~~~)")
_NAMED = re.compile(r"`[^`]*`|\{[^{}]*\}")
"""Code in a string or comment, and what a string is filled with."""
_QUOTED = re.compile(r"`[^`]*`|\]\([^)]*\)")
_SINGLE_WORD = re.compile(r"[a-zA-Z]*([\"'])\w+\1")
"""A string of one word is a name: of a field, a key, an attribute."""
_FILLED = re.compile(r"\{\{.*?\}\}|\{%.*?%\}")
"""What a template is filled with, and its code."""
_CODE = re.compile(r"(?:text|instead) = ")
"""Lines of TOML that quote code: the edits of tests/checker_mistakes."""


class Wording(NamedTuple):
    """A phrase that english.md rules out."""

    place: str
    line: int
    phrase: str
    instead: str

    def __str__(self) -> str:
        return f'{self.place}:{self.line}: "{self.phrase}": write {self.instead}'


def patterns() -> list[tuple[re.Pattern[str], str]]:
    """What to find, and what to write for it."""
    words = tomllib.loads(WORDS.read_text(encoding="utf-8"))["instead"]
    return [
        (re.compile(rf"(?<![\w-])(?:{pattern})(?![\w-])", re.IGNORECASE), instead) for pattern, instead in words.items()
    ]


def prose(path: Path) -> Iterator[tuple[int, str]]:
    """Lines of prose: documents without code, Python's strings and comments, other files whole."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        yield from _python(text)
        return
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if path.suffix == ".md" and _FENCE.match(line):
            fenced = not fenced
        elif not fenced and not (path.suffix == ".toml" and _CODE.match(line)):
            yield number, _QUOTED.sub("``", _FILLED.sub("", line))


def _python(text: str) -> Iterator[tuple[int, str]]:
    kinds = {tokenize.COMMENT, tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in kinds and not _SINGLE_WORD.fullmatch(token.string):
            for further, line in enumerate(token.string.splitlines()):
                yield token.start[0] + further, _NAMED.sub("", line)


def wordings(paths: list[Path]) -> Iterator[Wording]:
    """Every ruled-out phrase in these files and folders."""
    found = patterns()
    for path in files(paths):
        for number, line in prose(path):
            for pattern, instead in found:
                for match in pattern.finditer(line):
                    yield Wording(path.relative_to(ROOT).as_posix(), number, match[0], instead)


def files(paths: list[Path]) -> Iterator[Path]:
    """The files with prose among these and below them."""
    for top in paths:
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            name = path.relative_to(ROOT).as_posix()
            if path.is_file() and name.endswith(SUFFIXES) and not any(name.startswith(u) for u in UNREAD):
                yield path


def main(arguments: list[str]) -> int:
    """Print every phrase; 1 if there is any."""
    found = list(wordings([ROOT / name for name in arguments or PLACES]))
    print("\n".join(map(str, found)) or "prose: nothing wrong")
    if found:
        print(f"{len(found)} phrases")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
