"""Plans for operations on pages: allocating, assigning, freeing, offlining, and the sections of memory_exchange."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import z3

from model.calls import CRASH, FREE, IN_USE, OFFLINED, OK, REFUSED, Script, ScriptOutcome, ScriptSection
from model.named import GENERATIONS
from reference import hypercalls, page_alloc
from reference.constants import MAX_ORDER, MEMF_exact_node, MEMF_no_owner, MEMF_no_refcount
from reference.pages import PageState
from reference.status import HypervisorCrash

from .domains import SPAN
from .plan import (
    U32,
    UNKNOWN,
    BlockKind,
    Outcome,
    Plan,
    PlanDomain,
    PlannedScript,
    Setting,
    Table,
    answered,
    block_kinds,
    no_arguments,
)
from .terms import Terms
from .world import ALL_THERE, MissingDomains, World

# -- allocating


def alloc_heap_pages(x: Setting) -> Iterator[Plan]:
    """With and without a domain; with every requested node and without one; exact or not; refcounted or not.

    For a destroyed domain: an exact node; on hosts with up to two nodes, also any node or a preferred one.
    One plan has miscounted claims, if the generation asserts the count.
    """
    for domid in (*x.domids, None):
        for requested in (None, *x.nodes, x.offline):
            for exact in (False, True):
                for flags in (0, MEMF_no_refcount, MEMF_no_owner) if domid is not None else (0,):
                    yield _alloc(x, PlanDomain(domid), requested, flags | (MEMF_exact_node if exact else 0))
    rules = GENERATIONS[x.semantics].rules
    if rules.bug_on_redeem and not rules.redeems_at_assign:
        yield _uncounted(_alloc(x, PlanDomain(0), 0, MEMF_exact_node))
    gone = x.worked_on[-1]
    exactly = ((0, MEMF_exact_node), (0, MEMF_exact_node | MEMF_no_refcount))
    for requested, flags in (*exactly, (None, 0), (0, 0)) if x.size.nodes <= 2 else exactly:
        yield _alloc(x, gone, requested, flags)


def _uncounted(plan: Plan) -> Plan:
    """The plan with an arbitrary outstanding_claims."""
    return replace(plan, label=f"{plan.label}, claims not counted", domid=None, uncounted=True)


def _alloc(x: Setting, who: PlanDomain, requested: int | None, memflags: int) -> Plan:
    domid = who.domid
    order, known = x.order()

    def act(w: World) -> Outcome:
        domain = None if domid is None else w.domain(domid)
        try:
            mfn = page_alloc.alloc_heap_pages(w.host, domain, order, requested, memflags)  # type: ignore[arg-type]  # unknown
        except HypervisorCrash:
            return Outcome(CRASH)
        return Outcome(REFUSED) if mfn is None else Outcome(OK, {"node": mfn // SPAN})

    free = [x.terms.number(f"node_avail_pages[{n}]") for n in x.nodes]

    def arguments(w: World) -> Mapping[str, Any]:
        return {"domid": domid, **requested_pages(x, requested, memflags), **searched(x.terms, w, 0, x.pages, free)}

    label = request_label(who, requested, memflags)
    return Plan("alloc_heap_pages", label, act, arguments, known, there=who.there, domid=domid)


def requested_pages(x: Setting, requested: int | None, memflags: int) -> dict[str, Any]:
    """The arguments of a request in the model."""
    return {
        "order": x.terms.number("order"),
        "pages": x.pages,
        "requested": requested,
        "exact": memflags & MEMF_exact_node != 0,
        "no_refcount": memflags & MEMF_no_refcount != 0,
        "no_owner": memflags & MEMF_no_owner != 0,
    }


def searched(terms: Terms, w: World, search: int, pages: Any, free: Sequence[Any]) -> dict[str, Any]:
    """The arguments of the model's node search for the request of that number; empty if the reference crashed.

    :param free: free pages of every node, which bound the size of a free block
    """
    return {
        "candidates": w.searches[search] if search < len(w.searches) else (),
        "has_block": [z3.And(terms.flag(w.free_flag(n, search)), pages <= avail) for n, avail in enumerate(free)],
    }


def request_label(who: PlanDomain, requested: int | None, memflags: int) -> str:
    """A request in words."""
    words = ["no domain" if who.domid is None else str(who)]
    words.append("any node" if requested is None else f"node {requested}")
    names = {MEMF_exact_node: "exactly", MEMF_no_refcount: "no_refcount", MEMF_no_owner: "no_owner"}
    return ", ".join([*words, *(name for flag, name in names.items() if memflags & flag)])


# -- blocks


def on_block(
    x: Setting,
    operation: str,
    kind: BlockKind,
    ask: Any,
    label: str = "",
    there: MissingDomains = ALL_THERE,
    **arguments: Any,
) -> Plan:
    """The plan of a call on a block of that kind; ``ask`` receives the world, the frame and the order."""
    order, known = x.order()

    def act(w: World) -> Outcome:
        mfn = kind.enter(w, order)
        w.begin()
        return answered(lambda: ask(w, mfn, order))

    given = {**arguments, "block": kind.in_model(x.pages)}
    limits = [*known, x.terms.number("order") <= MAX_ORDER, x.pages >= max(kind.marked, 1)]
    plausible = kind.plausible(x.terms, x.pages)
    return Plan(operation, f"{kind}{label}", act, lambda _w: given, limits, plausible, there)


def assign_pages(x: Setting) -> Iterator[Plan]:
    """Blocks of every kind, to every domain; assignable blocks also with marked pages, or to a destroyed domain.

    One plan has miscounted claims, if the generation asserts the count.
    """
    for domid in x.domids:
        for kind in (*block_kinds(x, [domid]), *_of_another(x, domid)):
            for memflags in (0, MEMF_no_refcount):
                yield _assign(x, PlanDomain(domid), kind, memflags)
    gone = x.worked_on[-1]
    for node, refcounted in product(x.nodes, (True, False)):
        memflags = 0 if refcounted else MEMF_no_refcount
        for who, marked in (*product(map(PlanDomain, x.domids), (1, 2)), (gone, 0)):
            yield _assign(x, who, BlockKind(node, PageState.LIMBO, who.domid, refcounted, marked), memflags)
        rules = GENERATIONS[x.semantics].rules
        if node == 0 and rules.bug_on_redeem and rules.redeems_at_assign:
            kind = BlockKind(node, PageState.LIMBO, 0, refcounted)
            yield _uncounted(_assign(x, PlanDomain(0), kind, memflags))


def _of_another(x: Setting, domid: int) -> Iterator[BlockKind]:
    """Blocks of the next domain, on the first node."""
    other = (domid + 1) % x.size.domains
    if other != domid:
        for state, refcounted in product((PageState.ASSIGNED, PageState.LIMBO), (True, False)):
            yield BlockKind(0, state, other, refcounted)


def _assign(x: Setting, who: PlanDomain, kind: BlockKind, memflags: int) -> Plan:
    domid = who.domain_id

    def ask(w: World, mfn: int, order: Any) -> Any:
        return page_alloc.assign_pages(w.host, mfn, order, w.domain(domid), memflags)

    label = f" to {who}{', no_refcount' if memflags else ''}"
    return on_block(x, "assign_pages", kind, ask, label, who.there, domid=domid, no_refcount=memflags != 0)


def release_ownership(x: Setting) -> Iterator[Plan]:
    """Blocks of every kind and owner."""
    for kind in block_kinds(x, list(x.domids)):
        yield on_block(x, "release_ownership", kind, _released)


def _released(w: World, mfn: int, order: Any) -> None:
    page_alloc.release_ownership(w.host, mfn, order)  # last_frees tells whether they were the last pages


def free_heap_pages(x: Setting) -> Iterator[Plan]:
    """Blocks of every kind and owner, with 0 to 2 pages marked offline; in limbo for a destroyed domain."""
    for kind in block_kinds(x, list(x.domids), marked=(0, 1, 2)):
        yield _free(x, kind, ALL_THERE)
    gone = x.worked_on[-1]
    for node, marked in product(x.nodes, (0, 1)):
        yield _free(x, BlockKind(node, PageState.LIMBO, gone.domid, True, marked), gone.there)


def _free(x: Setting, kind: BlockKind, there: MissingDomains) -> Plan:
    def ask(w: World, mfn: int, order: Any) -> None:
        page_alloc.free_heap_pages(w.host, mfn, order)

    return on_block(x, "free_heap_pages", kind, ask, "" if there is ALL_THERE else " (destroyed)", there)


def steal_page(x: Setting) -> Iterator[Plan]:
    """Blocks of every kind, by every domain; and frames that do not form an extent."""
    for domid in x.domids:
        for kind in (*block_kinds(x, [domid]), *_of_another(x, domid)):
            yield _steal(x, domid, kind)
        yield _steal_nothing(domid)


def _steal(x: Setting, domid: int, kind: BlockKind) -> Plan:
    def ask(w: World, mfn: int, order: Any) -> Any:
        return None if hypercalls._steal_pages(w.host, w.domain(domid), mfn, order) else "EINVAL"

    return on_block(x, "steal_page", kind, ask, f" by d{domid}", domid=domid)


def _steal_nothing(domid: int) -> Plan:
    def act(w: World) -> Outcome:
        return Outcome(OK if hypercalls._steal_pages(w.host, w.domain(domid), 0, 0) else "EINVAL")

    return Plan("steal_page", f"no extent by d{domid}", act, lambda _w: {"domid": domid, "block": None})


def assign_in_exchange(x: Setting) -> Iterator[Plan]:
    """Pages that were stolen or allocated without owner, some marked; and blocks that were not."""
    for domid in x.domids:
        for node in x.nodes:
            for marked in (0, 1, 2):
                yield _assign_stolen(x, PlanDomain(domid), BlockKind(node, PageState.ANONYMOUS, None, False, marked))
        yield _assign_stolen(x, PlanDomain(domid), BlockKind(0, PageState.ASSIGNED, domid, True))
    yield _assign_stolen(x, x.worked_on[-1], BlockKind(0, PageState.ANONYMOUS, None, False))


def _assign_stolen(x: Setting, who: PlanDomain, kind: BlockKind) -> Plan:
    domid = who.domain_id

    def ask(w: World, mfn: int, order: Any) -> Any:
        return hypercalls._assign_in_exchange(w.host, w.domain(domid), mfn, order)

    return on_block(x, "assign_in_exchange", kind, ask, f" to {who}", who.there, domid=domid)


def drop_tot_pages(x: Setting) -> Iterator[Plan]:
    """Any number of pages. After the last one a dead domain is put, in the same section."""
    for domid in x.domids:
        yield _drop(x, domid)


def _drop(x: Setting, domid: int) -> Plan:
    pages, known = x.number("pages", U32, 1)

    def act(w: World) -> Outcome:
        return answered(lambda: hypercalls._drop_tot_pages(w.host, w.domain(domid), pages))  # type: ignore[arg-type]  # unknown

    def script(_t: Table) -> Script:
        yield ScriptSection("drop_tot_pages", {"domid": domid, "pages": x.term(pages)})
        yield ScriptSection("put_domain", {"domid": domid, "freed": False})
        return ScriptOutcome(OK)

    return Plan("drop_tot_pages", f"d{domid}", act, no_arguments, known, script=PlannedScript(script))


def exchange_check(_x: Setting) -> Iterator[Plan]:
    """Orders, numbers of extents, domains."""
    all_orders = ((0, 0), (2, 1), (0, 1), (1, 3), (20, 20), (21, 0), (0, 21))
    for known, extents, orders in product((True, False), range(5), all_orders):
        yield _exchange_check(known, extents, *orders)


def _exchange_check(known: bool, extents: int, in_order: int, out_order: int) -> Plan:
    def act(w: World) -> Outcome:
        frames = [SPAN // 2] * extents  # frames are not read yet

        def result() -> Any:
            steps = hypercalls.memory_exchange(w.host, 0 if known else UNKNOWN, frames, in_order, out_order)
            try:
                next(steps)
            except StopIteration as end:
                return end.value.status
            return None

        return answered(result)

    given = {"known": known, "extents": extents, "in_order": in_order, "out_order": out_order}
    label = f"{'d0' if known else 'unknown domain'}, {extents} extents, orders {in_order} and {out_order}"
    return Plan("exchange_check", label, act, lambda _w: given)


# -- single pages


def offline_page(x: Setting) -> Iterator[Plan]:
    """A page that is free, in use (marked or not) or offlined; and a free page after a domain was destroyed."""
    for node in x.nodes:
        yield _page(x, "offline_page", node, FREE, None, False)
        yield _page(x, "offline_page", node, FREE, None, False, x.worked_on[-1].there)
        yield _page(x, "offline_page", node, OFFLINED, None, False)
        for state, marked in product((PageState.ASSIGNED, PageState.LIMBO, PageState.ANONYMOUS), (False, True)):
            yield _page(x, "offline_page", node, IN_USE, state, marked)


def online_page(x: Setting) -> Iterator[Plan]:
    """The same pages as for `offline_page`."""
    for node in x.nodes:
        yield _page(x, "online_page", node, FREE, None, False)
        yield _page(x, "online_page", node, OFFLINED, None, False)
        for marked in (False, True):
            yield _page(x, "online_page", node, IN_USE, PageState.ASSIGNED, marked)


def _page(
    x: Setting,
    operation: str,
    node: int,
    page: str,
    state: PageState | None,
    marked: bool,
    there: MissingDomains = ALL_THERE,
) -> Plan:
    """``state``: the state of the page's block; None: the page is not in use."""
    owner = None if state is PageState.ANONYMOUS else 0
    kind = None if state is None else BlockKind(node, state, owner, owner is not None, int(marked))

    def act(w: World) -> Outcome:
        mfn = node * SPAN + 5 if kind is None else kind.enter(w, 0)
        if page == OFFLINED:
            w.host.pages.set_offlined(mfn)
        w.begin()
        of_reference = page_alloc.offline_page if operation == "offline_page" else page_alloc.online_page
        return answered(lambda: of_reference(w.host, mfn))

    given: dict[str, Any] = {"node": node, "page": page, "marked": marked}
    if operation == "offline_page":
        given["assigned"] = state is PageState.ASSIGNED
    known = [] if kind is None else kind.plausible(x.terms, 1)
    name = {FREE: "node_avail_pages", OFFLINED: "offlined_pages"}.get(page)
    if name is not None:
        known = [x.terms.number(f"{name}[{node}]") >= 1]
    words = page if state is None else f"{page} ({state.value}){', marked' if marked else ''}"
    gone = "" if there is ALL_THERE else f", d{there.destroyed} destroyed"
    return Plan(operation, f"node {node}, {words}{gone}", act, lambda _w: given, plausible=known, there=there)
