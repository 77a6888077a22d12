"""The components of the names of obligations, for modules that need only names."""

from dataclasses import dataclass

BOOT = "boot"
EVERY_STATE = "every-state"
PARAMETRIC = "parametric"
LEMMA = "lemma"
LOOP = "loop"
SECTION = "section"
VIEWS = "views"
ABSTRACTION = "abstraction"
SELF_TEST = "self-test"
AUXILIARY = (LEMMA, LOOP, SECTION, VIEWS, ABSTRACTION, SELF_TEST)
"""The first components of the names of obligations that do not belong to a generation."""


def bounded(nodes: int, domains: int) -> str:
    """The name of the bounded encoding: `bounded-NxD`."""
    return f"bounded-{nodes}x{domains}"


@dataclass(frozen=True)
class InapplicableProperty:
    """A property that does not apply to a transition, and the reason."""

    semantics: str
    property: str
    transition: str
    reason: str


COMPARING = ("legacy-compatible",)
"""Properties that compare calls under premises."""
