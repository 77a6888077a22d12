"""The values of claim calls: XENMEM_claim_pages, single-node claims, claim sets, and releasing claims."""

from model.c_code.evaluation import Evaluation
from model.c_code.ledger import counter_of, deducted, given, host_wide_claim, one_target
from model.c_types import UINT_MAX
from model.logic import Term, all_of, any_of, minimum, negation
from model.rules import Rules


def new_limit(c: Evaluation, rules: Rules) -> None:
    """XEN_DOMCTL_max_mem for a domain that was just created."""
    c.check(negation(c.s.is_created[c.d]))
    _max_mem(c, rules)


def max_mem(c: Evaluation, rules: Rules) -> None:
    """XEN_DOMCTL_max_mem: 64 bits are capped before they are stored in 32."""
    c.check(c.s.listed(c.d))
    _max_mem(c, rules)


def _max_mem(c: Evaluation, rules: Rules) -> None:
    asked = c.unsigned("max_mem")
    limit = c.value("min(max_mem, UINT_MAX), stored in max_pages", "uint32", minimum(asked, UINT_MAX))
    if rules.refuses_low_limit or rules.trims_claims:
        held = c.value("tot_pages and pages in limbo", "uint32", rules.pages_held(c.s, c.d))
        claims = c.value("global_claims + node_claims", "uint32", c.s.held(c.d))
        used = c.value("pages held + claims", "uint64", held + claims)
        if rules.refuses_low_limit:
            c.check(used <= limit)


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


def release_for_destroyed(c: Evaluation, rules: Rules) -> None:
    """The same for a domain that left the domain list: what it claims, if anything, is host-wide."""
    s, d, counter = c.s, c.d, counter_of(rules)
    c.value(f"{counter} - {counter}", "uint32", s.orphaned_claims[d] - s.orphaned_claims[d])
    c.value(f"outstanding_claims - {counter}", c.counter, s.outstanding_claims - s.orphaned_claims[d])


def set_outstanding_pages(c: Evaluation, rules: Rules) -> None:
    """The host-wide claim by the legacy call."""
    c.check(c.s.listed(c.d))
    _set_outstanding_pages(c, rules)


def claim_for_destroyed(c: Evaluation, rules: Rules) -> None:
    """The same for a domain that left the domain list; refused at once where is_dying is checked under the locks."""
    if rules.checks_dying_in_lock:
        return
    c.check(all_of([c.s.is_destroyed[c.d], c.s.is_dying[c.d]]))
    _set_outstanding_pages(c, rules)


def _set_outstanding_pages(c: Evaluation, rules: Rules) -> None:
    s, d = c.s, c.d
    pages = c.argument("pages")
    c.check(pages <= 2**64 - 1)
    if rules.legacy_subtracts_first:
        asked = c.unsigned("nr_extents")
        c.value("nr_extents - tot_pages, in XENMEM_claim_pages", "uint64", asked - s.tot_pages[d])
    c.check(pages >= 1)
    claim = one_claim(c, rules, pages)
    if rules.folds_legacy:
        c.value("g = pages, compared with claims of 32 bits", "uint64", pages)
    has_room(c, rules, "total_avail_pages - outstanding_claims", claim, s.unclaimed())
    c.value(f"claim, stored in {counter_of(rules)}", "uint32", claim)
    c.value("outstanding_claims + claim", c.counter, s.outstanding_claims + claim)


def claim_on_node(c: Evaluation, rules: Rules) -> None:
    """A single-node claim on a node."""
    c.check(c.s.listed(c.d))
    _claim_on_node(c, rules)


def claim_on_node_for_destroyed(c: Evaluation, rules: Rules) -> None:
    """The same for a domain that left the domain list."""
    c.check(all_of([c.s.is_destroyed[c.d], c.s.is_dying[c.d]]))
    _claim_on_node(c, rules)


def _claim_on_node(c: Evaluation, rules: Rules) -> None:
    s, node, pages = c.s, c.argument("node"), c.argument("pages")
    c.check(pages <= 2**64 - 1)
    c.check(pages >= 1)
    claim = one_claim(c, rules, pages)
    if rules.node_claim_also_needs_host:
        has_room(c, rules, "total_avail_pages - outstanding_claims", claim, s.unclaimed())
    has_room(c, rules, "node_avail_pages[n] - node_outstanding_claims[n]", claim, s.unclaimed_on(node))
    c.value("claim, stored in outstanding_pages", "uint32", claim)
    c.value("node_outstanding_claims[n] + claim", c.counter, s.node_outstanding_claims[node] + claim)
    c.value("outstanding_claims + claim", c.counter, s.outstanding_claims + claim)


def one_claim(c: Evaluation, rules: Rules, pages: Term) -> Term:
    """The checks of a claim that is no set, up to what is to be claimed."""
    s, d = c.s, c.d
    tot, limit = s.tot_pages[d], s.max_pages[d]
    if rules.checks_dying_in_lock:
        c.check(negation(s.is_dying[d]))
    c.check(s.held(d) == 0)
    if not rules.subtracts_pages_held:
        total = c.value("tot_pages + pages", "uint64", tot + pages)
        c.check(c.wrapped("uint64", total) <= limit)
        return pages
    held = rules.pages_held(s, d)
    if rules.counts_limbo:
        c.value("tot_pages and pages in limbo", "uint32", held)
    c.check(pages > held)
    c.check(pages <= limit)
    return c.value("pages - tot_pages", "uint64", pages - held)


def has_room(c: Evaluation, rules: Rules, expression: str, claim: Term, unclaimed: Term) -> None:
    """`claim > avail - claims`, computed in the unsigned type of the claim."""
    if rules.bug_on:
        c.check(unclaimed >= 0)
    if c.counter != "uint64":
        c.value(expression, c.counter, unclaimed)
    c.value(f"{expression}, unsigned", "uint64", unclaimed)
    c.check(claim <= c.wrapped("uint64", unclaimed))


def claim_memory(c: Evaluation, rules: Rules) -> None:
    """A claim set: by the rules of claim sets, or by those of per-node-v8."""
    c.check(c.s.listed(c.d))
    if rules.replaces:
        _install_claim_set(c, rules)
    else:
        _set_memory_claims(c, rules)


def _install_claim_set(c: Evaluation, rules: Rules) -> None:
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
    """Of the pages on nodes, summed: 32 bits where the sum is held against them."""
    return "uint32" if rules.checks_sum else "uint64"


def _sum(c: Evaluation, rules: Rules, name: str) -> Term:
    if rules.checks_sum:
        return c.unsigned(name, 32)
    pages = c.unsigned(name)
    c.loop(pages <= c.s.total_avail_pages, "no entry has more pages than its node, named once, has free")
    return pages


def _compared(c: Evaluation, expression: str, room: Term) -> None:
    """Compared with the pages of a call: a signed value is converted."""
    if c.counter != "uint64":
        c.value(f"{expression}, compared with 64 bits unsigned", "uint64", room)


def _set_memory_claims(c: Evaluation, rules: Rules) -> None:  # noqa: ARG001
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
