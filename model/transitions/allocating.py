"""Getting pages: alloc_heap_pages with the redemption of claims, assign_pages, memory_exchange."""

from model.encoding import Quantifiers
from model.logic import Term, all_of, any_of, choose, implies, negation
from model.rules import Rules, pages_taken
from model.step import Step
from model.transitions.ledger import deduct


def _request(step: Step) -> tuple[Term, Term]:
    """The node chosen by the search (any that qualifies) and the pages of a request: 2^order, so 1 or more."""
    node, pages = step.node(), step.pages()
    step.guard("at-least-a-page", pages >= 1)
    # MEMF_exact_node: only the requested node is a candidate. Otherwise the choice is free.
    requested = step.encoding.node("requested_node")
    exact = step.flag("exact_node")
    step.guard("exact-node", implies(exact, node == requested))
    step.guard("block-is-free", pages <= step.before.node_avail_pages[node])
    return node, pages


def _leave_heap(step: Step, node: Term, pages: Term) -> None:
    """The free counters go down as the block leaves the heap."""
    step.value("node_avail_pages - r", "int64", step.before.node_avail_pages[node] - pages)
    step.value("total_avail_pages - r", "int64", step.before.total_avail_pages - pages)
    step.add_at("node_avail_pages", node, -pages)
    step.add("total_avail_pages", -pages)


def alloc_heap_pages(step: Step, rules: Rules) -> None:
    """A refcounted request: host check, node check, and in the same critical section claims are redeemed."""
    s, domid = step.before, step.domain()
    step.guard("domain-exists", s.is_created[domid])
    node, pages = _request(step)
    step.value("total_avail_pages - outstanding_claims", "int64", s.unclaimed())
    step.guard("host-check", rules.host_permits(s, domid, node, pages))
    step.value("node_avail_pages - node_outstanding_claims", "int64", s.unclaimed_on(node))
    step.guard("node-check", rules.node_permits(s, domid, node, pages))
    _leave_heap(step, node, pages)
    redemption = rules.redeem(step.encoding, s, domid, node, pages)
    step.value("r - from_node - from_global - from_others", "uint64", pages - pages_taken(redemption))
    deduct(
        step,
        domid,
        redemption.by_node,
        redemption.from_global,
        "redeemed",
        rules.counts_outstanding_on_redeem,
    )
    step.add_cell("limbo_pages", domid, node, pages)
    step.allocates = pages


def alloc_heap_pages_unowned(step: Step, rules: Rules) -> None:  # noqa: ARG001
    """A request for no domain uses unclaimed pages only."""
    node, pages = _unowned_request(step)
    step.add_at("anonymous_pages", node, pages)


def exchange_allocate(step: Step, rules: Rules) -> None:  # noqa: ARG001
    """memory_exchange allocates with MEMF_no_refcount: like a request for no domain."""
    node, pages = _unowned_request(step)
    step.add_at("transit_pages", node, pages)


def _unowned_request(step: Step) -> tuple[Term, Term]:
    s = step.before
    node, pages = _request(step)
    step.guard("host-check", pages <= s.unclaimed())
    step.guard("node-check", pages <= s.unclaimed_on(node))
    _leave_heap(step, node, pages)
    step.unowned = pages
    return node, pages


def alloc_heap_pages_refused(step: Step, rules: Rules) -> None:
    """A request that fails the host check, or for which no node qualifies, changes nothing."""
    s, domid = step.before, step.domain()
    pages = step.pages()
    step.guard("domain-exists", s.is_created[domid])

    def no_node_qualifies(q: Quantifiers) -> Term:
        return q.every_node(
            lambda n: any_of([negation(rules.node_permits(s, domid, n, pages)), pages > s.node_avail_pages[n]])
        )

    refused = negation(rules.host_permits(s, domid, 0, pages))
    step.guard_all("not-permitted", lambda q: any_of([refused, no_node_qualifies(q)]))


def assign_pages(step: Step, rules: Rules) -> None:
    """The pages of an allocation are counted for their domain, in a critical section of its own."""
    s, domid, node, pages = step.before, step.domain(), step.node(), step.pages()
    tot, limit = s.tot_pages[domid], s.max_pages[domid]
    step.guard("in-limbo", all_of([pages >= 1, pages <= s.limbo_pages[domid, node]]))
    step.guard("not-dying", negation(s.is_dying[domid]), "EINVAL")
    if rules.checks_limit_at_assign:
        step.guard("not-over-limit", tot <= limit, "EPERM")
        step.value("max_pages - tot_pages", "uint32", limit - tot)
        step.guard("within-limit", pages <= limit - tot, "E2BIG")
    step.value("tot_pages + r", "uint32", tot + pages)
    step.hint(lambda lemmas, _after: lemmas.entry_within_sum(s.limbo_pages.row(domid), node))
    step.add_at("tot_pages", domid, pages)
    step.add_cell("limbo_pages", domid, node, -pages)
    step.add_cell("assigned_pages", domid, node, pages)


def assign_pages_refused(step: Step, rules: Rules) -> None:
    """EINVAL, EPERM or E2BIG: the pages go back; the claims redeemed for them are not restored."""
    s, domid, node, pages = step.before, step.domain(), step.node(), step.pages()
    tot, limit = s.tot_pages[domid], s.max_pages[domid]
    step.guard("in-limbo", all_of([pages >= 1, pages <= s.limbo_pages[domid, node]]))
    over = any_of([tot > limit, pages > limit - tot]) if rules.checks_limit_at_assign else False
    step.guard("refused", any_of([s.is_dying[domid], over]))
    step.add_cell("limbo_pages", domid, node, -pages)
    step.add_at("transit_pages", node, pages)


def exchange_steal(step: Step, rules: Rules) -> None:  # noqa: ARG001
    """memory_exchange takes pages off the domain's list; tot_pages keeps counting them."""
    s, domid, node, pages = step.before, step.domain(), step.node(), step.pages()
    step.guard("on-its-list", all_of([pages >= 1, pages <= s.assigned_pages[domid, node]]))
    step.add_cell("assigned_pages", domid, node, -pages)
    step.add_at("transit_pages", node, pages)


def exchange_assign(step: Step, rules: Rules) -> None:  # noqa: ARG001
    """memory_exchange puts the new pages on the domain's list, with MEMF_no_refcount: not counted again."""
    s, domid, node, pages = step.before, step.domain(), step.node(), step.pages()
    step.guard("domain-exists", s.is_created[domid])
    step.guard("in-transit", all_of([pages >= 1, pages <= s.transit_pages[node]]))
    step.guard("not-dying", negation(s.is_dying[domid]), "EINVAL")
    step.add_cell("assigned_pages", domid, node, pages)
    step.add_at("transit_pages", node, -pages)


def free_domheap_pages(step: Step, rules: Rules) -> None:
    """Freeing, first critical section: tot_pages goes down, the pages are on their way to the heap."""
    s, domid, node, pages = step.before, step.domain(), step.node(), step.pages()
    step.guard("on-its-list", all_of([pages >= 1, pages <= s.assigned_pages[domid, node]]))
    step.guard("counted", pages <= s.tot_pages[domid])
    step.value("tot_pages - r", "uint32", s.tot_pages[domid] - pages)
    step.add_at("tot_pages", domid, -pages)
    step.add_cell("assigned_pages", domid, node, -pages)
    step.add_at("transit_pages", node, pages)
    if rules.frees_restore_claims:
        grown = choose(s.global_claims[domid] > 0, pages, 0)
        step.add_at("global_claims", domid, grown)
        step.add("outstanding_claims", grown)
        step.add_at("global_installed", domid, grown)


def free_heap_pages(step: Step, rules: Rules) -> None:  # noqa: ARG001
    """Freeing, second critical section: the pages are free again; no claim grows by it."""
    node, pages = step.node(), step.pages()
    step.guard("in-transit", all_of([pages >= 1, pages <= step.before.transit_pages[node]]))
    step.add_at("transit_pages", node, -pages)
    step.add_at("node_avail_pages", node, pages)
    step.add("total_avail_pages", pages)


def free_anonymous_pages(step: Step, rules: Rules) -> None:  # noqa: ARG001
    """The holder of pages without a domain gives them up; they are on their way to the heap."""
    node, pages = step.node(), step.pages()
    step.guard("in-use", all_of([pages >= 1, pages <= step.before.anonymous_pages[node]]))
    step.add_at("anonymous_pages", node, -pages)
    step.add_at("transit_pages", node, pages)
