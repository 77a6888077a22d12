"""Plans for the life of a domain, its limit, and its pauses."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, combinations
from typing import Any

from reference import hypercalls, page_alloc
from reference.domain import domain_destroy, domain_kill
from reference.pages import PageState
from reference.state import create_domain
from reference.status import Status

from .plan import U32, BlockKind, Outcome, Plan, PlanDomain, Setting, first_section, plan_of
from .world import ALL_THERE, MissingDomains, World

# -- domains


def create_domain_plans(x: Setting) -> Iterator[Plan]:
    """With an id in use, unused or of a destroyed domain, and with every node_affinity; one is empty."""
    ids, last = (*x.nodes, x.offline), x.size.domains - 1
    for affinity in chain.from_iterable(combinations(ids, size) for size in range(1, len(ids) + 1)):
        yield _create(x, last, affinity, MissingDomains(absent=last))
    yield _create(x, last, (0,), MissingDomains(destroyed=last))
    yield _create(x, 0, (0,), ALL_THERE)


def _create(x: Setting, domid: int, affinity: tuple[int, ...], there: MissingDomains) -> Plan:
    limit, known = x.number("new_max_pages", U32)
    if there is not ALL_THERE:  # a reused id has a new history
        known = known + [t == 0 for name, t in x.terms.numbers.items() if _of_predecessor(name, domid)]

    def ask(w: World) -> None:
        create_domain(w.host, domid, limit, affinity)  # type: ignore[arg-type]  # unknown

    arguments = {"domid": domid, "max_pages": x.term(limit), "node_affinity": frozenset(affinity)}
    state = "" if there is ALL_THERE else " not in use" if there.destroyed is None else " of a destroyed domain"
    return plan_of("create_domain", f"d{domid}{state}, affinity {list(affinity)}", ask, known, there, **arguments)


def _of_predecessor(name: str, domid: int) -> bool:
    """Fields that are 0 when an id is reused, because no operation uses its former domain any more."""
    kinds = ("installed", "redeemed", "released", "recalled")
    gone = [f"{where}_{kind}[{domid}]" for where in ("ledger", "global") for kind in kinds]
    pages = [f"{field}[{domid}]" for field in ("limbo_pages", "extra_pages", "tot_pages", "last_frees")]
    return name.startswith((*gone, *pages))


def set_max_pages(x: Setting) -> Iterator[Plan]:
    """Any limit that fits the counter."""
    for domid in x.domids:
        yield _limit(x, domid)


def _limit(x: Setting, domid: int) -> Plan:
    limit, known = x.number("new_max_pages", U32)

    def ask(w: World) -> Status:
        return w.semantics.set_max_pages(w.host, w.domain(domid), limit)  # type: ignore[arg-type]  # unknown

    return plan_of("set_max_pages", f"d{domid}", ask, known, domid=domid, max_pages=x.term(limit))


def mark_dying(x: Setting) -> Iterator[Plan]:
    """domain_kill's first section."""
    for domid in x.domids:
        yield _mark(domid)


def _mark(domid: int) -> Plan:
    def act(w: World) -> Outcome:
        return first_section(domain_kill(w.host, w.domain(domid)))

    return Plan("mark_dying", f"d{domid}", act, lambda _w: {"domid": domid})


def domain_destroy_plans(x: Setting) -> Iterator[Plan]:
    """For a domain with pages, extra pages, no pages, or pages in limbo; and for a destroyed one."""
    for who in x.worked_on:
        for state, refcounted in ((None, True), *_PAGES):
            yield _destroy(x, who, state, refcounted)


_PAGES = ((PageState.ASSIGNED, True), (PageState.ASSIGNED, False), (PageState.LIMBO, True))


def _destroy(x: Setting, who: PlanDomain, state: PageState | None, refcounted: bool) -> Plan:
    domid = who.domain_id
    kind = None if state is None else BlockKind(0, state, domid, refcounted)
    order, known = x.order()
    on_list = [f"{name}[{domid}][{n}]" for name in ("assigned_pages", "extra_pages") for n in x.nodes]
    for name in on_list:  # the block, if there is one, is all of the domain's pages
        pages = x.pages if kind is not None and name == kind.page_class else 0
        known.append(x.terms.number(name) == pages)

    def ask(w: World) -> None:
        if kind is not None:
            kind.enter(w, order)
            w.begin()
        domain_destroy(w.host, w.domain(domid))

    pages_of = "no pages" if kind is None else str(kind)
    return plan_of("domain_destroy", f"{who}, {pages_of}", ask, known, who.there, domid=domid)


def finish_kill(x: Setting) -> Iterator[Plan]:
    """The last section of destroydomain, for a dying domain whose pages are freed, dead or not."""
    for domid in x.domids:
        yield _finish_kill(x, domid)


def _finish_kill(x: Setting, domid: int) -> Plan:
    def ask(w: World) -> Any:
        steps = hypercalls.destroydomain(w.host, domid)
        next(steps)  # dying already, so that is the boundary after domain_kill
        try:
            next(steps)
        except StopIteration as end:
            return end.value
        raise RuntimeError("destroydomain has more critical sections than expected")

    return plan_of("finish_kill", f"d{domid}", ask, [x.terms.flag(f"is_dying[{domid}]")], domid=domid)


def put_domain(x: Setting) -> Iterator[Plan]:
    """After a free of the last page, or after tot_pages was lowered; also for a destroyed domain."""
    for who in x.worked_on:
        for freed in (False, True):
            yield _put(who, freed)


def _put(who: PlanDomain, freed: bool) -> Plan:
    domid = who.domain_id

    def ask(w: World) -> None:
        domain = w.domain(domid)
        if freed:
            domain.last_frees -= 1
        page_alloc.put_domain(w.host, domain)

    label = f"{who}{', last page freed' if freed else ''}"
    return plan_of("put_domain", label, ask, None, who.there, domid=domid, freed=freed)


# -- pausing


def domain_unpause_by_systemcontroller(x: Setting) -> Iterator[Plan]:
    """For every domain, an unknown and a destroyed one, without a stash.

    With a stash the operation also runs calls of another section, and is compared as a whole.
    """
    for who in x.looked_up:
        yield _unpause(x, who)


def _unpause(x: Setting, who: PlanDomain) -> Plan:
    known = [] if who.domid is None else [x.terms.number(f"stash_pages[{who.domid}]") == 0]
    return plan_of(
        "domain_unpause_by_systemcontroller",
        str(who),
        lambda w: hypercalls.unpausedomain(w.host, who.asked),
        known,
        who.there,
        domid=who.domid,
    )
