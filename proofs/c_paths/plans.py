"""Plans: which operations are called, on which domain, with which arguments unknown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from model.calls import SCRIPTS, Entry, Script
from proofs.diff.plan import U32, U64, Outcome, Plan, Table

from . import page_plans as pages
from .setting import CSetting, plan_of, scripted
from .world import CWorld


def _entries(x: CSetting, number: int) -> tuple[list[dict[str, Any]], list[Entry], list[Any]]:
    in_c, modelled, known = [], [], []
    for index in range(number):
        parts: dict[str, Any] = {}
        for name, most in (("pages", U64), ("target", U32), ("pad", U32)):
            parts[name], limits = x.number(f"entry[{index}].{name}", most)
            known += limits
        in_c.append(parts)
        modelled.append(Entry(*(x.term(part) for part in parts.values())))
    return in_c, modelled, known


def install_claim_set(x: CSetting) -> Iterator[Plan]:
    """Sets of 0 entries to two more than nodes, of every domain."""
    for domid in x.domids:
        for number in range(x.size.nodes + 3):
            yield _install(x, "install_claim_set", domid, number, {})


def _install(x: CSetting, operation: str, domid: int, number: int, more: Mapping[str, Any]) -> Plan:
    entries, modelled, known = _entries(x, number)

    def act(w: CWorld) -> Outcome:
        w.set_entries(entries)
        return w.call(operation, domid, {"count": number, **more})

    given = {"domid": domid, "entries": modelled, **{name: x.term(value) for name, value in more.items()}}
    return plan_of(operation, f"d{domid}, {number} entries", act, known, domid, given)


def claim_memory(x: CSetting) -> Iterator[Plan]:
    """The hypercall with 0 entries to two more than nodes, and with one entry 66 times."""
    for domid in x.domids:
        for number in range(x.size.nodes + 3):
            pad, known = x.number("pad", U32)
            plan = _install(x, "claim_memory", domid, number, {"pad": pad})
            plan.known.extend(known)
            yield plan


def set_outstanding_pages(x: CSetting) -> Iterator[Plan]:
    """Any number of pages, for every domain."""
    for domid in x.domids:
        pages, known = x.number("pages", U64)
        yield _simple("set_outstanding_pages", domid, {"pages": pages}, x, known)


def _simple(operation: str, domid: int, arguments: Mapping[str, Any], x: CSetting, known: list[Any]) -> Plan:
    def act(w: CWorld) -> Outcome:
        return w.call(operation, domid, arguments)

    given = {"domid": domid, **{name: x.term(value) for name, value in arguments.items()}}
    return plan_of(operation, f"d{domid}", act, known, domid, given)


def set_max_pages(x: CSetting) -> Iterator[Plan]:
    """Any limit, for every domain."""
    for domid in x.domids:
        pages, known = x.number("max_pages", U32)
        yield _simple("set_max_pages", domid, {"max_pages": pages}, x, known)


def release_all_claims(x: CSetting) -> Iterator[Plan]:
    """For every domain."""
    for domid in x.domids:
        yield _simple("release_all_claims", domid, {}, x, [])


def domain_kill(x: CSetting) -> Iterator[Plan]:
    """For every domain."""
    for domid in x.domids:
        yield _killed(domid)


def _killed(domid: int) -> Plan:
    def script(_t: Table) -> Script:
        return SCRIPTS["domain_kill"](domid)

    return scripted("domain_kill", f"d{domid}", lambda w: w.call("domain_kill", domid, {}), [], script, domid)


def claim_pages(x: CSetting) -> Iterator[Plan]:
    """XENMEM_claim_pages, for every domain."""
    for domid in x.domids:
        yield _legacy(x, domid)


def _legacy(x: CSetting, domid: int) -> Plan:
    given: dict[str, Any] = {}
    known: list[Any] = []
    for name, most in (("pages", U64), ("extent_order", U32), ("mem_flags", U32)):
        given[name], limits = x.number(name, most)
        known += limits

    def script(_t: Table) -> Script:
        pages, order, flags = (x.term(value) for value in given.values())
        return SCRIPTS["claim_pages"](domid, pages, extent_order=order, mem_flags=flags)

    return scripted("claim_pages", f"d{domid}", lambda w: w.call("claim_pages", domid, given), known, script, domid)


PLANS: dict[str, Callable[[CSetting], Iterator[Plan]]] = {
    plans.__name__: plans
    for plans in (
        install_claim_set,
        claim_memory,
        set_outstanding_pages,
        claim_pages,
        release_all_claims,
        domain_kill,
        set_max_pages,
        pages.alloc_heap_pages,
        pages.alloc_domheap_pages,
        pages.assign_pages,
        pages.free_heap_pages,
        pages.free_domheap_pages,
        pages.offline_page,
    )
}
