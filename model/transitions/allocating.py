"""Getting pages: alloc_heap_pages with the redemption of claims, assign_pages, memory_exchange."""

from model.encoding import Vector
from model.logic import Term, all_of, any_of, choose, implies, minimum, negation, same
from model.rules import Redemption, Request, Rules
from model.step import Hint, Step
from model.transitions.ledger import deduct


def request_for(step: Step, rules: Rules, claimant: Term = None, domain: Term = None) -> tuple[Request, Term]:
    """A request of 2^order pages, so 1 or more, and the node at which its search ends: any that qualifies."""
    s, node, pages = step.before, step.node(), step.pages()
    step.guard("at-least-a-page", pages >= 1)
    # MEMF_exact_node: only the requested node is a candidate. Otherwise the choice is free.
    requested = step.named_node("requested_node")
    exact, anywhere = step.flag("exact_node"), step.flag("anywhere")
    step.guard("exact-node", implies(exact, all_of([node == requested, negation(anywhere)])))
    step.guard("block-is-free", pages <= s.node_avail_pages[node])
    request = Request(pages, claimant, domain, requested, exact, anywhere)
    named = all_of([node == request.node, negation(anywhere)])

    def passed_over(other: Term) -> Term:
        refused = any_of([negation(rules.node_permits(s, request, other)), pages > s.node_avail_pages[other]])
        # A node that is looked at where more is claimed than free stops the host.
        return all_of([s.unclaimed_on(other) >= 0, refused]) if rules.bug_on else refused

    def not_before(other: Term) -> Term:
        """For no domain nodes are tried ascending; for a domain, from the one after that of its last allocation."""
        later = all_of([anywhere, other > node]) if domain is None else False
        return any_of([same(other, node), later, passed_over(other)])

    step.of_single_pages.append(lambda _q: any_of([named, anywhere, passed_over(request.node)]))
    step.traced.append(lambda q: any_of([named, q.every_node(not_before)]))
    return request, node


def leave_heap(step: Step, node: Term, pages: Term) -> None:
    """The free counters go down as the block leaves the heap."""
    step.add_at("node_avail_pages", node, -pages)
    step.add("total_avail_pages", -pages)


def refcounted_request(step: Step, rules: Rules, domid: Term) -> tuple[Term, Term]:
    """A request for a domain passes its checks, and the block leaves the heap: the node, and its pages."""
    request, node = request_for(step, rules, domid, domid)
    step.guard("within-limit", rules.limit_permits(step.before, domid, request.pages))
    checks(step, rules, request, node)
    leave_heap(step, node, request.pages)
    return node, request.pages


def alloc_heap_pages(step: Step, rules: Rules) -> None:
    """A refcounted request: host check, node check, and in the same critical section claims are redeemed."""
    s, domid = step.before, step.domain()
    step.guard("domain-exists", s.listed(domid))
    node, pages = refcounted_request(step, rules, domid)
    if not rules.redeems_at_assign:
        redeem(step, rules, domid, node, pages)
    if rules.assigns_at_alloc:
        step.guard("not-dying", negation(s.is_dying[domid]))
        step.guard("assigned-within-limit", s.tot_pages[domid] + pages <= s.max_pages[domid])
        step.add_at("tot_pages", domid, pages)
        step.add_cell("assigned_pages", domid, node, pages)
    else:
        step.add_cell("limbo_pages", domid, node, pages)
    step.allocates = pages


def checks(step: Step, rules: Rules, request: Request, node: Term) -> None:
    """The host check, and the check of the node at which the search ends."""
    s = step.before
    step.guard("host-check", rules.host_permits(step.encoding, s, request))
    step.guard("node-check", rules.node_permits(s, request, node))


def redeem(step: Step, rules: Rules, domid: Term, node: Term, pages: Term) -> Redemption:
    """Claims turn into the pages just taken."""
    redemption = rules.redeem(step.encoding, step.before, domid, node, pages)
    counted = rules.counts_outstanding_on_redeem
    deduct(step, domid, redemption.by_node, redemption.from_global, "redeemed", counted)
    return redemption


def alloc_heap_pages_unowned(step: Step, rules: Rules) -> None:
    """A request for no domain, or with MEMF_no_owner, uses unclaimed pages only."""
    request, node = _unowned_request(step, rules)
    step.add_at("anonymous_pages", node, request.pages)


def exchange_allocate(step: Step, rules: Rules) -> None:
    """memory_exchange, and who allocates extra pages, use MEMF_no_refcount: like a request for no domain."""
    request, node = _unowned_request(step, rules)
    step.add_at("transit_pages", node, request.pages)


def _unowned_request(step: Step, rules: Rules) -> tuple[Request, Term]:
    """A request that is not refcounted: no claimant, but it may be made for a domain."""
    domain = None
    if rules.credits_without_refcount:
        domain = step.domain()
        step.guard("domain-exists", step.before.is_created[domain])
    request, node = request_for(step, rules, None, domain)
    checks(step, rules, request, node)
    leave_heap(step, node, request.pages)
    step.unowned = request.pages
    return request, node


def alloc_heap_pages_refused(step: Step, rules: Rules) -> None:
    """A request that fails the host check, or for which no node qualifies, changes nothing."""
    s, domid = step.before, step.domain()
    pages, requested = step.pages(), step.node("requested_node")
    exact, anywhere = step.flag("exact_node"), step.flag("anywhere")
    request = Request(pages, domid, domid, requested, exact, anywhere)
    step.guard("domain-exists", s.is_created[domid])

    def fails(node: Term) -> Term:
        elsewhere = all_of([exact, node != requested])
        return any_of([elsewhere, negation(rules.node_permits(s, request, node)), pages > s.node_avail_pages[node]])

    permitted = [rules.host_permits(step.encoding, s, request), rules.limit_permits(s, domid, pages)]
    refused = negation(all_of(permitted))
    step.guard_all("not-permitted", lambda q: any_of([refused, q.every_node(fails)]))


def allocation_crashes(step: Step, rules: Rules) -> None:
    """BUG_ON(claims > avail_pages) in the host check of a request, or in the check of a candidate node."""
    s, domid = step.before, step.domain()
    node = step.node()
    request = Request(1, domid, domid, node)
    step.guard("domain-exists", s.listed(domid))
    on_node = all_of([rules.host_permits(step.encoding, s, request), s.unclaimed_on(node) < 0])
    step.guard("claims-exceed-free-pages", any_of([s.unclaimed() < 0, on_node]))


def redemption_crashes(step: Step, rules: Rules) -> None:
    """BUG_ON where claims are redeemed: more is claimed for the domain than the host has counted."""
    s, domid, pages = step.before, step.domain(), step.pages()
    claimed = s.held(domid) if rules.redeems_at_assign else minimum(pages, s.held(domid))
    step.guard("domain-exists", s.is_created[domid])
    step.guard("more-than-counted", claimed > s.outstanding_claims)
    counted(step, domid)


def counted(step: Step, domid: Term) -> None:
    """A hint for proofs: what is claimed for a domain is counted in outstanding_claims."""
    s = step.before
    step.hint(lambda lemmas, _after: lemmas.entry_within_sum(s.global_claims, domid))
    step.hint(lambda lemmas, _after: lemmas.entry_within_sum(s.node_claims, domid))
    step.hint(lambda lemmas, _after: lemmas.entry_within_sum(s.orphaned_claims, domid))


def assign_pages(step: Step, rules: Rules) -> None:
    """The pages of an allocation are counted for their domain, in a critical section of its own."""
    s, domid, node, pages = step.before, step.domain(), step.node(), step.pages()
    tot, limit = s.tot_pages[domid], rules.limit_at_assign(s, domid)
    step.guard("in-limbo", all_of([pages >= 1, pages <= s.limbo_pages[domid, node]]))
    step.guard("not-dying", negation(s.is_dying[domid]), "EINVAL")
    if rules.checks_limit_at_assign:
        step.guard("not-over-limit", tot <= limit, "EPERM")
        step.guard("within-limit", pages <= limit - tot, "E2BIG")
    step.hint(lambda lemmas, _after: lemmas.entry_within_sum(s.limbo_pages.row(domid), node))
    step.add_at("tot_pages", domid, pages)
    step.add_cell("limbo_pages", domid, node, -pages)
    step.add_cell("assigned_pages", domid, node, pages)
    _within_node(step, rules, domid, node)
    _lose_marks(step, node, pages)
    if rules.redeems_at_assign:
        redeem(step, rules, domid, node, pages)


def _within_node(step: Step, rules: Rules, domid: Term, node: Term) -> None:
    """What a domain gets of a node and has of it is no more than there is: claims that grow back may be as many."""
    if rules.frees_restore_claims:
        s = step.before
        for grid in (s.limbo_pages, s.assigned_pages, s.extra_pages):
            step.hint(_entry_within_sum(grid.column(node), domid))


def _entry_within_sum(vector: Vector, index: Term) -> Hint:
    return lambda lemmas, _after: lemmas.entry_within_sum(vector, index)


def _lose_marks(step: Step, node: Term, pages: Term) -> None:
    """Offline marks of the pages, if any has one, go with the old count_info. A debug build asserts that none has."""
    if step.rules.keeps_marks:
        step.arguments["marks"] = 0
        return
    marks = step.pages("marks")
    step.guard("marks-of-these-pages", all_of([marks <= pages, marks <= step.before.marked_pages[node]]))
    step.add_at("marked_pages", node, -marks)


def assign_extra_pages(step: Step, rules: Rules) -> None:
    """Pages allocated with MEMF_no_refcount become a domain's extra pages; where that is when, claims are redeemed."""
    s, domid, node, pages = step.before, step.domain(), step.node(), step.pages()
    step.guard("domain-exists", s.is_created[domid])
    step.guard("in-transit", all_of([pages >= 1, pages <= s.transit_pages[node]]))
    step.guard("not-dying", negation(s.is_dying[domid]), "EINVAL")
    step.add_at("transit_pages", node, -pages)
    step.add_cell("extra_pages", domid, node, pages)
    _within_node(step, rules, domid, node)
    _lose_marks(step, node, pages)
    if rules.redeems_at_assign and rules.extra_pages_redeem:
        redeem(step, rules, domid, node, pages)


def assign_pages_refused(step: Step, rules: Rules) -> None:
    """EINVAL, EPERM or E2BIG: the pages go back; the claims redeemed for them are not restored."""
    s, domid, node, pages = step.before, step.domain(), step.node(), step.pages()
    tot, limit = s.tot_pages[domid], rules.limit_at_assign(s, domid)
    step.guard("in-limbo", all_of([pages >= 1, pages <= s.limbo_pages[domid, node]]))
    over = any_of([tot > limit, pages > limit - tot]) if rules.checks_limit_at_assign else False
    step.guard("refused", any_of([s.is_dying[domid], over]))
    step.hint(lambda lemmas, _after: lemmas.entry_within_sum(s.limbo_pages.row(domid), node))
    step.add_cell("limbo_pages", domid, node, -pages)
    step.add_at("transit_pages", node, pages)


def exchange_steal(step: Step, rules: Rules) -> None:  # noqa: ARG001
    """memory_exchange takes pages off the domain's list; tot_pages keeps counting them."""
    s, domid, node, pages = step.before, step.domain(), step.node(), step.pages()
    step.guard("on-its-list", all_of([pages >= 1, pages <= s.assigned_pages[domid, node]]))
    step.add_cell("assigned_pages", domid, node, -pages)
    step.add_at("transit_pages", node, pages)


def exchange_assign(step: Step, rules: Rules) -> None:
    """memory_exchange puts the new pages on the domain's list, with MEMF_no_refcount: not counted again."""
    s, domid, node, pages = step.before, step.domain(), step.node(), step.pages()
    step.guard("domain-exists", s.is_created[domid])
    step.guard("in-transit", all_of([pages >= 1, pages <= s.transit_pages[node]]))
    step.guard("not-dying", negation(s.is_dying[domid]), "EINVAL")
    step.add_cell("assigned_pages", domid, node, pages)
    step.add_at("transit_pages", node, -pages)
    _within_node(step, rules, domid, node)
    _lose_marks(step, node, pages)


def free_domheap_pages(step: Step, rules: Rules) -> None:
    """Freeing, first critical section: tot_pages goes down, the pages are on their way to the heap."""
    s, domid, node, pages = step.before, step.domain(), step.node(), step.pages()
    step.guard("on-its-list", all_of([pages >= 1, pages <= s.assigned_pages[domid, node]]))
    step.guard("counted", pages <= s.tot_pages[domid])
    step.add_at("tot_pages", domid, -pages)
    step.add_cell("assigned_pages", domid, node, -pages)
    step.add_at("transit_pages", node, pages)
    if rules.frees_restore_claims:
        grow_back(step, domid, pages)


def free_extra_pages(step: Step, rules: Rules) -> None:
    """Freeing a domain's extra pages, first critical section: tot_pages does not count them."""
    s, domid, node, pages = step.before, step.domain(), step.node(), step.pages()
    step.guard("on-its-list", all_of([pages >= 1, pages <= s.extra_pages[domid, node]]))
    step.add_cell("extra_pages", domid, node, -pages)
    step.add_at("transit_pages", node, pages)
    if rules.frees_restore_claims:
        grow_back(step, domid, pages)


def grow_back(step: Step, domid: Term, pages: Term) -> None:
    """A domain that holds a claim gets its freed pages added to it."""
    grown = choose(step.before.global_claims[domid] > 0, pages, 0)
    step.add_at("global_claims", domid, grown)
    step.add("outstanding_claims", grown)
    step.add_at("global_installed", domid, grown)


def free_heap_pages(step: Step, rules: Rules) -> None:  # noqa: ARG001
    """Freeing, second critical section: the pages are free again; no claim grows by it."""
    node, pages = step.node(), step.pages()
    step.guard("in-transit", all_of([pages >= 1, pages <= step.before.transit_pages[node]]))
    step.add_at("transit_pages", node, -pages)
    step.add_at("node_avail_pages", node, pages)
    step.add("total_avail_pages", pages)


def free_anonymous_pages(step: Step, rules: Rules) -> None:  # noqa: ARG001
    """The holder of pages without a domain gives them up; they are on their way to the heap."""
    node, pages = step.node(), step.pages()
    step.guard("in-use", all_of([pages >= 1, pages <= step.before.anonymous_pages[node]]))
    step.add_at("anonymous_pages", node, -pages)
    step.add_at("transit_pages", node, pages)
