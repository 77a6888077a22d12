"""Files of rules for tests."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from proofs.rules import LOADED, LoadedRules
from proofs.rules.loading import forget, load

REVIEWS = Path("tests/data/reviews")
RIGHT = """\
from dataclasses import replace

from model.generations.claim_sets import CLAIM_SETS
from reference.generations.claim_sets import ClaimSets


class Mine(ClaimSets):
    name = "mine"


MODEL = replace(CLAIM_SETS, rules=replace(CLAIM_SETS.rules, name="mine"))
"""


def written(folder: Path, text: str, name: str = "rules.py") -> str:
    """The path of a file with that text."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


@contextmanager
def forgotten() -> Iterator[None]:
    """Rules that are loaded in the context are known as long as it lasts."""
    before = set(LOADED)
    try:
        yield
    finally:
        for name in set(LOADED) - before:
            forget(name)


@contextmanager
def known(path: str | Path) -> Iterator[LoadedRules]:
    """The rules of a file, as long as the context lasts."""
    with forgotten():
        yield load(str(path))


def uncommented(text: str) -> str:
    """A file to begin with, with every rule in force."""
    return re.sub(r"^( *)#(?: |$)", r"\1", text, flags=re.MULTILINE)
