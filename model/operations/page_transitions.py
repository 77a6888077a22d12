"""The transitions that move pages: which caller leads to which section, and to which of its ends."""

from __future__ import annotations

from dataclasses import replace

from model.encoding import Quantifiers
from model.logic import Term, all_of, any_of, implies, negation, same
from model.operations.allocating import alloc_heap_pages as allocate
from model.operations.allocating import assign_pages as assign
from model.operations.blocks import ANONYMOUS, ASSIGNED, LIMBO, TRANSIT, Block
from model.operations.derived import accepts, crash, passed_over, refuses
from model.operations.exchanging import assign_in_exchange, steal_page
from model.operations.exchanging import drop_tot_pages as drop
from model.operations.freeing import FREE, IN_USE, OFFLINED, give_up, release_ownership
from model.operations.freeing import free_heap_pages as free
from model.operations.freeing import offline_page as offline
from model.operations.freeing import online_page as online
from model.operations.ledger import counted, within_sum
from model.operations.section import Search
from model.operations.stashing import SMALLEST
from model.operations.stashing import free_stash as free_stashed
from model.operations.stepped import Eligible, StepSection
from model.rules import Request, Rules
from model.step import Step

# -- alloc_heap_pages


def _request(x: StepSection, claimant: Term, domain: Term) -> tuple[Request, Eligible]:
    """A request of 2^order pages, and the nodes that it allows: with MEMF_exact_node only the requested one."""
    pages, requested = x.block_pages(), x.named_node("requested_node")
    exact, anywhere = x.flag("exact_node"), x.flag("anywhere")
    request = Request(pages, claimant, domain, requested, exact, anywhere)
    return request, lambda node: implies(exact, all_of([same(node, requested), negation(anywhere)]))


def _allocates(x: StepSection, claimant: Term, domain: Term, state: str) -> Request:
    node = x.node()
    request, eligible = _request(x, claimant, domain)
    block = Block(request.pages, node, state, domain, claimant is not None)
    allocate(x, request, False, block, eligible)
    x.changes.append(lambda step: _traced(x, step, request, node))
    return request


def _traced(x: StepSection, step: Step, request: Request, node: Term) -> None:
    """The conditions on a step in a trace: the model leaves the order of the search open."""
    (search,) = [record for record in x.records if isinstance(record, Search)]
    named = all_of([same(node, request.node), negation(request.anywhere)])

    def not_before(other: Term, q: Quantifiers) -> Term:
        """Without a domain nodes are tried in ascending order; with one, from the node after its last allocation's."""
        later = all_of([request.anywhere, other > node]) if request.domain is None else False
        return any_of([same(other, node), later, passed_over(search, other, q)])

    step.of_single_pages.append(lambda q: any_of([named, request.anywhere, passed_over(search, request.node, q)]))
    step.traced.append(lambda q: any_of([named, q.every_node(lambda other: not_before(other, q))]))


@accepts("allocated")
def alloc_heap_pages(x: StepSection) -> None:
    """A refcounted request: host check, node check, and in the same critical section claims are redeemed."""
    domid = x.domain()
    x.premise("domain-exists", x.s.listed(domid))
    request = _allocates(x, domid, domid, LIMBO)
    x.changes.append(lambda step: setattr(step, "allocates", request.pages))


@accepts("allocated")
def alloc_for_destroyed(x: StepSection) -> None:
    """populate_physmap continues: a refcounted request, which may redeem the destroyed domain's claims."""
    domid = x.domain()
    x.premise("destroyed", x.s.is_destroyed[domid])
    x.of_destroyed = True
    request = _allocates(x, domid, domid, LIMBO)
    x.changes.append(lambda step: setattr(step, "allocates", request.pages))


@accepts("allocated")
def alloc_heap_pages_unowned(x: StepSection) -> None:
    """A request for no domain, or with MEMF_no_owner, uses unclaimed pages only."""
    _unowned(x, ANONYMOUS)


@accepts("allocated")
def exchange_allocate(x: StepSection) -> None:
    """memory_exchange and callers that allocate extra pages use MEMF_no_refcount: as a request for no domain."""
    _unowned(x, TRANSIT)


def _unowned(x: StepSection, state: str) -> None:
    """A request that is not refcounted: it has no claimant, but may name a domain."""
    domain = None
    if x.rules.credits_without_refcount:
        domain = x.domain()
        x.premise("domain-exists", x.s.is_created[domain])
    request = _allocates(x, None, domain, state)
    x.changes.append(lambda step: setattr(step, "unowned", request.pages))


@refuses
def alloc_heap_pages_refused(x: StepSection) -> None:
    """A request that fails the host check, or for which no node qualifies, changes nothing."""
    domid = x.domain()
    x.premise("domain-exists", x.s.is_created[domid])
    request, eligible = _request(x, domid, domid)
    x.premise("exact-names-a-node", negation(all_of([request.exact, request.anywhere])))
    x.changes.append(lambda step: setattr(step, "place", request.node))
    allocate(x, request, False, Block(request.pages, None, LIMBO, domid, True), eligible)


def allocation_crashes(step: Step, rules: Rules) -> None:
    """BUG_ON(claims > avail_pages) in the host check of a request, or in the check of a candidate node."""
    domid, node = step.domain(), step.node()
    x = StepSection(step, rules)
    request = Request(1, domid, domid, node)
    allocate(x, request, False, Block(1, None, LIMBO, domid, True), lambda other: same(other, node))
    step.guard("domain-exists", step.before.listed(domid))
    step.guard_all("claims-exceed-free-pages", lambda q: crash(x, q))


def redemption_crashes(step: Step, rules: Rules) -> None:
    """BUG_ON where claims are redeemed: the domain's claims exceed the host's counter."""
    s, domid, pages = step.before, step.domain(), step.pages()
    step.guard("domain-exists", s.is_created[domid])
    step.guard("more-than-counted", rules.redeems_beyond_counted(s, domid, pages))
    counted(step, domid)


# -- assign_pages, and the sections of memory_exchange


def _block(
    x: StepSection, premise: str, state: str, owner: Term = None, refcounted: bool = False, marks: bool = False
) -> Block:
    """Pages of a class; some of them may be marked offline."""
    node, pages = x.node(), x.block_pages()
    marked: Term = 0
    if marks and x.rules.keeps_marks:
        x.step.arguments["marks"] = 0
    elif marks:
        marked = x.pages("marks")
        x.premise("marks-of-these-pages", all_of([marked <= pages, marked <= x.s.marked_pages[node]]))
    block = Block(pages, node, state, owner, refcounted, marked)
    x.premise(premise, pages <= x.pages_like(block))
    return block


@accepts("assigned-mark-lost", "assigned")
def assign_pages(x: StepSection) -> None:
    """The pages of an allocation are counted for their domain, in a critical section of its own."""
    domid = x.domain()
    assign(x, domid, _block(x, "in-limbo", LIMBO, domid, refcounted=True, marks=True))


@refuses
def assign_pages_refused(x: StepSection) -> None:
    """EINVAL, EPERM or E2BIG: the pages return to the heap; the claims redeemed for them are not restored."""
    domid = x.domain()
    block = _block(x, "in-limbo", LIMBO, domid, refcounted=True)
    assign(x, domid, block)
    x.on_refusal.append(lambda step: step.hint(within_sum(x.s.limbo_pages.row(domid), block.node)))
    x.on_refusal.append(lambda step: x.move(step, block, replace(block, state=TRANSIT)))


@accepts("assigned-mark-lost", "assigned")
def assign_extra_pages(x: StepSection) -> None:
    """Pages allocated with MEMF_no_refcount become a domain's extra pages; in some generations they redeem claims."""
    domid = x.domain()
    x.premise("domain-exists", x.s.is_created[domid])
    assign(x, domid, _block(x, "in-transit", LIMBO, domid, marks=True), no_refcount=True)


@accepts("stolen")
def exchange_steal(x: StepSection) -> None:
    """memory_exchange takes pages off the domain's list; tot_pages keeps counting them."""
    domid = x.domain()
    block = _block(x, "on-its-list", ASSIGNED, domid, refcounted=True)
    x.changes.append(lambda step: _owes(step, domid, block.pages, block.node))
    steal_page(x, domid, block)


@accepts("assigned-mark-lost", "assigned")
def exchange_assign(x: StepSection) -> None:
    """memory_exchange puts the new pages on the domain's list, with MEMF_no_refcount: not counted again."""
    domid = x.domain()
    block = _block(x, "in-transit", TRANSIT, marks=True)
    x.premise("owed", block.pages <= x.s.owed_pages[domid])
    x.changes.append(lambda step: _owes(step, domid, -block.pages, block.node))
    assign_in_exchange(x, domid, block)


@accepts("dropped")
def drop_tot_pages(x: StepSection) -> None:
    """memory_exchange: tot_pages no longer counts pages that a dying domain does not get back."""
    domid, pages = x.domain(), x.block_pages()
    x.premise("owed", pages <= x.s.owed_pages[domid])
    x.premise("dying", x.s.is_dying[domid])
    x.changes.append(lambda step: _owes(step, domid, -pages, 0))
    drop(x, domid, pages)


def _owes(step: Step, domid: Term, more: Term, node: Term) -> None:
    """memory_exchange owes the domain `more` further pages; tot_pages counts them and those on the domain's list."""
    step.add_at("owed_pages", domid, more)
    step.hint(within_sum(step.before.assigned_pages.row(domid), node))


# -- freeing


@accepts("released-last", "released")
def free_domheap_pages(x: StepSection) -> None:
    """Freeing, first critical section: tot_pages goes down, the pages are on their way to the heap."""
    domid = x.domain()
    block = _block(x, "on-its-list", ASSIGNED, domid, refcounted=True)
    x.changes.append(lambda step: step.hint(within_sum(x.s.assigned_pages.row(domid), block.node)))
    release_ownership(x, block)


@accepts("released-last", "released")
def free_extra_pages(x: StepSection) -> None:
    """Freeing a domain's extra pages, first critical section: tot_pages does not count them."""
    release_ownership(x, _block(x, "on-its-list", ASSIGNED, x.domain()))


@accepts("freed")
def free_heap_pages(x: StepSection) -> None:
    """Freeing, second critical section: the pages are free again; no claim grows."""
    free(x, _block(x, "in-transit", TRANSIT))


@accepts("given-up")
def free_anonymous_pages(x: StepSection) -> None:
    """The holder of pages without a domain frees them; they are on their way to the heap."""
    block = _block(x, "in-use", ANONYMOUS)
    give_up(x, block, replace(block, state=TRANSIT))


@accepts("freed")
def free_stash(x: StepSection) -> None:
    """Frees a stashed extent: it does not match the request, is a second one, or its domain is unpaused or killed."""
    domid = x.domain()
    block = _block(x, "in-limbo", LIMBO, domid, refcounted=True)
    x.premise("was-preempted", block.pages >= SMALLEST)
    _stash_is_freed(x, domid)
    free_stashed(x, domid, block)


def _stash_is_freed(x: StepSection, domid: Term) -> None:
    if x.rules.keeps_stash:
        x.premise("dying", x.s.is_dying[domid])


# -- pages going out of use, and coming back


@accepts("offlined")
def offline_page(x: StepSection) -> None:
    """A free page leaves the heap at once, and claims are recalled for it."""
    node = x.node()
    x.premise("page-is-free", x.s.node_avail_pages[node] >= 1)
    offline(x, node, FREE)


@accepts("marked")
def mark_page_offline(x: StepSection) -> None:
    """A page in use is only marked: nothing changes until it is freed."""
    s, node = x.s, x.node()
    in_use = s.installed_pages[node] - s.node_avail_pages[node] - s.offlined_pages[node]
    x.premise("page-in-use", s.marked_pages[node] < in_use)
    offline(x, node, IN_USE)


@accepts("freed-and-offlined")
def free_marked_page(x: StepSection) -> None:
    """Freeing a marked page: into the heap and out of it in one critical section, with the same recall."""
    _free_marked(x, "in-transit", Block(1, x.node(), TRANSIT, marked=1))


@accepts("freed-and-offlined")
def free_marked_stash_page(x: StepSection) -> None:
    """A marked page of a stashed extent that is freed goes offline at once, with the same recall."""
    domid = x.domain()
    x.changes.append(lambda step: setattr(step, "actor", None))  # claims of any domain are recalled
    _stash_is_freed(x, domid)
    _free_marked(x, "in-limbo", Block(1, x.node(), LIMBO, domid, refcounted=True, marked=1))


def _free_marked(x: StepSection, premise: str, page: Block) -> None:
    x.premise(premise, x.pages_like(page) >= 1)
    x.premise("is-marked", x.s.marked_pages[page.node] >= 1)
    free(x, page)


@accepts("onlined")
def online_page(x: StepSection) -> None:
    """An offlined page returns to the heap."""
    node = x.node()
    x.premise("is-offlined", x.s.offlined_pages[node] >= 1)
    online(x, node, OFFLINED)
