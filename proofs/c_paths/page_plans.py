"""Plans of operations on pages: allocating, assigning, freeing, taking offline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from model.calls import FREE, IN_USE, OFFLINED, SCRIPTS, Block, Script
from proofs.diff.numbers import unknown
from proofs.diff.pages import searched
from proofs.diff.plan import Outcome, Plan, Table

from .operations import SPAN
from .setting import MAX_ORDER, CSetting, plan_of, scripted
from .world import CWorld

_ORDERS = (0, 9, MAX_ORDER)
"""The orders of blocks that are freed whole."""
_NO_MARKS = {"marked": 0}


def frame_on(node: int) -> int:
    """The first frame of a block that an operation names."""
    return node * SPAN + (1 << 30)


# -- allocating


def alloc_heap_pages(x: CSetting) -> Iterator[Plan]:
    """For every domain and for none, from every node and from any, exactly there or not, with all flags."""
    for domid, requested, exact, flags in _requests(x):
        yield _alloc(x, domid, requested, exact, flags)


def alloc_domheap_pages(x: CSetting) -> Iterator[Plan]:
    """The same requests; the pages are then assigned."""
    for domid, requested, exact, flags in _requests(x):
        yield _alloc_and_assign(x, domid, requested, exact, flags)


_Flags = Mapping[str, int]


def _requests(x: CSetting) -> Iterator[tuple[int | None, int | None, bool, _Flags]]:
    refcounted = {"no_refcount": 0, "no_owner": 0}
    of_domain = (refcounted, refcounted | {"no_refcount": 1}, refcounted | {"no_owner": 1})
    for domid in (*x.domids, None):
        for requested in (None, *x.nodes, x.offline):
            for exact in (False, True):
                for flags in of_domain if domid is not None else (refcounted,):
                    yield domid, requested, exact, flags


def _label(domid: int | None, requested: int | None, exact: bool, flags: _Flags) -> str:
    words = ["no domain" if domid is None else f"d{domid}"]
    words.append("any node" if requested is None else f"node {requested}")
    return ", ".join([*words, *(["exactly"] if exact else []), *(name for name, on in flags.items() if on)])


def _called(operation: str, domid: int | None, requested: int | None, exact: bool, flags: _Flags) -> Any:
    def act(w: CWorld) -> Outcome:
        node = -1 if requested is None else requested
        given = {"order": unknown("order"), "requested": node, "exact": int(exact), **flags}
        outcome = w.call(operation, domid, given)
        w.search(domid, requested, exact)
        return outcome

    return act


def _request(x: CSetting, domid: int | None, requested: int | None, exact: bool, flags: _Flags) -> dict[str, Any]:
    number, pages = x.terms.number("order"), x.terms.number("pages")
    given = {"domid": domid, "order": number, "pages": pages, "requested": requested, "exact": exact}
    return given | {name: on != 0 for name, on in flags.items()}


def _alloc(x: CSetting, domid: int | None, requested: int | None, exact: bool, flags: _Flags) -> Plan:
    _, _, known = x.power()
    request = _request(x, domid, requested, exact, flags)
    free = [x.terms.number(f"node_avail_pages[{n}]") for n in x.nodes]
    act = _called("alloc_heap_pages", domid, requested, exact, flags)
    plan = plan_of("alloc_heap_pages", _label(domid, requested, exact, flags), act, known, domid, {})

    def arguments(w: Any) -> Mapping[str, Any]:
        return request | searched(x.terms, w, 0, x.terms.number("pages"), free)

    return Plan(plan.operation, plan.label, plan.act, arguments, known, domid=domid)


def _alloc_and_assign(x: CSetting, domid: int | None, requested: int | None, exact: bool, flags: _Flags) -> Plan:
    _, _, known = x.power()
    request = _request(x, domid, requested, exact, flags)
    act = _called("alloc_domheap_pages", domid, requested, exact, flags)

    def script(_t: Table) -> Script:
        return SCRIPTS["alloc_domheap_pages"](**request)

    return scripted("alloc_domheap_pages", _label(domid, requested, exact, flags), act, known, script, domid)


# -- assigning and freeing


def assign_pages(x: CSetting) -> Iterator[Plan]:
    """Pages in limbo for every domain, refcounted or not."""
    for domid, no_refcount in product(x.domids, (0, 1)):
        yield _assign(x, domid, no_refcount)


def _assign(x: CSetting, domid: int, no_refcount: int) -> Plan:
    _, _, known = x.power()
    pages, few = x.terms.number("pages"), x.terms.number("order") <= MAX_ORDER
    block = Block(pages, 0, "limbo", domid, not no_refcount)
    given = {"order": unknown("order"), "no_refcount": no_refcount}

    def act(w: CWorld) -> Outcome:
        return w.call("assign_pages", domid, given)

    label = f"d{domid}{', no_refcount' if no_refcount else ''}"
    modelled = {"domid": domid, "block": block, "no_refcount": no_refcount != 0}
    return plan_of("assign_pages", label, act, [*known, few], domid, modelled)


def free_heap_pages(x: CSetting) -> Iterator[Plan]:
    """Pages of any order on every node; a page, or the second page of two, marked offline."""
    for node in x.nodes:
        _, _, known = x.power()
        few = [*known, x.terms.number("order") <= MAX_ORDER]
        yield _free(f"node {node}", unknown("order"), Block(x.terms.number("pages"), node, "limbo"), few)
        for order in (0, 1):
            block = Block(1 << order, node, "limbo", marked=1)
            yield _free(f"node {node}, order {order}, 1 marked", order, block, [])


def _free(label: str, order: Any, block: Block, known: list[Any]) -> Plan:
    marked = int(block.marked)

    def act(w: CWorld) -> Outcome:
        w.flags[0] = 1
        return w.call("free_heap_pages", None, {"order": order, "mfn": frame_on(block.node), "marked": marked})

    return plan_of("free_heap_pages", label, act, known, None, {"block": block})


def free_domheap_pages(x: CSetting) -> Iterator[Plan]:
    """Blocks of three orders on every node, of every domain, refcounted or not."""
    for domid, node, order, refcounted in product(x.domids, x.nodes, _ORDERS, (1, 0)):
        yield _free_owned(x, domid, node, order, refcounted)


def _free_owned(x: CSetting, domid: int, node: int, order: int, refcounted: int) -> Plan:
    block = Block(1 << order, node, "assigned", domid, refcounted != 0)
    given = {"order": order, "mfn": frame_on(node), "refcounted": refcounted}
    owned = [x.terms.number(f"tot_pages[{domid}]") >= (1 << order if refcounted else 0)]
    owned.append(x.terms.flag(f"is_dead[{domid}]") == False)  # noqa: E712  # a formula

    def act(w: CWorld) -> Outcome:
        return w.call("free_domheap_pages", domid, given)

    def script(_t: Table) -> Script:
        return SCRIPTS["free_domheap_pages"](block)

    label = f"d{domid}, node {node}, order {order}{'' if refcounted else ', uncounted'}"
    return scripted("free_domheap_pages", label, act, owned, script, domid)


# -- taking offline


def offline_page(x: CSetting) -> Iterator[Plan]:
    """A page of every node that is free, offline, or in use, by a domain or by none, marked or not."""
    for node in x.nodes:
        yield _offline(x, node, FREE, 0, 0)
        yield _offline(x, node, OFFLINED, 0, 0)
        for owned, marked in product((1, 0), (0, 1)):
            yield _offline(x, node, IN_USE, owned, marked)


def _offline(x: CSetting, node: int, page: str, owned: int, marked: int) -> Plan:
    given = {"mfn": frame_on(node), "in_use": int(page == IN_USE), "is_owned": owned, "is_marked": marked}
    there = [x.terms.number(f"node_avail_pages[{node}]") >= 1] if page == FREE else []

    def act(w: CWorld) -> Outcome:
        w.flags[0] = int(page == FREE)
        return w.call("offline_page", 0, given)

    words = f"node {node}, {page}{', owned' if owned else ''}{', marked' if marked else ''}"
    modelled = {"node": node, "page": page, "assigned": owned != 0, "marked": marked != 0}
    return plan_of("offline_page", words, act, there, None, modelled)
