"""Updates of several counters together: deducting, installing, recalling, and pages that leave or reach the heap."""

from model.encoding import Vector
from model.logic import Term, choose
from model.rules import Rules
from model.state import State
from model.step import Hint, Step


def leave_heap(step: Step, node: Term, pages: Term) -> None:
    """The free counters go down as pages leave the heap."""
    reach_heap(step, node, -pages)


def reach_heap(step: Step, node: Term, pages: Term) -> None:
    """The free counters go up as pages are freed."""
    step.add_at("node_avail_pages", node, pages)
    step.add("total_avail_pages", pages)


def within_sum(vector: Vector, index: Term) -> Hint:
    """A hint for proofs: an entry is at most the sum of all."""
    return lambda lemmas, _after: lemmas.entry_within_sum(vector, index)


def counted(step: Step, domid: Term) -> None:
    """A hint for proofs: outstanding_claims counts a domain's claims."""
    s = step.before
    for claims in (s.global_claims, s.node_claims, s.orphaned_claims):
        step.hint(within_sum(claims, domid))


def deduct(step: Step, domid: Term, by_node: Vector, from_global: Term, kind: str, counted: bool = True) -> None:
    """deduct_node_claims and deduct_global_claims for one domain; `kind` is the ledger field that counts it."""
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
    step.hint(within_sum(s.node_claims, domid))
    step.hint(within_sum(s.global_claims, domid))


def release(step: Step, domid: Term) -> None:
    """cancel_all_node_claims, and the host-wide claim with it."""
    deduct(step, domid, step.before.claims.row(domid), step.before.global_claims[domid], "released")


def install(step: Step, domid: Term, by_node: Vector, host_wide: Term, replacing: bool) -> None:
    """New claims for a domain replace its old ones; if not `replacing` (a mistake), they are added to them."""
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
    step.hint(within_sum(s.node_claims, domid))
    step.hint(within_sum(s.global_claims, domid))
    step.hint(within_sum(by_node, 0))


def grow_back(step: Step, domid: Term, pages: Term) -> None:
    """The freed pages of a domain that holds a claim are added to its claim."""
    grown = choose(step.before.global_claims[domid] > 0, pages, 0)
    step.add_at("global_claims", domid, grown)
    step.add("outstanding_claims", grown)
    step.add_at("global_installed", domid, grown)


def recall_claims(step: Step, rules: Rules, node: Term, node_avail: Term, total_avail: Term, listed: State) -> None:
    """Lower claims until free pages cover them again: claims on the node first, then host-wide ones.

    `listed`: the state without the domains that are off the domain list.
    """
    s, h = step.before, step.encoding
    recall = rules.recall(h, listed, node, node_avail, total_avail)
    from_node, from_global = recall.by_domain.total(), recall.global_by_domain.total()
    column = s.claims.column(node)
    step.set_column("claims", node, h.combined([(1, column), (-1, recall.by_domain)], column))
    step.add_at("node_outstanding_claims", node, -from_node)
    step.bookkeeping.deduct_everywhere(step, recall.by_domain, recall.global_by_domain)
    step.add("outstanding_claims", -(from_node + from_global))
    step.add_column("ledger_recalled", node, recall.by_domain)
    recalled = s.global_recalled
    step.set_vector("global_recalled", h.combined([(1, recalled), (1, recall.global_by_domain)], recalled))
    step.hint(lambda lemmas, after: lemmas.sums_ordered(after.node_outstanding_claims, after.node_avail_pages))
    step.hint(within_sum(s.global_claims, 0))
