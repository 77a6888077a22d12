"""The values of the deduction helpers, and of their opposite: how counters of claims go up and down."""

from model.c_code.evaluation import Evaluation
from model.logic import Term
from model.rules import Rules


def counter_of(rules: Rules) -> str:
    """The counter that a domain's host-wide claim is in."""
    return "global_claims" if rules.targets == "set" and not rules.keeps_total else "outstanding_pages"


def deducted(
    c: Evaluation,
    of: str,
    amount: Term,
    node: Term = None,
    node_claims: Term = None,
    counter: str = "global_claims",
    claimed: Term = None,
) -> None:
    """deduct_node_claims on a node, of a domain with so many node claims left; without a node deduct_global_claims.

    `claimed` is outstanding_claims by then, if anything was deducted before.
    """
    s, d = c.s, c.d
    if node is None:
        c.value(f"{counter} - {of}", "uint32", s.global_claims[d] - amount)
    else:
        c.value(f"claims[n] - {of}", "uint32", s.claims[d, node] - amount)
        c.value(f"node_claims - {of}", "uint32", node_claims - amount)
        c.value(f"node_outstanding_claims[n] - {of}", c.counter, s.node_outstanding_claims[node] - amount)
    c.value(f"outstanding_claims - {of}", c.counter, (s.outstanding_claims if claimed is None else claimed) - amount)


def one_target(c: Evaluation, node: Term, amount: Term, of: str) -> None:
    """The one claim of a domain shrinks, wherever it is."""
    s = c.s
    c.value(f"outstanding_pages - {of}", "uint32", s.held(c.d) - amount)
    c.value(f"node_outstanding_claims[claim_node] - {of}", c.counter, s.node_outstanding_claims[node] - amount)
    c.value(f"outstanding_claims - {of}", c.counter, s.outstanding_claims - amount)


def given(c: Evaluation, amount: Term, node: Term, held: Term, node_claims: Term) -> None:
    """A claim on a node grows, of which so much is held, of a domain with so many node claims."""
    s = c.s
    c.value("claims[n] + pages", "uint32", held + amount)
    c.value("node_claims + pages", "uint32", node_claims + amount)
    c.value("node_outstanding_claims[n] + pages", c.counter, s.node_outstanding_claims[node] + amount)
    c.value("outstanding_claims + pages", c.counter, s.outstanding_claims + amount)


def host_wide_claim(c: Evaluation) -> None:
    """Where the total is what is kept, the host-wide claim is a difference."""
    total = c.value("outstanding_pages", "uint32", c.s.held(c.d))
    c.value("outstanding_pages - node_claims", "uint32", total - c.s.node_claims[c.d])
