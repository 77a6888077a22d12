"""Mistakes in the rules of the model: another value at one point in which generations differ."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from model.generations.generation import Generation
from model.rules import (
    node_permits_free_pages,
    recall_global_then_node,
    recall_nothing,
    redeem_global_first,
    redeem_node_global,
)


@dataclass(frozen=True)
class MistakenRule:
    """Another value of one field of the rules."""

    rule: str
    value: Any
    breaks: str
    """A property that does not hold then, and holds with the right rules."""
    granted: tuple[str, ...] = ()
    """The conditions on which the right rules keep it."""
    sentence: str = ""
    """What is done wrong; empty where an override of the same name states it."""


RULES: dict[str, MistakenRule] = {
    "redeem-without-step-3": MistakenRule("redeem", redeem_node_global, breaks="redeemed-once"),
    "redeem-global-first": MistakenRule("redeem", redeem_global_first, breaks="node-backed"),
    "redeem-forgets-host": MistakenRule(
        "counts_outstanding_on_redeem",
        False,
        breaks="host-backed",
        sentence="Redeeming leaves outstanding_claims as it was.",
    ),
    "install-duplicated-node": MistakenRule(
        "nodes_once", False, breaks="node-backed", sentence="A node may be named twice in a claim set."
    ),
    "install-without-own-credit": MistakenRule(
        "credits_own_claims",
        False,
        breaks="atomic-install",
        sentence="The claims about to be replaced are not counted as available.",
    ),
    "install-accumulates": MistakenRule("releases_before_install", False, breaks="atomic-install"),
    "install-without-limit": MistakenRule(
        "checks_limit_at_install",
        False,
        breaks="entitlement-without-limbo",
        granted=("limit-not-lowered",),
        sentence="Claims may exceed max_pages.",
    ),
    "recall-global-first": MistakenRule(
        "recall",
        recall_global_then_node,
        breaks="recall-minimal",
        sentence="Host-wide claims are recalled before the node's.",
    ),
    "no-recall": MistakenRule("recall", recall_nothing, breaks="node-backed"),
    "kill-keeps-claims": MistakenRule(
        "releases_on_kill", False, breaks="dead-hold-nothing", granted=("legacy-check-in-lock",)
    ),
    "node-check-ignores-claims": MistakenRule("node_permits", node_permits_free_pages, breaks="node-backed"),
    "assign-without-limit": MistakenRule(
        "checks_limit_at_assign",
        False,
        breaks="entitlement-without-limbo",
        granted=("limit-not-lowered", "no-claim-in-flight"),
        sentence="assign_pages does not check max_pages.",
    ),
    "free-restores-claims": MistakenRule("frees_restore_claims", True, breaks="redeemed-once"),
}


def mutated(semantics: Generation, mistake: str) -> Generation:
    """The semantics with one deliberate mistake in its rules."""
    change = RULES[mistake]
    changed: dict[str, Any] = {change.rule: change.value}
    return replace(semantics, rules=replace(semantics.rules, **changed))
