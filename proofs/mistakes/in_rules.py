"""Mistakes in the rules of the model: a different value at one point in which generations differ."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from model.encoding import Encoding, Size
from model.generations.generation import Generation
from model.logic import Term, minimum, positive_part
from model.rules import Recall, Redemption, Request, recall_nothing
from model.state import State
from proofs.mistakes.in_steps import STEPS, MistakenStep


def redeem_node_global(h: Encoding, s: State, domid: Term, node: Term, pages: Term) -> Redemption:
    """Step 3, the other nodes, is left out."""
    from_node = minimum(pages, s.claims[domid, node])
    from_global = minimum(pages - from_node, s.global_claims[domid])
    nothing = h.combined([], s.claims.row(domid))
    return Redemption(h.replaced(nothing, node, from_node), from_global)


def redeem_global_first(h: Encoding, s: State, domid: Term, node: Term, pages: Term) -> Redemption:
    """The host-wide claim is redeemed before the allocation node's."""
    from_global = minimum(pages, s.global_claims[domid])
    from_node = minimum(pages - from_global, s.claims[domid, node])
    others = h.replaced(s.claims.row(domid), node, 0)
    from_others = h.taken_ascending(others, pages - from_node - from_global)
    return Redemption(h.replaced(from_others, node, from_node), from_global)


def redeem_others_before_global(h: Encoding, s: State, domid: Term, node: Term, pages: Term) -> Redemption:
    """The host-wide claim is redeemed last."""
    from_node = minimum(pages, s.claims[domid, node])
    others = h.replaced(s.claims.row(domid), node, 0)
    from_others = h.taken_ascending(others, pages - from_node)
    from_global = minimum(pages - from_node - from_others.total(), s.global_claims[domid])
    return Redemption(h.replaced(from_others, node, from_node), from_global)


def recall_global_then_node(h: Encoding, s: State, node: Term, node_avail: Term, total_avail: Term) -> Recall:
    """The two recalls in the wrong order."""
    host_short = positive_part(s.outstanding_claims - total_avail)
    node_short = positive_part(s.node_outstanding_claims[node] - node_avail)
    return Recall(
        h.taken_ascending(s.claims.column(node), node_short),
        h.taken_ascending(s.global_claims, host_short),
    )


def node_permits_free_pages(s: State, request: Request, node: Term) -> Term:
    """The node check uses free pages and ignores claims."""
    return s.node_avail_pages[node] >= request.pages


def node_permits_fewer(s: State, request: Request, node: Term) -> Term:
    """The node check requires one page more than is requested."""
    return request.pages < s.unclaimed_on(node) + request.own_on(s, node)


def host_permits_fewer(_size: Size, s: State, request: Request) -> Term:
    """The host check requires one page more than is requested."""
    return request.pages < s.unclaimed() + request.own(s)


@dataclass(frozen=True)
class MistakenRule:
    """A different value for one field of the rules."""

    rule: str
    value: Any
    breaks: str
    """A property that fails with the mistake and holds with the right rules."""
    granted: tuple[str, ...] = ()
    """The conditions on which it holds with the right rules."""
    sentence: str = ""
    """What is wrong; empty: an override of the same name states it."""


RULES: dict[str, MistakenRule] = {
    "redeem-without-step-3": MistakenRule("redeem", redeem_node_global, breaks="redeemed-once"),
    "redeem-global-first": MistakenRule("redeem", redeem_global_first, breaks="node-backed"),
    "redeem-others-before-global": MistakenRule("redeem", redeem_others_before_global, breaks="redeem-order"),
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
    "node-check-wants-one-more": MistakenRule(
        "node_permits",
        node_permits_fewer,
        breaks="claims-fulfilled",
        granted=("legacy-check-in-lock",),
        sentence="The node check permits one page fewer than are claimed or unclaimed.",
    ),
    "host-check-wants-one-more": MistakenRule(
        "host_permits",
        host_permits_fewer,
        breaks="claims-fulfilled",
        granted=("legacy-check-in-lock",),
        sentence="The host check permits one page fewer than are claimed or unclaimed.",
    ),
    "assign-leaves-room-for-claims": MistakenRule(
        "counts_claims_at_assign",
        True,
        breaks="claims-fulfilled",
        granted=("limit-not-lowered", "no-claim-in-flight"),
        sentence="assign_pages keeps pages and claims within max_pages, pages in limbo included.",
    ),
    "free-restores-claims": MistakenRule("frees_restore_claims", True, breaks="redeemed-once"),
}

IN_MODEL: dict[str, MistakenRule | MistakenStep] = {**RULES, **STEPS}
"""The mistakes for `claimcheck prove` and `claimcheck search`."""


def mutated(semantics: Generation, mistake: str) -> Generation:
    """The generation with one deliberate mistake in its rules; unchanged if the mistake is in a step."""
    if mistake in STEPS:
        return semantics
    change = RULES[mistake]
    changed: dict[str, Any] = {change.rule: change.value}
    return replace(semantics, rules=replace(semantics.rules, **changed))
