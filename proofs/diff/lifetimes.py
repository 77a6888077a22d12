"""Plans of the life of a domain, its limit, its pauses, and of the queries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain, combinations
from typing import Any

from model.calls import OK
from reference import hypercalls, page_alloc
from reference.domain import domain_destroy, domain_kill
from reference.pages import PageState
from reference.state import create_domain
from reference.status import Status

from .plan import U32, U64, UNKNOWN, BlockKind, Outcome, Plan, Setting, first_section, on_domain, plan_of
from .world import There, World

# -- domains


def create_domain_plans(x: Setting) -> Iterator[Plan]:
    """With an id that is in use or not, and every node_affinity; one names no node of the host."""
    ids = (*x.nodes, x.offline)
    for affinity in chain.from_iterable(combinations(ids, size) for size in range(1, len(ids) + 1)):
        yield _create(x, x.size.domains - 1, affinity, x.size.domains - 1)
    yield _create(x, 0, (0,), None)


def _create(x: Setting, domid: int, affinity: tuple[int, ...], absent: int | None) -> Plan:
    limit, known = x.number("new_max_pages", U32)
    if absent is not None:  # an id that is given again has a history of its own
        known = known + [t == 0 for name, t in x.terms.numbers.items() if _of_history(name, absent)]

    def ask(w: World) -> None:
        create_domain(w.host, domid, limit, affinity)  # type: ignore[arg-type]  # unknown

    arguments = {"domid": domid, "max_pages": x.term(limit), "node_affinity": frozenset(affinity)}
    label = f"d{domid}{'' if absent is None else ' not in use'}, affinity {list(affinity)}"
    return plan_of("create_domain", label, ask, known, There(absent), **arguments)


def _of_history(name: str, domid: int) -> bool:
    kinds = ("installed", "redeemed", "released", "recalled")
    return name.startswith(tuple(f"{where}_{kind}[{domid}]" for where in ("ledger", "global") for kind in kinds))


def set_max_pages(x: Setting) -> Iterator[Plan]:
    """Any limit that the counter holds."""
    for domid in x.domids:
        yield _limit(x, domid)


def _limit(x: Setting, domid: int) -> Plan:
    limit, known = x.number("new_max_pages", U32)

    def ask(w: World) -> Status:
        return w.semantics.set_max_pages(w.host, on_domain(w, domid), limit)  # type: ignore[arg-type]  # unknown

    return plan_of("set_max_pages", f"d{domid}", ask, known, domid=domid, max_pages=x.term(limit))


def max_mem(x: Setting) -> Iterator[Plan]:
    """Any limit of 64 bits."""
    for domid in (*x.domids, None):
        yield _max_mem(x, domid)


def _max_mem(x: Setting, domid: int | None) -> Plan:
    limit, known = x.number("new_max_pages", U64)

    def ask(w: World) -> Status:
        return hypercalls.max_mem(w.host, UNKNOWN if domid is None else domid, limit)  # type: ignore[arg-type]  # unknown

    label = "unknown domain" if domid is None else f"d{domid}"
    return plan_of("max_mem", label, ask, known, domid=domid, max_pages=x.term(limit))


def mark_dying(x: Setting) -> Iterator[Plan]:
    """domain_kill's first section."""
    for domid in x.domids:
        yield _mark(domid)


def _mark(domid: int) -> Plan:
    def act(w: World) -> Outcome:
        return first_section(domain_kill(w.host, on_domain(w, domid)))

    return Plan("mark_dying", f"d{domid}", act, lambda _w: {"domid": domid})


_PAGES = (None, PageState.ASSIGNED, PageState.LIMBO)


def domain_destroy_plans(x: Setting) -> Iterator[Plan]:
    """Of a domain that has pages, or has none."""
    for domid in x.domids:
        for state in _PAGES:
            yield _destroy(x, domid, state)


def _with_block(x: Setting, domid: int, state: PageState | None) -> tuple[Callable[[World], None], list[Any]]:
    if state is None:
        return lambda _w: None, []
    kind = BlockKind(0, state, domid, True)
    order, known = x.order()

    def enter(w: World) -> None:
        kind.enter(w, order)
        w.begin()

    return enter, known


def _destroy(x: Setting, domid: int, state: PageState | None) -> Plan:
    enter, known = _with_block(x, domid, state)

    def ask(w: World) -> None:
        enter(w)
        domain_destroy(w.host, on_domain(w, domid))

    label = f"d{domid}, {'no pages' if state is None else f'{state.value} pages'}"
    return plan_of("domain_destroy", label, ask, known, domid=domid, has_pages=state is not None)


def destroy_if_empty(x: Setting) -> Iterator[Plan]:
    """The last section of destroydomain: of a dying domain whose pages are freed, but for some that are in limbo."""
    for domid in x.domids:
        for state in (None, PageState.LIMBO):
            yield _destroy_if_empty(x, domid, state)


def _destroy_if_empty(x: Setting, domid: int, state: PageState | None) -> Plan:
    enter, known = _with_block(x, domid, state)

    def ask(w: World) -> Any:
        enter(w)
        steps = hypercalls.destroydomain(w.host, domid)
        next(steps)  # dying already, so that is the boundary behind domain_kill
        try:
            next(steps)
        except StopIteration as end:
            return end.value
        raise RuntimeError("another section")

    dying = x.terms.flag(f"is_dying[{domid}]")
    label = f"d{domid}, {'no pages' if state is None else 'pages in limbo'}"
    return plan_of("destroy_if_empty", label, ask, [*known, dying], domid=domid, has_pages=state is not None)


# -- pausing


def pausedomain(x: Setting) -> Iterator[Plan]:
    """Of every domain, and of none."""
    for domid in (*x.domids, None):
        yield _paused("pausedomain", domid)


def unpausedomain(x: Setting) -> Iterator[Plan]:
    """Likewise."""
    for domid in (*x.domids, None):
        yield _paused("unpausedomain", domid)


def _paused(operation: str, domid: int | None) -> Plan:
    def ask(w: World) -> Status:
        of_reference = hypercalls.pausedomain if operation == "pausedomain" else hypercalls.unpausedomain
        return of_reference(w.host, UNKNOWN if domid is None else domid)

    return plan_of(operation, "unknown domain" if domid is None else f"d{domid}", ask, domid=domid)


# -- queries


def getdomaininfo(x: Setting) -> Iterator[Plan]:
    """Of every domain, and of none."""
    for domid in (*x.domids, None):
        yield _info(domid)


def _info(domid: int | None) -> Plan:
    def act(w: World) -> Outcome:
        info = hypercalls.getdomaininfo(w.host, UNKNOWN if domid is None else domid)
        return Outcome(str(info)) if isinstance(info, Status) else Outcome(OK, info._asdict())

    label = "unknown domain" if domid is None else f"d{domid}"
    return Plan("getdomaininfo", label, act, lambda _w: {"domid": domid})


def get_outstanding_claims(_x: Setting) -> Iterator[Plan]:
    """Of the host."""

    def act(w: World) -> Outcome:
        free, outstanding = page_alloc.get_outstanding_claims(w.host)
        return Outcome(OK, {"free_pages": free, "outstanding_pages": outstanding})

    yield Plan("get_outstanding_claims", "", act, lambda _w: {})
