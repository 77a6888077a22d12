"""The values of the allocator: its checks, the redemption of claims, the low-memory alarm, and freeing."""

from model.c_code.evaluation import Evaluation
from model.c_code.ledger import counter_of, deducted, given, host_wide_claim, one_target
from model.c_types import UINT_MAX
from model.logic import Term, all_of, any_of, choose, minimum, negation, positive_part
from model.rules import Request, Rules, host_permits_mixing, limit_not_looked_at, pages_taken

MAX_ORDER = 20
LOW_MEMORY_ALARM = "total_avail_pages - outstanding_claims, in check_low_mem_virq"


def alloc_heap_pages(c: Evaluation, rules: Rules) -> None:
    """The host check, the check of the node at which the search ends, the free counters, the redemption, the alarm."""
    c.check(c.s.listed(c.d))
    node, r = _taken(c, rules, c.d)
    _low_memory_alarm(c, r, 0 if rules.redeems_at_assign else redeem(c, rules, node, r))


def alloc_for_destroyed(c: Evaluation, rules: Rules) -> None:
    """The same for a domain that left the domain list: what it claims, if anything, is host-wide."""
    s, d = c.s, c.d
    c.check(s.is_destroyed[d])
    _node, r = _taken(c, rules, d)
    if rules.redeems_at_assign:
        _low_memory_alarm(c, r, 0)
        return
    redeemed, counter = minimum(r, s.orphaned_claims[d]), counter_of(rules)
    c.value(f"{counter} - redeemed of {counter}", "uint32", s.orphaned_claims[d] - redeemed)
    c.value(f"outstanding_claims - redeemed of {counter}", c.counter, s.outstanding_claims - redeemed)
    c.value(f"r - redeemed of {counter}", "uint64", r - redeemed)
    _low_memory_alarm(c, r, redeemed)


def alloc_unowned(c: Evaluation, rules: Rules) -> None:
    """The same for a request that may not use claims."""
    _node, r = _taken(c, rules, None)
    _low_memory_alarm(c, r, 0)


def _low_memory_alarm(c: Evaluation, r: Term, redeemed: Term) -> None:
    """check_low_mem_virq, at the end of every allocation: the free pages that nobody claims, unsigned."""
    s = c.s
    unclaimed = (s.total_avail_pages - r) - (s.outstanding_claims - redeemed)
    c.value(LOW_MEMORY_ALARM, "uint64", unclaimed)


def _taken(c: Evaluation, rules: Rules, claimant: Term) -> tuple[Term, Term]:
    s, node, r = c.s, c.argument("node"), c.argument("pages")
    c.check(r >= 1)
    c.check(r <= 2**MAX_ORDER)
    c.value("r = 1UL << order", "uint64", r)
    if claimant is not None:
        _limit_check(c, rules, r)
        c.check(rules.limit_permits(s, claimant, r))
    exact, anywhere = c.argument("exact_node"), c.argument("anywhere")
    request = Request(r, claimant, claimant, c.argument("requested_node"), exact, anywhere)
    _host_check(c, rules, request)
    if rules.targets != "host":
        _node_check(c, rules, request, node)
    c.check(r <= s.node_avail_pages[node])
    c.value("node_avail_pages[n] - r", c.counter, s.node_avail_pages[node] - r)
    c.value("total_avail_pages - r", c.counter, s.total_avail_pages - r)
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


def _host_check(c: Evaluation, rules: Rules, request: Request) -> None:
    """Mainline adds the request to the claims; generations that mix claimed and unclaimed memory subtract claims."""
    s, r, claimant = c.s, request.pages, request.claimant
    if rules.bug_on:
        c.check(s.unclaimed() >= 0)
    subtracts = rules.host_permits is host_permits_mixing or rules.bug_on
    if subtracts:
        c.value("r, compared with the counters", c.counter, r)
        c.value("total_avail_pages - outstanding_claims", c.counter, s.unclaimed())
    else:
        c.value("outstanding_claims + r", "uint64", s.outstanding_claims + r)
    if claimant is not None:
        if rules.keeps_total:
            host_wide_claim(c)
        counters = "global_claims + node_claims" if rules.targets == "set" else "outstanding_pages"
        c.value(counters, "uint32", s.held(claimant))
        if subtracts:
            room = s.unclaimed() + s.held(claimant)
            c.value("total_avail_pages - outstanding_claims + own claims", c.counter, room)
    if subtracts:
        c.check(r <= c.wrapped(c.counter, s.unclaimed() + request.own(s)))
    else:
        # Where a destroyed domain has its claim is not in the model: it may be where the check looks for it.
        orphaned = False if claimant is None else r <= s.orphaned_claims[claimant]
        c.check(any_of([rules.host_permits(c.step.encoding, s, request), orphaned]))


def _node_check(c: Evaluation, rules: Rules, request: Request, node: Term) -> None:
    s, r = c.s, request.pages
    unclaimed = s.unclaimed_on(node)
    words = "node_avail_pages[n] - node_outstanding_claims[n]"
    if rules.bug_on:
        c.check(unclaimed >= 0)
    if rules.targets == "one" and not rules.bug_on:
        c.value("node_outstanding_claims[n] + r", "uint64", s.node_outstanding_claims[node] + r)
        if rules.searches_unsigned:
            with c.where(all_of([request.anywhere, s.outstanding_claims > 0])):
                c.value(f"{words}, in the node search", "uint64", unclaimed)
        return
    if rules.replaces or rules.bug_on:
        c.value(words, c.counter, unclaimed)
    else:  # what is unclaimed is none where claims exceed free pages
        with c.where(s.node_avail_pages[node] >= s.node_outstanding_claims[node]):
            c.value(words, c.counter, unclaimed)
        unclaimed = positive_part(unclaimed)
    if request.claimant is not None:
        c.value(f"{words} + claims[n]", c.counter, unclaimed + request.own_on(s, node))
    c.check(r <= c.wrapped(c.counter, unclaimed + request.own_on(s, node)))


def redeem(c: Evaluation, rules: Rules, node: Term, r: Term) -> Term:
    """Redemption of claims for r pages of a node; gives how many are."""
    s, d, h = c.s, c.d, c.step.encoding
    if rules.bug_on:
        _excess(c, r)
    redemption = rules.redeem(h, s, d, node, r)
    taken = pages_taken(redemption)
    if rules.bug_on_redeem:
        c.check((s.held(d) if rules.redeems_at_assign else minimum(r, s.held(d))) <= s.outstanding_claims)
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
    _owned(c, tot + r)
    if rules.redeems_at_assign:
        redeem(c, rules, node, r)


def assign_extra_pages(c: Evaluation, rules: Rules) -> None:
    """Pages that no limit counts; in some generations they redeem claims all the same."""
    s, d, node, r = c.s, c.d, c.argument("node"), c.argument("pages")
    c.check(r >= 1)
    c.check(r <= 2**MAX_ORDER)
    _owned(c, s.tot_pages[d] + r)
    c.value("extra_pages + r", "uint32", s.extra_pages.row(d).total() + r)
    if rules.redeems_at_assign and rules.extra_pages_redeem:
        redeem(c, rules, node, r)


def _owned(c: Evaluation, refcounted: Term) -> None:
    """d->tot_pages counts extra pages too; what is called tot_pages elsewhere is d->tot_pages - d->extra_pages."""
    extra = c.s.extra_pages.row(c.d).total()
    c.loop(refcounted + extra <= UINT_MAX, "a domain owns fewer than 2^32 pages, extra pages included")
    c.value("d->tot_pages, extra pages included, + r", "uint32", refcounted + extra)


def free_domheap_pages(c: Evaluation, rules: Rules) -> None:
    """tot_pages goes down; in legacy-2013 the claim goes up."""
    s, d, r = c.s, c.d, c.argument("pages")
    c.loop(r <= s.tot_pages[d], "pages on a domain's list are in its tot_pages")
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
    c.check(r <= 2**MAX_ORDER)
    c.value("node_avail_pages[n] + r", c.counter, s.node_avail_pages[node] + r)
    c.value("total_avail_pages + r", c.counter, s.total_avail_pages + r)


def free_stash(c: Evaluation, rules: Rules) -> None:
    """A stashed extent goes back to the heap; as a variant, into the domain's claims."""
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
