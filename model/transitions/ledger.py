"""How claims go up and down with every aggregate in step: the deduction helpers, and installation."""

from model.encoding import Vector
from model.logic import Term
from model.step import Step


def deduct(step: Step, domid: Term, by_node: Vector, from_global: Term, kind: str, counted: bool = True) -> None:
    """deduct_node_claims and deduct_global_claims for one domain; `kind` is the ledger's word for it."""
    s, h = step.before, step.encoding
    row = s.claims.row(domid)
    step.set_row("claims", domid, h.combined([(1, row), (-1, by_node)], row))
    step.bookkeeping.change(step, domid, -by_node.total(), -from_global)
    outstanding = s.node_outstanding_claims
    step.set_vector("node_outstanding_claims", h.combined([(1, outstanding), (-1, by_node)], outstanding))
    if counted:
        step.add("outstanding_claims", -(by_node.total() + from_global))
    step.add_row(f"ledger_{kind}", domid, by_node)
    step.add_at(f"global_{kind}", domid, from_global)
    step.hint(lambda lemmas, _after: lemmas.entry_within_sum(s.node_claims, domid))
    step.hint(lambda lemmas, _after: lemmas.entry_within_sum(s.global_claims, domid))


def release(step: Step, domid: Term) -> None:
    """cancel_all_node_claims, and the host-wide claim with it."""
    deduct(step, domid, step.before.claims.row(domid), step.before.global_claims[domid], "released")


def install(step: Step, domid: Term, by_node: Vector, host_wide: Term, replacing: bool) -> None:
    """New claims for a domain, in the place of its old ones (or, a mistake, on top of them)."""
    s, h = step.before, step.encoding
    old_row, outstanding = s.claims.row(domid), s.node_outstanding_claims
    old: list[tuple[int, Vector]] = [(-1, old_row)] if replacing else []
    old_global = s.global_claims[domid] if replacing else 0
    old_nodes = s.node_claims[domid] if replacing else 0
    added = h.combined([(1, by_node), *old], old_row)
    step.set_row("claims", domid, by_node if replacing else h.combined([(1, old_row), (1, by_node)], old_row))
    step.bookkeeping.change(step, domid, by_node.total() - old_nodes, host_wide - old_global)
    step.set_vector("node_outstanding_claims", h.combined([(1, outstanding), (1, added)], outstanding))
    step.add("outstanding_claims", by_node.total() + host_wide - old_nodes - old_global)
    step.add_row("ledger_installed", domid, by_node)
    step.add_at("global_installed", domid, host_wide)
    if replacing:
        step.add_row("ledger_released", domid, old_row)
        step.add_at("global_released", domid, old_global)
    step.hint(lambda lemmas, _after: lemmas.entry_within_sum(s.node_claims, domid))
    step.hint(lambda lemmas, _after: lemmas.entry_within_sum(s.global_claims, domid))
    step.hint(lambda lemmas, _after: lemmas.entry_within_sum(by_node, 0))
