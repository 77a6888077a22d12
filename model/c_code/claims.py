"""C values of the loops in claim calls, over nodes and over the entries of a set: those of every iteration.

Values inside a loop do not follow from the closed form of the loop.
"""

from model.c_code.evaluation import Evaluation
from model.c_code.ledger import counter_of, deducted, given, host_wide_claim, one_target
from model.c_types import UINT_MAX
from model.logic import Term, any_of
from model.rules import Rules


def release(c: Evaluation, rules: Rules) -> None:
    """cancel_all_node_claims, node by node, then the host-wide claim."""
    d, s = c.d, c.s
    if rules.targets == "one":
        one_target(c, c.some_node("claim_node"), s.held(d), "outstanding_pages")
        return
    if rules.targets == "set":
        with c.where(True):
            node, left = c.some_node("released"), c.unsigned("node_claims left", 32)
            claimed = c.unsigned("outstanding_claims so far")
            c.loop(s.claims[d, node] <= left, "node_claims is the sum of the claims on nodes not yet visited")
            c.loop(left <= s.node_claims[d], "node_claims only goes down")
            c.loop(left <= claimed, "claims on nodes not yet visited are still counted in outstanding_claims")
            c.loop(claimed <= s.outstanding_claims, "outstanding_claims only goes down")
            deducted(c, "claims[n]", s.claims[d, node], node, left, claimed=claimed)
    counter = counter_of(rules)
    deducted(c, counter, s.global_claims[d], counter=counter, claimed=s.outstanding_claims - s.node_claims[d])


def release_of_destroyed(c: Evaluation, rules: Rules) -> None:
    """The same for a domain that left the domain list: any claim it has is host-wide."""
    s, d, counter = c.s, c.d, counter_of(rules)
    c.value(f"{counter} - {counter}", "uint32", s.orphaned_claims[d] - s.orphaned_claims[d])
    c.value(f"outstanding_claims - {counter}", c.counter, s.outstanding_claims - s.orphaned_claims[d])


def install_values(c: Evaluation, rules: Rules) -> None:
    """A set that replaces the claims held: any one entry, the totals, and the counters it is added to."""
    s, d = c.s, c.d
    node, pages, sum_type = c.some_node("entry.node"), c.unsigned("entry.pages"), _sum_type(rules)
    before = _sum(c, rules, "sum before")
    if rules.checks_sum:
        c.value("UINT_MAX - sum", "uint32", UINT_MAX - before)
        c.check(pages <= UINT_MAX - before)
    expression = "node_avail_pages[n] - node_outstanding_claims[n]"
    c.value(expression, c.counter, s.unclaimed_on(node))
    own = s.claims[d, node] if rules.credits_own_claims else 0
    room = c.value(f"{expression} + claims[n]", c.counter, s.unclaimed_on(node) + own)
    _compared(c, f"{expression} + claims[n]", room)
    c.check(pages <= c.wrapped("uint64", room))
    c.value("sum + pages", sum_type, before + pages)

    nodes, host_wide = _sum(c, rules, "sum of the set"), c.unsigned("g")
    c.loop(pages <= nodes, "the sum counts the entry")
    if rules.releases_before_limits:
        c.check(any_of([host_wide >= 1, nodes >= 1]))
    limit = s.max_pages[d]
    c.check(host_wide <= limit)
    c.value("max_pages - g", "uint64", limit - host_wide)
    c.check(nodes <= limit - host_wide)
    c.value("max_pages - g - sum", "uint64", limit - host_wide - nodes)
    held = rules.pages_held(s, d)
    if rules.counts_limbo:
        c.value("tot_pages and pages in limbo", "uint32", held)
    c.check(held <= limit - host_wide - nodes)
    c.value("g + sum", "uint64", host_wide + nodes)
    expression = "total_avail_pages - outstanding_claims"
    c.value(expression, c.counter, s.unclaimed())
    if rules.keeps_total:
        host_wide_claim(c)
    c.value(f"{expression} + global_claims", c.counter, s.unclaimed() + s.global_claims[d])
    room = c.value(f"{expression} + global_claims + node_claims", c.counter, s.unclaimed() + s.held(d))
    _compared(c, f"{expression} + global_claims + node_claims", room)
    c.check(host_wide + nodes <= c.wrapped("uint64", room))

    release(c, rules)
    so_far = c.unsigned("node_claims so far", 32)
    c.loop(so_far + pages <= nodes, "node_claims is the sum of the entries installed so far")
    given(c, pages, node, 0, so_far)
    c.value("global_claims + g", "uint32", host_wide)
    c.value("outstanding_claims + g", c.counter, s.outstanding_claims + host_wide)
    if rules.keeps_total:
        c.value("outstanding_pages + g + sum", "uint32", host_wide + nodes)


def _sum_type(rules: Rules) -> str:
    """The type of the sum of pages on nodes: 32 bits where the code checks that it fits."""
    return "uint32" if rules.checks_sum else "uint64"


def _sum(c: Evaluation, rules: Rules, name: str) -> Term:
    if rules.checks_sum:
        return c.unsigned(name, 32)
    pages = c.unsigned(name)
    c.loop(pages <= c.s.total_avail_pages, "no entry has more pages than its node, named once, has free")
    return pages


def _compared(c: Evaluation, expression: str, room: Term) -> None:
    """A comparison with the pages of a call converts a signed value to unsigned."""
    if c.counter != "uint64":
        c.value(f"{expression}, compared with 64 bits unsigned", "uint64", room)


def stake_values(c: Evaluation, rules: Rules) -> None:  # noqa: ARG001
    """A set that is installed where none is held (per-node-v8)."""
    s, d = c.s, c.d
    node, pages, before = c.some_node("entry.node"), c.unsigned("entry.pages"), c.unsigned("total before", 32)
    limit = s.max_pages[d]
    c.loop(before <= limit, "the total is within max_pages after each entry")
    c.check(pages >= 1)
    c.value("max_pages - total", "uint32", limit - before)
    c.check(pages <= limit - before)
    c.value("total + pages", "uint32", before + pages)

    total = c.unsigned("total", 32)
    c.loop(before + pages <= total, "the total counts the entry")
    c.loop(total <= limit, "the total is within max_pages after each entry")
    c.check(s.tot_pages[d] <= limit)
    c.value("max_pages - tot_pages", "uint32", limit - s.tot_pages[d])
    c.check(total <= limit - s.tot_pages[d])
    c.check(s.held(d) == 0)
    c.value("total + outstanding_claims", c.counter, total + s.outstanding_claims)
    c.check(total + s.outstanding_claims <= s.total_avail_pages)
    wanted = c.value("pages + node_outstanding_claims[n]", "uint64", pages + s.node_outstanding_claims[node])
    c.check(wanted <= s.node_avail_pages[node])
    given(c, pages, node, 0, before)
    c.value("outstanding_pages + total", "uint32", total)
