"""State properties: claims are backed by free pages, aggregates equal their sums, no counter is negative."""

from model.encoding import Quantifiers
from model.logic import Term, all_of, any_of, negation
from model.properties.property import of_state
from model.state import FIELDS, Shape, State

# -- claims are backed by free pages


@of_state("node-backed", "DS-04 DS-05 DS-09 DS-20 DS-26", needs="node-claims")
def node_backed(q: Quantifiers, s: State) -> Term:
    """No node has more claimed than free pages."""
    return q.every_node(lambda n: s.node_outstanding_claims[n] <= s.node_avail_pages[n])


@of_state("host-backed", "DS-04 DS-05 DS-10 DS-21 DS-26")
def host_backed(_q: Quantifiers, s: State) -> Term:
    """The host has no more claimed than free pages."""
    return s.outstanding_claims <= s.total_avail_pages


# -- the aggregates equal their sums


@of_state("aggregates-agree.free", "DS-23")
def free_agrees(_q: Quantifiers, s: State) -> Term:
    """total_avail_pages is the sum of node_avail_pages."""
    return s.total_avail_pages == s.node_avail_pages.total()


@of_state("aggregates-agree.node", "DS-23")
def node_agrees(q: Quantifiers, s: State) -> Term:
    """node_outstanding_claims of a node is the sum of all domains' claims on it."""
    return q.every_node(lambda n: s.node_outstanding_claims[n] == s.claims.column(n).total())


@of_state("aggregates-agree.domain", "DS-23")
def domain_agrees(q: Quantifiers, s: State) -> Term:
    """node_claims of a domain is the sum of its claims on all nodes."""
    return q.every_domain(lambda d: s.node_claims[d] == s.claims.row(d).total())


@of_state("aggregates-agree.host", "DS-23")
def host_agrees(_q: Quantifiers, s: State) -> Term:
    """outstanding_claims is the sum of global_claims and node_claims of all domains on the domain list."""
    return s.outstanding_claims == s.global_claims.total() + s.node_claims.total()


@of_state("pages-counted", support=True, serves="pages-counted free_domheap_pages drop_tot_pages exchange_assign")
def pages_counted(q: Quantifiers, s: State) -> Term:
    """tot_pages of a domain counts the pages on its list, and those that memory_exchange has stolen and owes it."""
    return q.every_domain(lambda d: s.tot_pages[d] == s.assigned_pages.row(d).total() + s.owed_pages[d])


@of_state("same-claims-both-ways", support=True)
def same_claims_both_ways(_q: Quantifiers, s: State) -> Term:
    """Node claims summed by domain and summed by node are the same."""
    return s.node_claims.total() == s.node_outstanding_claims.total()


# -- no counter is negative, and an unused domain id has no claims and no pages

AGGREGATES = ("total_avail_pages", "outstanding_claims", "node_outstanding_claims", "node_claims")


@of_state("non-negative", support=True)
def non_negative(q: Quantifiers, s: State) -> Term:
    """No counter and no page class is negative."""
    counters = [
        info
        for info in FIELDS.values()
        if not info.flag and info.name not in (*AGGREGATES, "domctl_lock") and s.concerns(info.name)
    ]
    by = {shape: [getattr(s, i.name) for i in counters if i.shape is shape] for shape in Shape}
    return all_of(
        [
            q.every_node(lambda n: all_of([vector[n] >= 0 for vector in by[Shape.NODE]])),
            q.every_domain(lambda d: all_of([vector[d] >= 0 for vector in by[Shape.DOMAIN]])),
            q.every_cell(lambda d, n: all_of([grid[d, n] >= 0 for grid in by[Shape.CELL]])),
        ]
    )


@of_state("sums-non-negative", support=True)
def sums_non_negative(q: Quantifiers, s: State) -> Term:
    """No sum of counters or page classes is negative."""
    vectors = [v for v in ("global_claims", "node_claims", "node_avail_pages") if s.concerns(v)]
    q.entry_within_sum(s.orphaned_claims, 0)
    for vector in vectors:
        q.entry_within_sum(getattr(s, vector), 0)
    by_node = [g for g in ("limbo_pages", "assigned_pages", "extra_pages") if s.concerns(g)]
    claims, limbo = s.concerns("claims"), s.concerns("limbo_pages")

    def node(n: Term) -> Term:
        columns = [getattr(s, grid).column(n) for grid in by_node]
        for column in [*columns, *([s.claims.column(n)] if claims else [])]:
            q.entry_within_sum(column, 0)
        return all_of([s.node_outstanding_claims[n] >= 0, *(column.total() >= 0 for column in columns)])

    def domain(d: Term) -> Term:
        rows = [s.limbo_pages.row(d)] if limbo else []
        for row in [*rows, *([s.claims.row(d)] if claims else [])]:
            q.entry_within_sum(row, 0)
        return all_of([s.node_claims[d] >= 0, *(row.total() >= 0 for row in rows)])

    host = [s.total_avail_pages >= 0, s.outstanding_claims >= 0]
    return all_of([*host, q.every_node(node), q.every_domain(domain)])


@of_state(
    "claims-within-aggregates",
    support=True,
    serves="claims-within-aggregates sums-non-negative claims-fulfilled atomic-install no-wrap one-target",
)
def claims_within_aggregates(q: Quantifiers, s: State) -> Term:
    """A claim on a node is at most the node's outstanding claims and at most its domain's node_claims."""

    def cell(d: Term, n: Term) -> Term:
        q.entry_within_sum(s.claims.column(n), d)
        q.entry_within_sum(s.claims.row(d), n)
        claim = s.claims[d, n]
        return all_of([claim <= s.node_outstanding_claims[n], claim <= s.node_claims[d]])

    return q.every_cell(cell)


@of_state("unused-ids-empty", support=True, serves="unused-ids-empty create_domain")
def unused_ids_empty(q: Quantifiers, s: State) -> Term:
    """A domain id not yet used has no claims and no pages."""

    def domain(d: Term) -> Term:
        nothing = [
            s.global_claims[d] == 0,
            s.node_claims[d] == 0,
            s.tot_pages[d] == 0,
            s.legacy_calls[d] == 0,
            s.orphaned_claims[d] == 0,
            negation(s.is_dying[d]),
            negation(s.is_destroyed[d]),
            s.domctl_lock != d,
        ]
        if s.concerns("limbo_pages"):
            nothing.append(s.limbo_pages.row(d).total() == 0)
        return any_of([s.is_created[d], all_of(nothing)])

    def cell(d: Term, n: Term) -> Term:
        grids = [g for g in ("claims", "limbo_pages", "assigned_pages", "extra_pages") if s.concerns(g)]
        nothing = [getattr(s, grid)[d, n] == 0 for grid in grids]
        return any_of([s.is_created[d], all_of(nothing)])

    return all_of([q.every_domain(domain), q.every_cell(cell)])


@of_state("destroyed-empty", support=True)
def destroyed_empty(q: Quantifiers, s: State) -> Term:
    """A destroyed domain has no pages and no claims but orphaned ones; no other domain has orphaned claims."""

    def domain(d: Term) -> Term:
        empty = [
            s.is_created[d],
            s.is_dying[d],
            s.domctl_lock != d,
            s.global_claims[d] == 0,
            s.node_claims[d] == 0,
            s.tot_pages[d] == 0,
        ]
        return all_of(
            [
                any_of([negation(s.is_destroyed[d]), all_of(empty)]),
                any_of([s.is_destroyed[d], s.orphaned_claims[d] == 0]),
            ]
        )

    def cell(d: Term, n: Term) -> Term:
        grids = [g for g in ("claims", "assigned_pages", "extra_pages") if s.concerns(g)]
        return any_of([negation(s.is_destroyed[d]), all_of([getattr(s, grid)[d, n] == 0 for grid in grids])])

    return all_of([q.every_domain(domain), q.every_cell(cell)])


@of_state("all-claims-counted", support=True)
def all_claims_counted(_q: Quantifiers, s: State) -> Term:
    """outstanding_claims is the sum of all claims, those of destroyed domains included."""
    return s.outstanding_claims == s.global_claims.total() + s.node_claims.total() + s.orphaned_claims.total()


@of_state("node-claims-within", support=True)
def node_claims_within(q: Quantifiers, s: State) -> Term:
    """node_outstanding_claims of a node is at least the sum of all domains' claims on it."""
    return q.every_node(lambda n: s.node_outstanding_claims[n] >= s.claims.column(n).total())
