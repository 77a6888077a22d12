"""Pages going out of use and coming back: offline_page with recall, marking, and online_page."""

from model.logic import Term
from model.rules import Rules
from model.state import State
from model.step import Step


def recall_claims(
    step: Step, rules: Rules, node: Term, node_avail: Term, total_avail: Term, listed: State | None = None
) -> None:
    """Claims go down until both counters are valid again: the node's first, then host-wide ones.

    `listed`: the state as loops over domains see it, where that is not the state itself
    """
    s, h = step.before, step.encoding
    recall = rules.recall(h, s if listed is None else listed, node, node_avail, total_avail)
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
    step.hint(lambda lemmas, _after: lemmas.entry_within_sum(s.global_claims, 0))


def offline_page(step: Step, rules: Rules) -> None:
    """A free page leaves the heap at once, and claims are recalled for it."""
    s, node = step.before, step.node()
    step.guard("page-is-free", s.node_avail_pages[node] >= 1)
    step.add_at("node_avail_pages", node, -1)
    step.add("total_avail_pages", -1)
    step.add_at("offlined_pages", node, 1)
    recall_claims(step, rules, node, s.node_avail_pages[node] - 1, s.total_avail_pages - 1)


def mark_page_offline(step: Step, rules: Rules) -> None:  # noqa: ARG001
    """A page in use is only marked: nothing changes until it is freed."""
    s, node = step.before, step.node()
    in_use = s.installed_pages[node] - s.node_avail_pages[node] - s.offlined_pages[node]
    step.guard("page-in-use", s.marked_pages[node] < in_use)
    step.add_at("marked_pages", node, 1)


def free_marked_page(step: Step, rules: Rules) -> None:
    """Freeing a marked page: into the heap and out of it in one critical section, with the same recall."""
    s, node = step.before, step.node()
    step.guard("in-transit", s.transit_pages[node] >= 1)
    step.guard("is-marked", s.marked_pages[node] >= 1)
    step.add_at("transit_pages", node, -1)
    step.add_at("marked_pages", node, -1)
    step.add_at("offlined_pages", node, 1)
    recall_claims(step, rules, node, s.node_avail_pages[node], s.total_avail_pages)


def online_page(step: Step, rules: Rules) -> None:  # noqa: ARG001
    """An offlined page comes back to the heap."""
    s, node = step.before, step.node()
    step.guard("is-offlined", s.offlined_pages[node] >= 1)
    step.add_at("offlined_pages", node, -1)
    step.add_at("node_avail_pages", node, 1)
    step.add("total_avail_pages", 1)
