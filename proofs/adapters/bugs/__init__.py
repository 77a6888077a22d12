"""Known mistakes, to be put into the reference of a claim-set generation: is each of them found?

Each overrides one or two of the points where generations differ. Some were the rule of an earlier generation, some
were made and found on the way, some are what a careful reviewer looks for.
"""

from __future__ import annotations

import re

from reference.generations import SEMANTICS
from reference.semantics import Semantics

from . import allocating, claiming
from .bug import Bug

__all__ = ["BUGS", "Bug", "with_bug"]


def _name(bug: type[Bug]) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z0-9])", "-", bug.__name__).lower()


BUGS: dict[str, type[Bug]] = {
    _name(bug): bug
    for module in (allocating, claiming)
    for bug in vars(module).values()
    if isinstance(bug, type) and issubclass(bug, Bug) and bug is not Bug
}
"""Every mistake by its name: ``NoRecall`` is ``no-recall``."""


def with_bug(name: str) -> dict[str, Semantics]:
    """The generations that the mistake fits, each with it."""
    return {fit: _spoiled(BUGS[name], type(SEMANTICS[fit])) for fit in BUGS[name].fits()}


def _spoiled(bug: type[Bug], right: type[Semantics]) -> Semantics:
    spoiled: Semantics = type(f"{right.__name__}With{bug.__name__}", (bug, right), {})()
    return spoiled
