"""Plans of the operations on pages: allocating, assigning, freeing, offlining, and the sections of memory_exchange."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import z3

from model.calls import CRASH, FREE, IN_USE, OFFLINED, OK, REFUSED
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
    Setting,
    answered,
    block_kinds,
    on_domain,
)
from .terms import Terms
from .world import World

# -- allocating


def alloc_heap_pages(x: Setting) -> Iterator[Plan]:
    """For every domain and for none, every node asked for or none, exactly or not, refcounted or not."""
    for domid in (*x.domids, None):
        for requested in (None, *x.nodes, x.offline):
            for exact in (False, True):
                for flags in (0, MEMF_no_refcount, MEMF_no_owner) if domid is not None else (0,):
                    yield _alloc(x, domid, requested, flags | (MEMF_exact_node if exact else 0))


def _alloc(x: Setting, domid: int | None, requested: int | None, memflags: int) -> Plan:
    order, known = x.order()

    def act(w: World) -> Outcome:
        domain = None if domid is None else on_domain(w, domid)
        try:
            mfn = page_alloc.alloc_heap_pages(w.host, domain, order, requested, memflags)  # type: ignore[arg-type]  # unknown
        except HypervisorCrash:
            return Outcome(CRASH)
        return Outcome(REFUSED) if mfn is None else Outcome(OK, {"node": mfn // SPAN})

    free = [x.terms.number(f"node_avail_pages[{n}]") for n in x.nodes]

    def arguments(w: World) -> Mapping[str, Any]:
        return {"domid": domid, **requested_pages(x, requested, memflags), **searched(x.terms, w, 0, x.pages, free)}

    return Plan("alloc_heap_pages", request_label(domid, requested, memflags), act, arguments, known, domid=domid)


def requested_pages(x: Setting, requested: int | None, memflags: int) -> dict[str, Any]:
    """A request as the model has it."""
    return {
        "order": x.terms.number("order"),
        "pages": x.pages,
        "requested": requested,
        "exact": memflags & MEMF_exact_node != 0,
        "no_refcount": memflags & MEMF_no_refcount != 0,
        "no_owner": memflags & MEMF_no_owner != 0,
    }


def searched(terms: Terms, w: World, search: int, pages: Any, free: Sequence[Any]) -> dict[str, Any]:
    """What the model's node search is given: of the request of that number. Where the reference crashed, it has none.

    :param free: free pages of every node; a block of more pages than are free is none
    """
    return {
        "candidates": w.searches[search] if search < len(w.searches) else (),
        "has_block": [z3.And(terms.flag(w.free_flag(n, search)), pages <= avail) for n, avail in enumerate(free)],
    }


def request_label(domid: int | None, requested: int | None, memflags: int) -> str:
    """A request in words."""
    words = ["no domain" if domid is None else f"d{domid}"]
    words.append("any node" if requested is None else f"node {requested}")
    names = {MEMF_exact_node: "exactly", MEMF_no_refcount: "no_refcount", MEMF_no_owner: "no_owner"}
    return ", ".join([*words, *(name for flag, name in names.items() if memflags & flag)])


# -- blocks


def _on_block(x: Setting, operation: str, kind: BlockKind, ask: Any, label: str = "", **arguments: Any) -> Plan:
    """A call on a block of that kind; ``ask`` gets the world, the frame and the order."""
    order, known = x.order()

    def act(w: World) -> Outcome:
        mfn = kind.enter(w, order)
        w.begin()
        return answered(lambda: ask(w, mfn, order))

    given = {**arguments, "block": kind.in_model(x.pages)}
    limits = [*known, x.terms.number("order") <= MAX_ORDER, x.pages >= max(kind.marked, 1)]
    return Plan(operation, f"{kind}{label}", act, lambda _w: given, limits, kind.plausible(x.terms, x.pages))


def assign_pages(x: Setting) -> Iterator[Plan]:
    """Blocks of every kind, to every domain."""
    for domid in x.domids:
        for kind in block_kinds(x, sorted({domid, (domid + 1) % x.size.domains})):
            for memflags in (0, MEMF_no_refcount):
                yield _assign(x, domid, kind, memflags)


def _assign(x: Setting, domid: int, kind: BlockKind, memflags: int) -> Plan:
    def ask(w: World, mfn: int, order: Any) -> Any:
        return page_alloc.assign_pages(w.host, mfn, order, on_domain(w, domid), memflags)

    label = f" to d{domid}{', no_refcount' if memflags else ''}"
    return _on_block(x, "assign_pages", kind, ask, label, domid=domid, no_refcount=memflags != 0)


def release_ownership(x: Setting) -> Iterator[Plan]:
    """Blocks of every kind and owner."""
    for kind in block_kinds(x, list(x.domids)):
        yield _on_block(x, "release_ownership", kind, lambda w, mfn, o: page_alloc.release_ownership(w.host, mfn, o))


def free_heap_pages(x: Setting) -> Iterator[Plan]:
    """Blocks of every kind and owner, with none, one or two pages marked offline."""
    for kind in block_kinds(x, list(x.domids), marked=(0, 1, 2)):
        yield _on_block(x, "free_heap_pages", kind, lambda w, mfn, o: page_alloc.free_heap_pages(w.host, mfn, o))


def steal_page(x: Setting) -> Iterator[Plan]:
    """Blocks of every kind, by every domain; and frames that are no extent."""
    for domid in x.domids:
        for kind in block_kinds(x, sorted({domid, (domid + 1) % x.size.domains})):
            yield _steal(x, domid, kind)
        yield _steal_nothing(domid)


def _steal(x: Setting, domid: int, kind: BlockKind) -> Plan:
    def ask(w: World, mfn: int, order: Any) -> Any:
        return None if hypercalls._steal_pages(w.host, on_domain(w, domid), mfn, order) else "EINVAL"

    return _on_block(x, "steal_page", kind, ask, f" by d{domid}", domid=domid)


def _steal_nothing(domid: int) -> Plan:
    def act(w: World) -> Outcome:
        return Outcome(OK if hypercalls._steal_pages(w.host, on_domain(w, domid), 0, 0) else "EINVAL")

    return Plan("steal_page", f"no extent by d{domid}", act, lambda _w: {"domid": domid, "block": None})


def assign_in_exchange(x: Setting) -> Iterator[Plan]:
    """Pages that were stolen or allocated without owner."""
    for domid in x.domids:
        for node in x.nodes:
            yield _assign_stolen(x, domid, BlockKind(node, PageState.ANONYMOUS, None, False))


def _assign_stolen(x: Setting, domid: int, kind: BlockKind) -> Plan:
    def ask(w: World, mfn: int, order: Any) -> Any:
        return hypercalls._assign_in_exchange(w.host, on_domain(w, domid), mfn, order)

    return _on_block(x, "assign_in_exchange", kind, ask, f" to d{domid}", domid=domid)


def drop_tot_pages(x: Setting) -> Iterator[Plan]:
    """Any number of pages."""
    for domid in x.domids:
        yield _drop(x, domid)


def _drop(x: Setting, domid: int) -> Plan:
    pages, known = x.number("pages", U32, 1)

    def act(w: World) -> Outcome:
        return answered(lambda: hypercalls._drop_tot_pages(w.host, on_domain(w, domid), pages))  # type: ignore[arg-type]  # unknown

    return Plan("drop_tot_pages", f"d{domid}", act, lambda _w: {"domid": domid, "pages": x.term(pages)}, known)


def exchange_check(_x: Setting) -> Iterator[Plan]:
    """Orders, numbers of extents, domains."""
    all_orders = ((0, 0), (2, 1), (0, 1), (1, 3), (20, 20), (21, 0), (0, 21))
    for known, extents, orders in product((True, False), range(5), all_orders):
        yield _exchange_check(known, extents, *orders)


def _exchange_check(known: bool, extents: int, in_order: int, out_order: int) -> Plan:
    def act(w: World) -> Outcome:
        frames = [SPAN // 2] * extents  # none is looked at yet

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
    """A page that is free, in use (marked already or not), or offlined."""
    for node in x.nodes:
        yield _page(x, "offline_page", node, FREE, None, False)
        yield _page(x, "offline_page", node, OFFLINED, None, False)
        for state, marked in product((PageState.ASSIGNED, PageState.LIMBO, PageState.ANONYMOUS), (False, True)):
            yield _page(x, "offline_page", node, IN_USE, state, marked)


def online_page(x: Setting) -> Iterator[Plan]:
    """Likewise."""
    for node in x.nodes:
        yield _page(x, "online_page", node, FREE, None, False)
        yield _page(x, "online_page", node, OFFLINED, None, False)
        for marked in (False, True):
            yield _page(x, "online_page", node, IN_USE, PageState.ASSIGNED, marked)


def _page(x: Setting, operation: str, node: int, page: str, state: PageState | None, marked: bool) -> Plan:
    """``state``: of the block of one page that it is, if it is in use."""
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
    return Plan(operation, f"node {node}, {words}", act, lambda _w: given, plausible=known)
