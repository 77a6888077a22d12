"""State properties: a domain gets the pages that it has claimed."""

from model.encoding import Quantifiers
from model.logic import Term, all_of, any_of
from model.properties.entitlement import limbo_of
from model.properties.property import implied_under_rules
from model.rules import Request, Rules
from model.state import State


@implied_under_rules("claims-fulfilled.granted-on-node", "DS-03 DS-13 DS-14 DS-32", needs="node-claims")
def granted_on_node(q: Quantifiers, s: State, rules: Rules) -> Term:
    """A live domain with a claim on a node passes every check for one page of that node, and one is free there."""

    def cell(d: Term, n: Term) -> Term:
        request = Request(1, d, d, n)
        checks = [
            rules.limit_permits(s, d, 1),
            rules.host_permits(q, s, request),
            rules.node_permits(s, request, n),
        ]
        return any_of([s.claims[d, n] <= 0, s.is_dying[d], all_of([*checks, s.node_avail_pages[n] >= 1])])

    return q.every_cell(cell)


@implied_under_rules("claims-fulfilled.granted", "DS-03 DS-13 DS-15 DS-32")
def granted(q: Quantifiers, s: State, rules: Rules) -> Term:
    """A live domain with any claim passes every check for one page of some node, and one is free there."""
    q.sums_ordered(s.node_avail_pages, s.node_outstanding_claims)

    def domain(d: Term) -> Term:
        q.entry_within_sum(s.global_claims, d)
        q.positive_somewhere(s.claims.row(d))
        q.positive_somewhere(s.node_avail_pages)
        request = Request(1, d, d, exact=False, anywhere=True)
        qualifies = q.some_node(lambda n: all_of([rules.node_permits(s, request, n), s.node_avail_pages[n] >= 1]))
        checks = [rules.limit_permits(s, d, 1), rules.host_permits(q, s, request), qualifies]
        return any_of([s.held(d) <= 0, s.is_dying[d], all_of(checks)])

    return q.every_domain(domain)


@implied_under_rules("claims-fulfilled.delivered", "DS-03 DS-28 DS-32")
def delivered(q: Quantifiers, s: State, rules: Rules) -> Term:
    """A live domain with any claim has room in max_pages for one page in addition to its pages and pages in limbo."""

    def domain(d: Term) -> Term:
        room = s.tot_pages[d] + limbo_of(q, s, d) + 1 <= rules.limit_at_assign(s, d)
        return any_of([s.held(d) <= 0, s.is_dying[d], room])

    return q.every_domain(domain)
