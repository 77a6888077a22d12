"""State properties that hold only in some generations: those before claim sets, or with rules of their own."""

from model.c_types import HOST_PAGES_MAX, UINT_MAX
from model.encoding import Quantifiers
from model.logic import Term, all_of, any_of, same
from model.properties.property import of_state
from model.state import State

GROWN_CLAIM_MAX = 2 * UINT_MAX + HOST_PAGES_MAX
"""In pages: the largest claim that growing back can produce, because it grows only by its domain's pages."""


@of_state("host-wide-only", support=True, needs="only-host-wide")
def host_wide_only(q: Quantifiers, s: State) -> Term:
    """No claim is on a node."""
    return all_of(
        [
            q.every_cell(lambda d, n: s.claims[d, n] == 0),
            q.every_domain(lambda d: s.node_claims[d] == 0),
            q.every_node(lambda n: s.node_outstanding_claims[n] == 0),
        ]
    )


@of_state("one-target", support=True, needs="one-claim")
def one_target(q: Quantifiers, s: State) -> Term:
    """All of a domain's claims are on one node, or host-wide."""

    def cell(d: Term, n: Term) -> Term:
        q.entry_within_sum(s.claims.row(d), n)
        elsewhere = q.every_node(lambda m: any_of([same(m, n), s.claims[d, m] == 0]))
        return any_of([s.claims[d, n] == 0, all_of([s.global_claims[d] == 0, elsewhere])])

    either = q.every_domain(lambda d: any_of([s.global_claims[d] == 0, s.node_claims[d] == 0]))
    return all_of([either, q.every_cell(cell)])


@of_state("nothing-in-limbo", support=True, needs="one-section")
def nothing_in_limbo(q: Quantifiers, s: State) -> Term:
    """No page is between the allocator and assign_pages."""
    return all_of(
        [
            q.every_cell(lambda d, n: s.limbo_pages[d, n] == 0),
            q.every_domain(lambda d: s.limbo_pages.row(d).total() == 0),
        ]
    )


# -- no counter wraps where claims grow back


@of_state("no-wrap.pages", support=True, needs="growing-back")
def pages_within_type(q: Quantifiers, s: State) -> Term:
    """A domain's limit and tot_pages are within 32 bits."""
    return q.every_domain(lambda d: all_of([s.max_pages[d] <= UINT_MAX, s.tot_pages[d] <= UINT_MAX]))


@of_state("no-wrap.extra-pages", support=True, needs="growing-back")
def extra_within_node(q: Quantifiers, s: State) -> Term:
    """A domain has no more extra pages of a node than the node has pages."""

    def cell(d: Term, n: Term) -> Term:
        for grid in (s.limbo_pages, s.assigned_pages, s.extra_pages):
            q.entry_within_sum(grid.column(n), d)
        return s.extra_pages[d, n] <= s.installed_pages[n]

    return q.every_cell(cell)


@of_state("no-wrap.pages-and-claims", support=True, needs="growing-back")
def grown_claims_bounded(q: Quantifiers, s: State) -> Term:
    """A domain's pages, extra pages and claims are at most two domains' largest and all pages of the host."""

    def domain(d: Term) -> Term:
        row = s.extra_pages.row(d)
        q.entry_within_sum(row, 0)
        q.sums_ordered(row, s.installed_pages)
        extra = row.total()
        return all_of([extra >= 0, s.held(d) + s.tot_pages[d] + extra <= GROWN_CLAIM_MAX])

    return q.every_domain(domain)
