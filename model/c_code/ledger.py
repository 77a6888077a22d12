"""The values of the helpers that deduct claims from the counters, and of those that add them."""

from model.c_code.evaluation import Evaluation
from model.logic import Term
from model.rules import Rules


def counter_of(rules: Rules) -> str:
    """The name of the counter that holds a domain's host-wide claim."""
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
    """deduct_node_claims for a domain with `node_claims` left; without a node, deduct_global_claims.

    `claimed` is the current outstanding_claims if something was deducted before; None: nothing was.
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
    """A domain's single claim shrinks, on a node or host-wide."""
    s = c.s
    c.value(f"outstanding_pages - {of}", "uint32", s.held(c.d) - amount)
    c.value(f"node_outstanding_claims[claim_node] - {of}", c.counter, s.node_outstanding_claims[node] - amount)
    c.value(f"outstanding_claims - {of}", c.counter, s.outstanding_claims - amount)


def given(c: Evaluation, amount: Term, node: Term, held: Term, node_claims: Term) -> None:
    """A claim on a node grows from `held` pages; the domain's claims on all nodes are `node_claims`."""
    s = c.s
    c.value("claims[n] + pages", "uint32", held + amount)
    c.value("node_claims + pages", "uint32", node_claims + amount)
    c.value("node_outstanding_claims[n] + pages", c.counter, s.node_outstanding_claims[node] + amount)
    c.value("outstanding_claims + pages", c.counter, s.outstanding_claims + amount)


def host_wide_claim(c: Evaluation) -> None:
    """Where the domain's total is kept, the host-wide claim is a difference."""
    total = c.value("outstanding_pages", "uint32", c.s.held(c.d))
    c.value("outstanding_pages - node_claims", "uint32", total - c.s.node_claims[c.d])
