"""Plans for the sections that handle a stashed extent. The model makes several calls in one such section."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from itertools import product
from typing import Any

import z3

from model.calls import OK, REFUSED, Block, Case, Script, ScriptOutcome, ScriptSection
from reference import domain as domains
from reference import page_alloc, populate
from reference.constants import SCRUB_CHUNK, MEMF_exact_node
from reference.pages import PageState
from reference.state import Stash
from reference.status import Status

from .domains import interface_of
from .pages import on_block, request_label
from .plan import BlockKind, Outcome, Plan, PlanDomain, PlannedScript, Setting, answered, no_arguments
from .world import World

WITHIN = {
    "creation_check": "populate_physmap",
    "preemption_check": "populate_physmap",
    "stash_check": "domain_kill",
    "offline_marked": "free_stash",
}
"""Calls of the model without a function in the reference, and the operation with which they are compared."""


def in_generation(name: str, semantics: str) -> bool:
    """Whether a generation has the section."""
    return name != "get_stashed_allocation" or interface_of(semantics).stashes


def stash_marks(x: Setting, domid: int, marked: int) -> list[Any]:
    """The stash has at least its marked pages. With marked pages it is on the last node; `free_stash` covers all."""
    pages, node = (x.terms.number(f"stash_{field}[{domid}]") for field in ("pages", "node"))
    return [z3.Or(pages == 0, pages >= marked), node == x.nodes[-1]] if marked else []


def _freed(domid: int, block: Block) -> Generator[ScriptSection, Case | None, None]:
    """An extent is freed, and its marked pages go offline."""
    yield ScriptSection("free_stash", {"domid": domid, "block": block})
    yield ScriptSection("offline_marked", {"block": block})


def _case(answer: Case | None) -> Case:
    assert answer is not None
    return answer


def _block(case: Case) -> Block:
    assert case.block is not None
    return case.block


# -- P1 of populate_physmap


def get_stashed_allocation(x: Setting) -> Iterator[Plan]:
    """With any, a preferred or an exact node; for every domain, with or without a stash. One plan has a marked page."""
    for who in x.worked_on:
        for requested, flags in ((None, 0), (None, MEMF_exact_node), *product(x.nodes, (0, MEMF_exact_node))):
            yield _get(x, who, requested, flags, 0)
    yield _get(x, PlanDomain(x.domids[-1]), 0, MEMF_exact_node, 1)


def _get(x: Setting, who: PlanDomain, requested: int | None, memflags: int, marked: int) -> Plan:
    domid = who.domain_id
    order, known = x.order()

    def act(w: World) -> Outcome:
        w.stash_marked = marked

        def ask() -> Outcome:
            got = populate.get_stashed_allocation(w.host, w.domain(domid), order, requested, memflags)  # type: ignore[arg-type]  # unknown
            if got is Status.EBUSY:
                return Outcome(REFUSED)
            taken = {} if got is None else {"scrub_index": got.scrub_index}
            return Outcome(OK, {"pages": 0 if got is None else 1 << got.order, **taken})

        return answered(ask)

    def script() -> Script:
        asked = {"requested": requested, "exact": memflags & MEMF_exact_node != 0}
        case = _case((yield ScriptSection("get_stashed_allocation", {"domid": domid, "pages": x.pages, **asked})))
        if case.name == "unsuitable":
            yield from _freed(domid, _block(case))
        if case.name != "taken":
            return ScriptOutcome(case.result)
        return ScriptOutcome(OK, (_block(case),), scrub_index=case.answer["scrub_index"])

    label = f"{request_label(who, requested, memflags)}{_marked(marked)}"
    known = [*known, *stash_marks(x, domid, marked)]
    scripted = PlannedScript(lambda _table: script())
    return Plan("get_stashed_allocation", label, act, no_arguments, known, there=who.there, script=scripted)


def _marked(marked: int) -> str:
    return f", {marked} of the stash marked" if marked else ""


# -- the end of P3


def stash_allocation(x: Setting) -> Iterator[Plan]:
    """An extent on every node, for every domain, with or without a stash, alive or dying; one with a marked page."""
    for who in x.worked_on:
        for node in x.nodes:
            yield _stash(x, who, node, 0)
    yield _stash(x, PlanDomain(x.domids[-1]), x.nodes[-1], 1)


def _stash(x: Setting, who: PlanDomain, node: int, marked: int) -> Plan:
    domid = who.domain_id
    kind = BlockKind(node, PageState.LIMBO, domid, True, marked)
    block = kind.in_model(x.pages)

    def ask(w: World, mfn: int, order: Any) -> Outcome:
        domain = w.domain(domid)
        gives_way = populate.stash_allocation(w.host, domain, Stash(mfn, order, SCRUB_CHUNK))
        return Outcome(OK if gives_way else REFUSED)

    def script() -> Script:
        asked = {"domid": domid, "block": block, "scrub_index": SCRUB_CHUNK}
        case = _case((yield ScriptSection("stash_allocation", asked)))
        if case.result == OK and case.name != "stashed":
            yield from _freed(domid, block)
        return ScriptOutcome(case.result)

    return _on_extent(x, "stash_allocation", who, kind, ask, script)


def free_stash(x: Setting) -> Iterator[Plan]:
    """An extent on every node with 0 to 2 marked pages, for the last domain and a destroyed one."""
    for who in x.worked_on[-2:]:
        for node, marked in product(x.nodes, (0, 1, 2) if not who.destroyed else (0, 1)):
            yield _free(x, who, node, marked)


def _free(x: Setting, who: PlanDomain, node: int, marked: int) -> Plan:
    domid = who.domain_id
    kind = BlockKind(node, PageState.LIMBO, domid, True, marked)

    def ask(w: World, mfn: int, order: Any) -> Outcome:
        page_alloc.free_heap_pages(w.host, mfn, order, stashed=True)
        return Outcome(OK)

    def script() -> Script:
        yield from _freed(domid, kind.in_model(x.pages))
        return ScriptOutcome(OK)

    return _on_extent(x, "free_stash", who, kind, ask, script)


def _on_extent(
    x: Setting,
    operation: str,
    who: PlanDomain,
    kind: BlockKind,
    ask: Callable[[World, int, Any], Outcome],
    script: Callable[[], Script],
) -> Plan:
    plan = on_block(x, operation, kind, ask, "" if not who.destroyed else " (destroyed)", who.there)
    return replace(plan, arguments=no_arguments, script=PlannedScript(lambda _table: script()))


# -- domain_kill's third section


def take_stash(x: Setting) -> Iterator[Plan]:
    """For every domain, with or without a stash. One plan has a marked page."""
    for who in x.worked_on:
        yield _take(x, who, 0)
    yield _take(x, PlanDomain(x.domids[-1]), 1)


def _take(x: Setting, who: PlanDomain, marked: int) -> Plan:
    domid = who.domain_id

    def act(w: World) -> Outcome:
        w.stash_marked = marked
        domains.domain_pending_scrub_free(w.host, w.domain(domid))
        return Outcome(OK)

    def script() -> Script:
        case = _case((yield ScriptSection("take_stash", {"domid": domid})))
        if case.name == "taken":
            yield from _freed(domid, _block(case))
        return ScriptOutcome(OK)

    known, scripted = stash_marks(x, domid, marked), PlannedScript(lambda _table: script())
    return Plan("take_stash", f"{who}{_marked(marked)}", act, no_arguments, known, there=who.there, script=scripted)
