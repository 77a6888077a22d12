"""The values of the allocator: its checks, the redemption of claims, assign_pages, and freeing."""

from model.c_code.evaluation import Evaluation
from model.c_code.ledger import counter_of, deducted, host_wide_claim, one_target
from model.logic import Term, choose, minimum, positive_part
from model.rules import Rules, host_permits_either, limit_not_looked_at, pages_taken

MAX_ORDER = 20


def alloc_heap_pages(c: Evaluation, rules: Rules) -> None:
    """The host check, the check of the node at which the search ends, the free counters, the redemption."""
    node, r = _taken(c, rules, c.d)
    if not rules.redeems_at_assign:
        redeem(c, rules, node, r)


def alloc_unowned(c: Evaluation, rules: Rules) -> None:
    """The same for a request that may not use claims."""
    _taken(c, rules, None)


def _taken(c: Evaluation, rules: Rules, claimant: Term) -> tuple[Term, Term]:
    s, node, r = c.s, c.argument("node"), c.argument("pages")
    c.check(r >= 1)
    c.check(r <= 2**MAX_ORDER)
    c.value("r = 1UL << order", "uint64", r)
    c.value("r, compared with signed counters", "int64", r)
    if claimant is not None:
        _limit_check(c, rules, r)
        c.check(rules.limit_permits(s, claimant, r))
    _host_check(c, rules, claimant)
    if rules.targets != "host":
        _node_check(c, rules, claimant, node)
    c.check(r <= s.node_avail_pages[node])
    c.value("node_avail_pages[n] - r", "int64", s.node_avail_pages[node] - r)
    c.value("total_avail_pages - r", "int64", s.total_avail_pages - r)
    return node, r


def _limit_check(c: Evaluation, rules: Rules, r: Term) -> None:
    """Where the allocator looks at the limit."""
    s, d = c.s, c.d
    if rules.limit_permits is limit_not_looked_at:
        return
    charged = rules.pages_held(s, d)
    c.value("pages charged", "uint32", charged)
    c.value("pages charged + r", "uint64", charged + r)
    c.value("claims that stay", "int64", s.held(d) - r)
    c.value("pages charged + r + claims that stay", "uint64", charged + r + positive_part(s.held(d) - r))


def _host_check(c: Evaluation, rules: Rules, claimant: Term) -> None:
    s = c.s
    if rules.bug_on:
        c.check(s.unclaimed() >= 0)
    unclaimed = c.value("total_avail_pages - outstanding_claims", "int64", s.unclaimed())
    if claimant is None:
        return
    if rules.keeps_total:
        host_wide_claim(c)
    counters = "global_claims + node_claims" if rules.targets == "set" else "outstanding_pages"
    own = c.value(counters, "uint32", s.held(claimant))
    if rules.host_permits is not host_permits_either:
        c.value("total_avail_pages - outstanding_claims + own claims", "int64", unclaimed + own)


def _node_check(c: Evaluation, rules: Rules, claimant: Term, node: Term) -> None:
    s = c.s
    if rules.bug_on:
        c.check(s.unclaimed_on(node) >= 0)
    unclaimed = c.value("node_avail_pages[n] - node_outstanding_claims[n]", "int64", s.unclaimed_on(node))
    if claimant is not None:
        own = s.claims[claimant, node]
        c.value("node_avail_pages[n] - node_outstanding_claims[n] + claims[n]", "int64", unclaimed + own)


def redeem(c: Evaluation, rules: Rules, node: Term, r: Term) -> None:
    """Redemption of claims for r pages of a node."""
    s, d, h = c.s, c.d, c.step.encoding
    if rules.bug_on:
        _excess(c, r)
    redemption = rules.redeem(h, s, d, node, r)
    taken = pages_taken(redemption)
    c.value("r - claims redeemed", "uint64", r - taken)
    if rules.targets == "one":
        one_target(c, c.some_node("claim_node"), taken, "redeemed")
        return
    if rules.targets == "host":
        deducted(c, "redeemed", taken, counter="outstanding_pages")
        return
    first = redemption.by_node[node]
    deducted(c, "redeemed on the node", first, node, s.node_claims[d])
    c.value("r - redeemed on the node", "uint64", r - first)
    c.value("r - redeemed on the node - redeemed of global_claims", "uint64", r - first - redemption.from_global)
    counter = counter_of(rules)
    deducted(c, f"redeemed of {counter}", redemption.from_global, counter=counter)
    other, rest = c.some_node("other"), c.unsigned("rest")
    left = c.unsigned("node_claims left", 32)
    c.check(other != node)
    c.loop(rest <= r - first - redemption.from_global, "the rest only goes down")
    c.loop(s.claims[d, other] <= left, "node_claims counts the claims on nodes not yet visited")
    c.loop(left <= s.node_claims[d], "node_claims only goes down")
    amount = minimum(rest, s.claims[d, other])
    deducted(c, "redeemed on another node", amount, other, left)
    c.value("rest - redeemed on another node", "uint64", rest - amount)


def _excess(c: Evaluation, r: Term) -> None:
    """tot + min(r, outstanding) + outstanding - max, of which tot and max are read without their lock."""
    s, d = c.s, c.d
    held, tot, limit = s.held(d), c.unsigned("tot_pages read", 32), c.unsigned("max_pages read", 32)
    most = minimum(r, held)
    c.value("tot_pages + min(r, outstanding_pages)", "uint64", tot + most)
    booked = c.value("tot_pages + min(r, outstanding_pages) + outstanding_pages", "uint64", tot + most + held)
    excess = choose(booked > limit, booked - limit, 0)
    c.value("the same - max_pages, where it is more", "uint64", excess)
    c.value("min(excess, min(r, outstanding_pages))", "uint32", minimum(excess, most))


def assign_pages(c: Evaluation, rules: Rules) -> None:
    """The limit, tot_pages, and in some generations the redemption."""
    s, d, node, r = c.s, c.d, c.argument("node"), c.argument("pages")
    c.check(r >= 1)
    c.check(r <= 2**MAX_ORDER)
    tot, limit = s.tot_pages[d], rules.limit_at_assign(s, d)
    if rules.counts_claims_at_assign:
        c.value("max_pages - claims", "uint32", limit)
    if rules.checks_limit_at_assign:
        c.check(tot <= limit)
        c.value("max_pages - tot_pages", "uint32", limit - tot)
        c.check(r <= limit - tot)
    c.value("tot_pages + r", "uint32", tot + r)
    if rules.redeems_at_assign:
        redeem(c, rules, node, r)


def free_domheap_pages(c: Evaluation, rules: Rules) -> None:
    """tot_pages goes down; in legacy-2013 the claim goes up."""
    s, d, r = c.s, c.d, c.argument("pages")
    c.loop(r <= s.tot_pages[d], "pages on a domain's list are in its tot_pages")
    c.value("tot_pages - r", "uint32", s.tot_pages[d] - r)
    if rules.frees_restore_claims:
        c.check(s.global_claims[d] > 0)
        c.value("outstanding_pages + r", "uint32", s.global_claims[d] + r)
        c.value("outstanding_claims + r", "int64", s.outstanding_claims + r)


def free_heap_pages(c: Evaluation, rules: Rules) -> None:  # noqa: ARG001
    """The free counters go up."""
    s, node, r = c.s, c.argument("node"), c.argument("pages")
    c.check(r <= 2**MAX_ORDER)
    c.value("node_avail_pages[n] + r", "int64", s.node_avail_pages[node] + r)
    c.value("total_avail_pages + r", "int64", s.total_avail_pages + r)
