"""Every semantics by name, every transition, and the deliberate mistakes."""

from collections.abc import Callable
from dataclasses import replace

from model.generations import SEMANTICS
from model.generations.generation import INVARIANTS, LACKS, Semantics
from model.registry import TRANSITIONS, Transition
from model.rules import (
    Rules,
    node_permits_free_pages,
    recall_global_then_node,
    recall_nothing,
    redeem_global_first,
    redeem_node_global,
)

__all__ = ["INVARIANTS", "LACKS", "MUTATIONS", "SEMANTICS", "TRANSITIONS", "Semantics", "Transition", "mutated"]

MUTATIONS: dict[str, tuple[str, Callable[[Rules], Rules]]] = {
    "redeem-without-step-3": (
        "claims on other nodes are never redeemed",
        lambda rules: replace(rules, redeem=redeem_node_global),
    ),
    "redeem-global-first": (
        "the host-wide claim is redeemed before the allocation node's",
        lambda rules: replace(rules, redeem=redeem_global_first),
    ),
    "redeem-forgets-host": (
        "redeeming leaves outstanding_claims as it was",
        lambda rules: replace(rules, counts_outstanding_on_redeem=False),
    ),
    "install-duplicated-node": (
        "a node may be named twice in a claim set",
        lambda rules: replace(rules, nodes_once=False),
    ),
    "install-without-own-credit": (
        "the claims about to be replaced are not counted as available",
        lambda rules: replace(rules, credits_own_claims=False),
    ),
    "install-accumulates": (
        "a claim set is added to the claims held",
        lambda rules: replace(rules, releases_before_install=False),
    ),
    "install-without-limit": (
        "claims may exceed max_pages",
        lambda rules: replace(rules, checks_limit_at_install=False),
    ),
    "recall-global-first": (
        "host-wide claims are recalled before the node's",
        lambda rules: replace(rules, recall=recall_global_then_node),
    ),
    "no-recall": ("offlining recalls no claims", lambda rules: replace(rules, recall=recall_nothing)),
    "kill-keeps-claims": (
        "domain_kill does not release claims",
        lambda rules: replace(rules, releases_on_kill=False),
    ),
    "node-check-ignores-claims": (
        "the node check looks at free pages only",
        lambda rules: replace(rules, node_permits=node_permits_free_pages),
    ),
    "assign-without-limit": (
        "assign_pages does not look at max_pages",
        lambda rules: replace(rules, checks_limit_at_assign=False),
    ),
    "free-restores-claims": (
        "freeing pages grows the host-wide claim back",
        lambda rules: replace(rules, frees_restore_claims=True),
    ),
}


def mutated(semantics: Semantics, mutation: str) -> Semantics:
    """The semantics with one deliberate mistake."""
    _sentence, change = MUTATIONS[mutation]
    return replace(semantics, rules=change(semantics.rules))
