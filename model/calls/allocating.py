"""`alloc_heap_pages` and `assign_pages`: which node, which claims, which errno."""

from collections.abc import Callable, Sequence

from model.calls.case import (
    ANONYMOUS,
    ASSIGNED,
    CRASH,
    LIMBO,
    MISUSE,
    OK,
    REFUSED,
    Block,
    Call,
    Case,
    Moved,
)
from model.calls.state import NONE
from model.logic import Term, all_of, any_of, choose, minimum, negation, same
from model.rules import Request, pages_taken
from model.step import Step
from model.transitions.allocating import leave_heap, redeem

MAX_ORDER = 20


def alloc_heap_pages(
    call: Call,
    domid: Term,
    order: Term,
    pages: Term,
    candidates: Sequence[Term],
    has_block: Sequence[Term],
    requested: int | None = None,
    exact: Term = False,
    no_refcount: bool = False,
    no_owner: bool = False,
) -> list[Case]:
    """The host check, then the candidates in order: the first that passes its check and has a block serves.

    :param domid: for which domain; None: for none
    :param pages: 2^order
    :param candidates: online nodes in the order of the search (`search_order`)
    :param has_block: of every node, whether it has a free block of the order
    :param requested: the requested node, which may be offline; None: any
    """
    s, rules = call.before, call.rules
    claimant = None if no_refcount or no_owner else domid
    request = Request(
        pages, claimant, domid, NONE if requested is None else requested, exact, anywhere=requested is None
    )
    cases = [Case("order-too-large", order > MAX_ORDER, REFUSED)]
    if claimant is not None:
        cases.append(Case("charge-beyond-limit", negation(rules.limit_permits(s, claimant, pages)), REFUSED))
    if rules.bug_on:
        cases.append(Case("host-overclaimed", s.unclaimed() < 0, CRASH))
    cases.append(Case("host-check", negation(_host_permits(call, request, requested)), REFUSED))
    block = Block(pages, None, *_held(domid, claimant, no_owner))
    for node in candidates:
        if rules.bug_on:
            cases.append(Case("node-overclaimed", s.unclaimed_on(node) < 0, CRASH))
        serves = all_of([rules.node_permits(s, request, node), has_block[node]])
        if rules.bug_on_redeem and claimant is not None and not rules.redeems_at_assign:
            beyond = minimum(pages, s.held(claimant)) > s.outstanding_claims
            cases.append(Case("redeemed-beyond-counted", all_of([serves, beyond]), CRASH))
        placed = Block(pages, node, block.state, block.owner, block.refcounted)
        effect = call.effect(_Allocated(call, request, node), moved=[Moved(node, pages, after=placed)])
        cases.append(Case("allocated", serves, OK, effect, {"node": node}, placed))
    cases.append(Case("no-node", True, REFUSED))
    return cases


def _held(domid: Term, claimant: Term, no_owner: bool) -> tuple[str, Term, bool]:
    """State, owner and accounting of the pages of an allocation."""
    if domid is None or no_owner:
        return ANONYMOUS, None, False
    return LIMBO, domid, claimant is not None


def _host_permits(call: Call, request: Request, requested: int | None) -> Term:
    s, held = call.before, request.own(call.before)
    if call.interface.checks_exact_target:
        target = NONE if requested is None else choose(request.exact, requested, NONE)
    elif call.interface.checks_any_target:
        target = _claim_target(call, request.domain) if requested is None else requested
    else:
        return call.rules.host_permits(call.host, s, request)
    fits = any_of([target == NONE, call.on(target, lambda n: request.pages <= s.unclaimed_on(n))])
    unclaimed = all_of([request.pages <= s.unclaimed(), fits])
    if request.claimant is None:
        return unclaimed
    return any_of([unclaimed, all_of([s.claim_node[request.claimant] == target, request.pages <= held])])


def _claim_target(call: Call, domid: Term) -> Term:
    """The claim's node if node_affinity is exactly that node, else none."""
    if domid is None:
        return NONE
    s = call.before
    target = s.claim_node[domid]
    only = call.host.every_node(lambda n: s.node_affinity[domid, n] == same(target, n))
    return choose(all_of([target != NONE, only]), target, NONE)


class _Allocated:
    """Pages leave the heap and, unless that comes later, claims are redeemed for them."""

    def __init__(self, call: Call, request: Request, node: Term) -> None:
        self.call, self.request, self.node = call, request, node

    def __call__(self, step: Step) -> None:
        request, rules = self.request, self.call.rules
        leave_heap(step, self.node, request.pages)
        if request.claimant is not None and not rules.redeems_at_assign:
            self._redeem(step, request.claimant)
        if request.domain is not None:
            step.set_at("last_alloc_node", request.domain, self.node)

    def _redeem(self, step: Step, claimant: Term) -> None:
        s = self.call.before
        redemption = redeem(step, self.call.rules, claimant, self.node, self.request.pages)
        if self.call.interface.clears_claim_node:
            left = s.held(claimant) - pages_taken(redemption)
            step.set_at("claim_node", claimant, choose(left == 0, NONE, s.claim_node[claimant]))


def assign_pages(call: Call, domid: Term, block: Block, no_refcount: bool = False) -> list[Case]:
    """Pages allocated for a domain become its own. Those that are not refcounted become extra pages: no limit counts.

    Pages without owner are given to a domain by `memory_exchange` alone, in `assign_in_exchange`.
    """
    s, rules = call.before, call.rules
    tot, limit = s.tot_pages[domid], rules.limit_at_assign(s, domid)
    meant = block.owner is not None and same(block.owner, domid)
    fits = all_of([block.state == LIMBO, block.refcounted is not no_refcount, meant])
    cases = [
        Case("not-allocated-for-it", negation(fits), MISUSE),
        Case("dying", s.is_dying[domid], "EINVAL"),
    ]
    if not no_refcount:
        cases += [
            Case("over-limit", tot > limit, "EPERM"),
            Case("beyond-limit", block.pages > limit - tot, "E2BIG"),
        ]
    redeems = rules.redeems_at_assign and (rules.extra_pages_redeem or not no_refcount)
    if redeems and rules.bug_on_redeem:
        cases.append(Case("redeemed-beyond-counted", s.held(domid) > s.outstanding_claims, CRASH))

    def counted(step: Step) -> None:
        if not no_refcount:
            step.add_at("tot_pages", domid, block.pages)
        if redeems:
            redeem(step, rules, domid, block.node, block.pages)

    return cases + owned(call, domid, block, not no_refcount, counted)


def owned(
    call: Call, domid: Term, block: Block, refcounted: bool, counted: Callable[[Step], None] | None = None
) -> list[Case]:
    """The end of assigning: `count_info` is overwritten, and offline marks go with what it was."""
    changes = [] if counted is None else [counted]

    def lost(step: Step) -> None:
        step.add_at("marked_pages", block.node, -block.marked)

    def now(marked: Term) -> Block:
        return Block(block.pages, block.node, ASSIGNED, domid, refcounted, marked)

    def case(name: str, condition: Term, after: Block, *more: Callable[[Step], None]) -> Case:
        moved = [Moved(block.node, block.pages, block, after)]
        return Case(name, condition, OK, call.effect(*changes, *more, moved=moved), block=after)

    if call.rules.keeps_marks:
        return [case("assigned", True, now(block.marked))]
    is_marked = block.marked > 0
    return [
        Case("mark-asserted", all_of([is_marked, call.before.debug_build]), CRASH),
        case("assigned-mark-lost", is_marked, now(0), lost),
        case("assigned", True, now(0)),
    ]
