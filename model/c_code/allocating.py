"""C values of the allocator: the loops of redemption, the low-memory alarm, and the ends of assigning and freeing.

Values inside a loop do not follow from the closed form of the loop.
"""

from collections.abc import Callable
from typing import TypeAlias

from model.c_code.evaluation import Code, Evaluation
from model.c_code.ledger import counter_of, deducted, given, one_target
from model.c_types import UINT_MAX
from model.logic import Term, choose, minimum, negation
from model.rules import Rules, pages_taken

LOW_MEMORY_ALARM = "total_avail_pages - outstanding_claims, in check_low_mem_virq"
Redeems: TypeAlias = Callable[[Evaluation, Rules, Term], Term]
"""The values of redeeming claims for a number of pages; returns how many pages are redeemed."""


def low_memory_alarm(r: Term, redeems: Redeems | None) -> Code:
    """check_low_mem_virq, at the end of every allocation: the free pages that nobody claims, unsigned."""

    def code(c: Evaluation, rules: Rules) -> None:
        redeemed = 0 if redeems is None else redeems(c, rules, r)
        unclaimed = (c.s.total_avail_pages - r) - (c.s.outstanding_claims - redeemed)
        c.value(LOW_MEMORY_ALARM, "uint64", unclaimed)

    return code


def redeem_of_destroyed(c: Evaluation, rules: Rules, r: Term) -> Term:
    """Redemption for a domain that left the domain list: any claim it has is host-wide."""
    s, d = c.s, c.d
    redeemed, counter = minimum(r, s.orphaned_claims[d]), counter_of(rules)
    c.value(f"{counter} - redeemed of {counter}", "uint32", s.orphaned_claims[d] - redeemed)
    c.value(f"outstanding_claims - redeemed of {counter}", c.counter, s.outstanding_claims - redeemed)
    c.value(f"r - redeemed of {counter}", "uint64", r - redeemed)
    return redeemed


def redeem_values(c: Evaluation, rules: Rules, r: Term) -> Term:
    """Redemption of claims for r pages of a node; returns how many pages are redeemed."""
    s, d, h, node = c.s, c.d, c.step.encoding, c.argument("node")
    if rules.bug_on:
        _excess(c, r)
    redemption = rules.redeem(h, s, d, node, r)
    taken = pages_taken(redemption)
    if rules.bug_on_redeem:
        c.check(negation(rules.redeems_beyond_counted(s, d, r)))
    c.value("r - claims redeemed", "uint64", r - taken)
    if rules.targets == "one":
        one_target(c, c.some_node("claim_node"), taken, "redeemed")
        return taken
    if rules.targets == "host":
        deducted(c, "redeemed", taken, counter="outstanding_pages")
        return taken
    first, from_global = redemption.by_node[node], redemption.from_global
    deducted(c, "redeemed on the node", first, node, s.node_claims[d])
    c.value("r - redeemed on the node", "uint64", r - first)
    c.value("r - redeemed on the node - redeemed of global_claims", "uint64", r - first - from_global)
    counter = counter_of(rules)
    claimed = s.outstanding_claims - first
    deducted(c, f"redeemed of {counter}", from_global, counter=counter, claimed=claimed)
    with c.where(True):
        other, rest = c.some_node("other"), c.unsigned("rest")
        left, claimed = c.unsigned("node_claims left", 32), c.unsigned("outstanding_claims so far")
        c.check(other != node)
        c.loop(rest <= r - first - from_global, "the rest only goes down")
        c.loop(s.claims[d, other] <= left, "node_claims counts the claims on nodes not yet visited")
        c.loop(left <= s.node_claims[d], "node_claims only goes down")
        c.loop(left <= claimed, "claims on nodes not yet visited are still counted in outstanding_claims")
        c.loop(claimed <= s.outstanding_claims, "outstanding_claims only goes down")
        amount = minimum(rest, s.claims[d, other])
        deducted(c, "redeemed on another node", amount, other, left, claimed=claimed)
        c.value("rest - redeemed on another node", "uint64", rest - amount)
    return taken


def _excess(c: Evaluation, r: Term) -> None:
    """tot + min(r, outstanding) + outstanding - max; tot and max are read without their lock."""
    s, d = c.s, c.d
    held, tot, limit = s.held(d), c.unsigned("tot_pages read", 32), c.unsigned("max_pages read", 32)
    most = minimum(r, held)
    c.value("tot_pages + min(r, outstanding_pages)", "uint64", tot + most)
    booked = c.value("tot_pages + min(r, outstanding_pages) + outstanding_pages", "uint64", tot + most + held)
    excess = choose(booked > limit, booked - limit, 0)
    c.value("the same - max_pages, where it is more", "uint64", excess)
    c.value("min(excess, min(r, outstanding_pages))", "uint32", minimum(excess, most))


def owned_values(r: Term, refcounted: bool, redeems: bool) -> Code:
    """The end of assigning: the counter of all pages owned, and in some generations the redemption."""

    def code(c: Evaluation, rules: Rules) -> None:
        _owned(c, c.s.tot_pages[c.d] + r)
        if not refcounted:
            c.value("extra_pages + r", "uint32", c.s.extra_pages.row(c.d).total() + r)
        if redeems:
            redeem_values(c, rules, r)

    return code


def _owned(c: Evaluation, refcounted: Term) -> None:
    """d->tot_pages includes extra pages; the model's tot_pages is d->tot_pages - d->extra_pages."""
    extra = c.s.extra_pages.row(c.d).total()
    c.loop(refcounted + extra <= UINT_MAX, "a domain owns fewer than 2^32 pages, extra pages included")
    c.value("d->tot_pages, extra pages included, + r", "uint32", refcounted + extra)


def free_domheap_pages(c: Evaluation, rules: Rules) -> None:
    """tot_pages goes down; in legacy-2013 the claim goes up."""
    s, d, r = c.s, c.d, c.argument("pages")
    c.value("tot_pages - r", "uint32", s.tot_pages[d] - r)
    if rules.frees_restore_claims:
        _grow_back(c, r)


def _grow_back(c: Evaluation, r: Term) -> None:
    s, d = c.s, c.d
    c.check(s.global_claims[d] > 0)
    c.value("outstanding_pages + r", "uint32", s.global_claims[d] + r)
    c.value("outstanding_claims + r", c.counter, s.outstanding_claims + r)


def free_extra_pages(c: Evaluation, rules: Rules) -> None:
    """extra_pages goes down; in legacy-2013 the claim goes up."""
    r, extra = c.argument("pages"), c.s.extra_pages.row(c.d).total()
    c.loop(r <= extra, "pages on a domain's list that are not refcounted are in its extra_pages")
    c.loop(extra <= UINT_MAX, "a domain owns fewer than 2^32 pages, extra pages included")
    c.value("extra_pages - r", "uint32", extra - r)
    if rules.frees_restore_claims:
        _grow_back(c, r)


def free_heap_pages(c: Evaluation, rules: Rules) -> None:  # noqa: ARG001
    """The free counters go up."""
    s, node, r = c.s, c.argument("node"), c.argument("pages")
    c.value("node_avail_pages[n] + r", c.counter, s.node_avail_pages[node] + r)
    c.value("total_avail_pages + r", c.counter, s.total_avail_pages + r)


def free_stash(c: Evaluation, rules: Rules) -> None:
    """A stashed extent returns to the heap; in a variant, its pages become claims of the domain."""
    free_heap_pages(c, rules)
    if not rules.restores_stash:
        return
    s, d, node, r = c.s, c.d, c.argument("node"), c.argument("pages")
    c.check(negation(s.is_dying[d]))
    if rules.targets == "host":
        c.value("outstanding_pages + r", "uint32", s.global_claims[d] + r)
        c.value("outstanding_claims + r", c.counter, s.outstanding_claims + r)
    else:
        given(c, r, node, s.claims[d, node], s.node_claims[d])
