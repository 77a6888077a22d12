"""The names that obligations are made of, where nothing else of them is needed."""

from dataclasses import dataclass

BOOT = "boot"
EVERY_STATE = "every-state"
PARAMETRIC = "parametric"
LEMMA = "lemma"
LOOP = "loop"
SECTION = "section"
SELF_TEST = "self-test"
AUXILIARY = (LEMMA, LOOP, SECTION, SELF_TEST)
"""First parts of the names of obligations that are not about one semantics."""


def bounded(nodes: int, domains: int) -> str:
    """The name of the bounded encoding: `bounded-NxD`."""
    return f"bounded-{nodes}x{domains}"


@dataclass(frozen=True)
class NotApplicable:
    """A property that a transition has nothing to do with, and why."""

    semantics: str
    property: str
    transition: str
    reason: str
