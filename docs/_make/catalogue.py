"""The generations as documents list them: the order of time is that of the code's catalogue, and of nothing else."""

from __future__ import annotations

import inspect
import re

from docs._make.blocks import table
from model.named import GENERATIONS
from reference.generations import GENERATIONS as OF_REFERENCE

NUMBERS = {name: str(number) for number, name in enumerate(GENERATIONS, 1)}

RELEASES = {
    "4.18": "legacy-2013",
    "4.20, 4.21": "legacy-redeem-at-alloc",
    "4.22": "mainline-4.22",
    "with v7": "claim-sets-v7",
    "with v8": "per-node-v8",
}
"""The rules that a release has, with its stable fixes; then mainline with a posted series on it."""


def numbered(what: str) -> str:
    """What the numbers in a table stand for.

    :param what: where the numbers are: "Columns", "The numbers in the last three columns"
    """
    names = ", ".join(f"{number} `{name}`" for name, number in NUMBERS.items())
    return f"{what} are the generations, in order of time: {names}."


def toctree() -> str:
    """The entries of the generations' pages in the site."""
    pages = "\n".join(f"generations/{name}" for name in GENERATIONS)
    head = ":maxdepth: 1\n:caption: One page per generation"
    return f"```{{toctree}}\n{head}\n\ngenerations/README\n{pages}\n```"


def of_reference() -> str:
    """The class of each generation in the reference, and what it overrides."""
    body = []
    for name, generation in OF_REFERENCE.items():
        cls = type(generation)
        says = " ".join((inspect.getdoc(cls) or "").split("\n\n")[0].split())
        says = re.sub(r"^``[^`]+``(?: \(([^)]*)\))?: *", lambda m: f"{m[1]}: " if m[1] else "", says).replace(
            "``", "`"
        )  # the name has a column of its own
        body.append([f"`{name}`", f"`{cls.__module__.rpartition('.')[2]}.py`", f"`{cls.__mro__[1].__name__}`", says])
    return table(
        ["generation", "file in `reference/generations/`", "based on the class", "date, and what it changes"], body
    )
