"""A generation of claims: its rules, its transitions, and what it promises on which conditions."""

import re
from dataclasses import dataclass, field
from typing import Protocol

from model.registry import TRANSITIONS
from model.rules import Rules, recall_nothing

INVARIANTS = (
    "node-backed",
    "aggregates-agree.free",
    "aggregates-agree.node",
    "aggregates-agree.domain",
    "pages-counted",
    "same-claims-both-ways",
    "non-negative",
    "sums-non-negative",
    "claims-within-aggregates",
    "unused-ids-empty",
    "destroyed-empty",
    "all-claims-counted",
    "dead-hold-no-node-claims",
    "redeemed-once.conservation",
    "redeemed-once.ledger",
    "no-wrap.domain-counters",
)


class Part(Protocol):
    """A part of a property. Generations refer to it by name."""

    @property
    def id(self) -> str:
        """The name of the property."""
        ...

    @property
    def name(self) -> str:
        """The id with the part."""
        ...


@dataclass(frozen=True)
class Generation:
    """A generation of claims: rules, transitions, and what it promises, always or on conditions."""

    rules: Rules
    transitions: tuple[str, ...] = tuple(TRANSITIONS)
    invariants: tuple[str, ...] = INVARIANTS
    """State properties promised without conditions; together they are inductive."""
    conditional: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Property id, or name of a part, to the conditions on which it is promised."""

    def conditions_of(self, prop: Part) -> tuple[str, ...]:
        """The conditions on which a part of a property is promised; empty: it is promised always."""
        return self.conditional.get(prop.name, self.conditional.get(prop.id, ()))

    def lacks(self, feature: str) -> bool:
        """Whether the generation lacks a feature, judged by its transitions and rules."""
        has_sets, has_single = "claim_memory" in self.transitions, "claim_on_node" in self.transitions
        return not {
            "node-claims": has_sets or has_single,
            "only-host-wide": not has_sets and not has_single,
            "one-claim": has_single and not has_sets,
            "replacing": has_sets and self.rules.replaces,
            "sets": has_sets,
            "copies": self.rules.keeps_copies(),
            "derived": self.rules.keeps_total,
            "recall": self.rules.recall is not recall_nothing,
            "bug-on": self.rules.bug_on or self.rules.bug_on_redeem,
            "one-section": self.rules.assigns_at_alloc,
            "growing-back": self.rules.frees_restore_claims,
        }[feature]

    follows: tuple[str, ...] = ()
    """The generations that this one was made from."""

    @property
    def name(self) -> str:
        """The name on the command line."""
        return self.rules.name

    @property
    def posted(self) -> str:
        """When it was posted or merged: the beginning of its summary. Empty for a variant that nobody has posted."""
        date, colon, _ = self.rules.summary.partition(": ")
        return date if colon and re.search(r"\b20\d\d\b", date) else ""


LACKS: dict[str, str] = {
    "node-claims": "no claim is on a node",
    "only-host-wide": "claims may be on a node",
    "one-claim": "a domain has no claim on a node, or claims on several",
    "replacing": "no claim set is installed in the place of another",
    "sets": "it has no claim sets",
    "copies": "no counter has a copy under another lock",
    "derived": "host-wide claims are counted by themselves",
    "recall": "offlining recalls no claims",
    "growing-back": "freeing pages grows no claim",
    "bug-on": "it has no BUG_ON on claims",
    "one-section": "pages are in limbo between the allocator and assign_pages",
}
"""Each feature that a property may need, and what a generation without it is like."""


def transitions_without(*names: str) -> tuple[str, ...]:
    """All transitions but these."""
    return tuple(t for t in TRANSITIONS if t not in names)
