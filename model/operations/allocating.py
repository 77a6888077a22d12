"""Allocating pages: alloc_heap_pages with the redemption of claims, and assign_pages."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from model.c_code.allocating import low_memory_alarm, owned_values, redeem_of_destroyed, redeem_values
from model.encoding import Grid
from model.logic import Term, all_of, choose, is_false, minimum, negation, positive_part, same
from model.operations.blocks import ASSIGNED, LIMBO, Block
from model.operations.claiming import NONE
from model.operations.ledger import counted, deduct, leave_heap, within_sum
from model.operations.section import MISUSE, REFUSED, Change, Section
from model.rules import Request, limit_not_looked_at, pages_taken
from model.state import HEAP_LOCK
from model.step import Step

MAX_ORDER = 20


def alloc_heap_pages(x: Section, request: Request, too_large: Term, block: Block, candidates: Any) -> None:
    """The host check, then the node search: the first candidate that passes its check and has a block is used.

    :param too_large: the order is more than `MAX_ORDER`
    :param block: the pages after the call
    :param candidates: the candidates of the node search, in the form that the view expects
    """
    rules, claimant = x.rules, request.claimant
    x.check("order-too-large", REFUSED, {"order-in-range": too_large})
    x.value("r = 1UL << order", "uint64", lambda: request.pages)
    if claimant is not None:
        _limit_check(x, claimant, request.pages)
        if rules.assigns_at_alloc:
            within = x.s.tot_pages[claimant] + request.pages <= x.s.max_pages[claimant]
            x.check("dying", REFUSED, {"not-dying": x.is_dying(claimant)})
            x.check("assigned-beyond-limit", REFUSED, {"assigned-within-limit": negation(within)})
            block = replace(block, state=ASSIGNED)
    _host_check(x, request)
    x.search(candidates, lambda at, node: _candidate(at, request, replace(block, node=node)))
    x.check("no-node", REFUSED, {"some-node": True})


def _limit_check(x: Section, claimant: Term, pages: Term) -> None:
    """The allocator's check of the limit, in the generations that have one."""
    s, rules = x.s, x.rules
    if rules.limit_permits is not limit_not_looked_at:
        charged = rules.pages_held(s, claimant)
        stay = s.held(claimant) - pages
        x.value("pages charged", "uint32", lambda: charged)
        x.value("pages charged + r", "uint64", lambda: charged + pages)
        x.value("claims that stay", "int64", lambda: stay)
        x.value("pages charged + r + claims that stay", "uint64", lambda: charged + pages + positive_part(stay))
    x.check("charge-beyond-limit", REFUSED, {"within-limit": negation(rules.limit_permits(s, claimant, pages))})


def _host_check(x: Section, request: Request) -> None:
    """The host check. Mainline adds the request to the claims; generations that mix memory subtract the claims."""
    s, rules, r, claimant = x.s, x.rules, request.pages, request.claimant
    if rules.bug_on:
        x.crash("host-overclaimed", {"host-not-overclaimed": s.unclaimed() < 0})
    subtracts = rules.host_check_subtracts()
    if subtracts:
        x.value("r, compared with the counters", rules.counter_type, lambda: r)
        x.value("total_avail_pages - outstanding_claims", rules.counter_type, s.unclaimed)
    else:
        x.value("outstanding_claims + r", "uint64", lambda: s.outstanding_claims + r)
    if claimant is not None:
        if rules.keeps_total:
            x.value("outstanding_pages", "uint32", lambda: s.held(claimant))
            x.value("outstanding_pages - node_claims", "uint32", lambda: s.held(claimant) - s.node_claims[claimant])
        counters = "global_claims + node_claims" if rules.targets == "set" else "outstanding_pages"
        x.value(counters, "uint32", lambda: s.held(claimant))
        if subtracts:
            room = "total_avail_pages - outstanding_claims + own claims"
            x.value(room, rules.counter_type, lambda: s.unclaimed() + s.held(claimant))
    x.check("host-check", REFUSED, {"host-check": x.host_refuses(request)})


def _candidate(x: Section, request: Request, block: Block) -> None:
    """One candidate of the search: it is skipped, or the pages are allocated there."""
    s, rules, node, r = x.s, x.rules, block.node, request.pages
    if rules.bug_on:
        x.crash("node-overclaimed", {"node-not-overclaimed": s.unclaimed_on(node) < 0})
    if rules.targets != "host":
        _node_check_values(x, request, node)
    x.skip("node-check", x.node_refuses(request, node))
    x.skip("block-is-free", negation(x.has_block(node, r)))
    x.value("node_avail_pages[n] - r", rules.counter_type, lambda: s.node_avail_pages[node] - r)
    x.value("total_avail_pages - r", rules.counter_type, lambda: s.total_avail_pages - r)
    claimant = None if rules.redeems_at_assign else request.claimant
    if claimant is not None and rules.bug_on_redeem:
        _asserts_counted(x, claimant, r)

    def change(step: Step) -> None:
        leave_heap(step, node, r)
        if claimant is not None:
            redeem(x, step, claimant, node, r)
        if rules.assigns_at_alloc and request.claimant is not None:
            step.add_at("tot_pages", request.claimant, r)
        if request.domain is not None:
            x.observe(step, "last_alloc_node", request.domain, lambda _s: node)
        x.move(step, None, block)

    loops = redeem_of_destroyed if x.of_destroyed else redeem_values
    code = low_memory_alarm(r, None if claimant is None else loops)
    x.end("allocated", change, answer={"node": node}, block=block, code=code)


def _node_check_values(x: Section, request: Request, node: Term) -> None:
    s, rules, r, counter = x.s, x.rules, request.pages, x.rules.counter_type
    words = "node_avail_pages[n] - node_outstanding_claims[n]"
    difference = unclaimed = s.unclaimed_on(node)
    if rules.targets == "one" and not rules.bug_on:
        x.value("node_outstanding_claims[n] + r", "uint64", lambda: s.node_outstanding_claims[node] + r)
        if rules.searches_unsigned:
            looked_at = all_of([request.anywhere, s.outstanding_claims > 0])
            x.value(f"{words}, in the node search", "uint64", lambda: difference, where=lambda: looked_at)
        return
    if rules.replaces or rules.bug_on:
        x.value(words, counter, lambda: difference)
    else:  # where claims exceed free pages, unclaimed pages are 0
        fits = s.node_avail_pages[node] >= s.node_outstanding_claims[node]
        x.value(words, counter, lambda: difference, where=lambda: fits)
        unclaimed = positive_part(unclaimed)
    if request.claimant is not None:
        x.value(f"{words} + claims[n]", counter, lambda: unclaimed + request.own_on(s, node))


def _asserts_counted(x: Section, domid: Term, pages: Term) -> None:
    """Mainline's BUG_ON where claims are redeemed. The section takes heap_lock if it does not hold it."""
    fails = {"redeemed-is-counted": lambda _q: x.rules.redeems_beyond_counted(x.s, domid, pages)}
    x.crash("redeemed-beyond-counted", fails)


def redeem(x: Section, step: Step, domid: Term, node: Term, pages: Term) -> None:
    """Redeem claims for the pages just taken."""
    s, rules = x.s, x.rules
    if x.of_destroyed:
        redeemed = minimum(pages, s.orphaned_claims[domid])
        counted(step, domid)
        step.add_at("orphaned_claims", domid, -redeemed)
        step.add("outstanding_claims", -redeemed)
        return
    redemption = rules.redeem(x.encoding, s, domid, node, pages)
    deduct(step, domid, redemption.by_node, redemption.from_global, "redeemed", rules.counts_outstanding_on_redeem)
    if rules.interface.clears_claim_node:
        left = s.held(domid) - pages_taken(redemption)
        x.observe(step, "claim_node", domid, lambda of: choose(left == 0, NONE, of.claim_node[domid]))


def assign_pages(x: Section, domid: Term, block: Block, no_refcount: bool = False) -> None:
    """Pages allocated for a domain become its own. Pages that are not refcounted become extra pages, without a limit.

    Only `memory_exchange` gives pages without owner to a domain, in `assign_in_exchange`.
    """
    s, rules = x.s, x.rules
    tot, limit = s.tot_pages[domid], rules.limit_at_assign(s, domid)
    meant = block.owner is not None and same(block.owner, domid)
    fits = all_of([block.state == LIMBO, block.refcounted is not no_refcount, meant])
    x.check("not-allocated-for-it", MISUSE, {"allocated-for-it": negation(fits)})
    x.check("dying", "EINVAL", {"not-dying": x.is_dying(domid)})
    if not no_refcount:
        if rules.counts_claims_at_assign:
            x.value("max_pages - claims", "uint32", lambda: limit)
        if rules.checks_limit_at_assign:
            x.check("over-limit", "EPERM", {"not-over-limit": tot > limit})
            x.value("max_pages - tot_pages", "uint32", lambda: limit - tot)
            x.check("beyond-limit", "E2BIG", {"within-limit": block.pages > limit - tot})
        x.value("tot_pages + r", "uint32", lambda: tot + block.pages)
    redeems = rules.redeems_at_assign and (rules.extra_pages_redeem or not no_refcount)
    if redeems or (rules.counts_claims_at_assign and not no_refcount):
        x.take(HEAP_LOCK)
    if redeems and rules.bug_on_redeem:
        _asserts_counted(x, domid, block.pages)

    def change(step: Step) -> None:
        if not no_refcount:
            step.add_at("tot_pages", domid, block.pages)
            step.hint(within_sum(s.limbo_pages.row(domid), block.node))
        if redeems:
            redeem(x, step, domid, block.node, block.pages)

    code = owned_values(block.pages, refcounted=not no_refcount, redeems=redeems)
    owned(x, domid, block, not no_refcount, change, code)


def owned(
    x: Section, domid: Term, block: Block, refcounted: bool, change: Change | None = None, code: Any = None
) -> None:
    """The end of assigning. It overwrites `count_info`, which removes offline marks."""

    def end(name: str, condition: Term, before: Block) -> None:
        now = Block(block.pages, block.node, ASSIGNED, domid, refcounted, before.marked if keeps else 0)

        def owns(step: Step) -> None:
            if change is not None:
                change(step)
            if not keeps and not is_false(before.marked != 0):
                step.add_at("marked_pages", block.node, -before.marked)
            within_node(x, step, domid, block.node)
            x.move(step, before, now)

        x.end(name, owns, when={f"not-{name}": condition}, code=code, block=now)

    keeps = x.rules.keeps_marks
    if not keeps:
        is_marked = block.marked > 0
        x.crash("mark-asserted", {"no-mark-asserted": all_of([is_marked, x.debug_build()])})
        end("assigned-mark-lost", is_marked, block)
    end("assigned", True, block if keeps else x.unmarked(block))


def within_node(x: Section, step: Step, domid: Term, node: Term) -> None:
    """A hint: a domain's pages of a node, with those it gets, are at most the node's pages; this bounds its claims."""
    if x.rules.frees_restore_claims:
        grids: tuple[Grid, ...] = (x.s.limbo_pages, x.s.assigned_pages, x.s.extra_pages)
        for grid in grids:
            step.hint(within_sum(grid.column(node), domid))
