"""Plans of the claim calls, and of the life of a domain."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain, combinations
from typing import Any

from model.calls import GLOBAL, INTERFACES, OK, Entry
from reference import hypercalls, page_alloc
from reference.claims import ClaimEntry
from reference.domain import domain_destroy, domain_kill
from reference.pages import PageState
from reference.state import create_domain
from reference.status import Status

from .plan import U32, U64, BlockKind, Outcome, Plan, Setting, answered, first_section, on_domain
from .world import World

UNKNOWN = 99
"""An id that no domain has."""


def _plan(
    operation: str,
    label: str,
    ask: Callable[[World], Any],
    known: list[Any] | None = None,
    absent: int | None = None,
    **arguments: Any,
) -> Plan:
    one = arguments.get("domid") if operation in _FOR_EACH else None

    def act(w: World) -> Outcome:
        return answered(lambda: ask(w))

    return Plan(operation, label, act, lambda _w: arguments, known or [], absent=absent, domid=one)


_FOR_EACH = ("install_claim_set", "claim_memory", "set_outstanding_pages")
"""Operations with so many paths that it is worth while to explore them for one domain only, where that is enough."""


# -- claims


def _entries(x: Setting, number: int) -> tuple[list[ClaimEntry], list[Entry], list[Any]]:
    of_reference, of_model, known = [], [], []
    for index in range(number):
        parts = []
        for name, most in (("pages", U64), ("target", U32), ("pad", U32)):
            value, limits = x.number(f"entry[{index}].{name}", most)
            parts.append(value)
            known += limits
        of_reference.append(ClaimEntry(*parts))  # type: ignore[arg-type]  # unknown
        of_model.append(Entry(*(x.term(part) for part in parts)))
    return of_reference, of_model, known


def install_claim_set(x: Setting) -> Iterator[Plan]:
    """Sets of none to two entries more than there are nodes; their pages, targets and pads are any."""
    for domid in x.domids:
        for number in range(x.size.nodes + 3):
            yield _install(x, domid, number)


def _install(x: Setting, domid: int, number: int) -> Plan:
    entries, modelled, known = _entries(x, number)

    def ask(w: World) -> Status:
        return w.semantics.install_claim_set(w.host, on_domain(w, domid), entries)

    return _plan("install_claim_set", f"d{domid}, {number} entries", ask, known, domid=domid, entries=modelled)


def claim_memory(x: Setting) -> Iterator[Plan]:
    """The hypercall with none to three entries, and with more than are allowed; for an unknown domain, too.

    What it does with the entries is the function's matter, which is asked with more.
    """
    for domid in (*x.domids, None):
        for number in range(4):
            yield _claim_memory(x, domid, number)
    yield _claim_memory(x, 0, 66, named=1)


def _claim_memory(x: Setting, domid: int | None, number: int, named: int | None = None) -> Plan:
    entries, modelled, known = _entries(x, number if named is None else named)
    if named is not None:
        entries, modelled = entries * number, modelled * number
    pad, limits = x.number("pad", U32)

    def ask(w: World) -> Status:
        return hypercalls.claim_memory(w.host, UNKNOWN if domid is None else domid, entries, pad)  # type: ignore[arg-type]  # unknown

    label = f"{'unknown domain' if domid is None else f'd{domid}'}, {number} entries"
    return _plan("claim_memory", label, ask, known + limits, domid=domid, entries=modelled, pad=x.term(pad))


def set_outstanding_pages(x: Setting) -> Iterator[Plan]:
    """One claim of any size; on a node of any id, and host-wide."""
    single = "claim_node" in _counters(x)
    for domid in x.domids:
        for on_node in (False, True) if single else (False,):
            yield _single(x, domid, on_node, single)


def _counters(x: Setting) -> tuple[str, ...]:
    from reference.generations import SEMANTICS

    return SEMANTICS[x.semantics].claim_counters


def _single(x: Setting, domid: int, on_node: bool, single: bool) -> Plan:
    # Below 0 is a difference that wrapped, where tot_pages is subtracted before any lock.
    wraps = INTERFACES[x.semantics].subtracts_before_locks
    pages, known = x.number("pages", U64, -U32 if wraps else 0)
    node, limits = x.number("node", 254) if on_node else (None, [])

    def ask(w: World) -> Status:
        return w.semantics.set_outstanding_pages(w.host, on_domain(w, domid), pages, node)  # type: ignore[arg-type]  # unknown

    target = {"node": None if node is None else x.term(node)} if single else {}
    label = f"d{domid}{', a node' if on_node else ''}"
    return _plan("set_outstanding_pages", label, ask, known + limits, domid=domid, pages=x.term(pages), **target)


def claim_pages_check(x: Setting) -> Iterator[Plan]:
    """What XENMEM_claim_pages looks at before it takes a lock."""
    for domid in (*x.domids, None):
        for extent_start in (None, 1):
            yield _check(x, domid, extent_start)


def _check(x: Setting, domid: int | None, extent_start: int | None) -> Plan:
    order, one = x.number("extent_order", U32)
    flags, other = x.mem_flags()
    pages, third = x.number("pages", U64)

    def act(w: World) -> Outcome:
        asked = UNKNOWN if domid is None else domid
        return first_section(hypercalls.claim_pages(w.host, asked, pages, order, flags, extent_start))  # type: ignore[arg-type]  # unknown

    arguments = {
        "domid": domid,
        "pages": x.term(pages),
        "extent_order": x.term(order),
        "mem_flags": x.term(flags),
        "has_extent_start": extent_start is not None,
    }
    label = f"{'unknown domain' if domid is None else f'd{domid}'}{'' if extent_start is None else ', extent start'}"
    return Plan("claim_pages_check", label, act, lambda _w: arguments, one + other + third)


def release_all_claims(x: Setting) -> Iterator[Plan]:
    """domain_kill's second section."""
    for domid in x.domids:
        yield _release(domid)


def _release(domid: int) -> Plan:
    def ask(w: World) -> Status:
        return w.semantics.set_outstanding_pages(w.host, on_domain(w, domid), 0)

    return _plan("release_all_claims", f"d{domid}", ask, domid=domid)


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
    return _plan("create_domain", label, ask, known, absent, **arguments)


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

    return _plan("set_max_pages", f"d{domid}", ask, known, domid=domid, max_pages=x.term(limit))


def max_mem(x: Setting) -> Iterator[Plan]:
    """Any limit of 64 bits."""
    for domid in (*x.domids, None):
        yield _max_mem(x, domid)


def _max_mem(x: Setting, domid: int | None) -> Plan:
    limit, known = x.number("new_max_pages", U64)

    def ask(w: World) -> Status:
        return hypercalls.max_mem(w.host, UNKNOWN if domid is None else domid, limit)  # type: ignore[arg-type]  # unknown

    label = "unknown domain" if domid is None else f"d{domid}"
    return _plan("max_mem", label, ask, known, domid=domid, max_pages=x.term(limit))


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
    return _plan("domain_destroy", label, ask, known, domid=domid, has_pages=state is not None)


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
    return _plan("destroy_if_empty", label, ask, [*known, dying], domid=domid, has_pages=state is not None)


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

    return _plan(operation, "unknown domain" if domid is None else f"d{domid}", ask, domid=domid)


# -- queries


def get_memory_claims(x: Setting) -> Iterator[Plan]:
    """The installed set, for a caller with room for any number of entries."""
    for domid in (*x.domids, None):
        yield _installed(x, domid)


def _installed(x: Setting, domid: int | None) -> Plan:
    capacity, one = x.number("capacity", U32)
    pad, other = x.number("pad", U32)

    def act(w: World) -> Outcome:
        asked = UNKNOWN if domid is None else domid
        found = hypercalls.get_memory_claims(w.host, asked, capacity, pad)  # type: ignore[arg-type]  # unknown
        answer: dict[str, Any] = {"needed": found.needed} if found.needed else {}
        if found.status is Status.OK:
            by_target = {int(entry.target): entry.pages for entry in found.entries}
            answer = {"needed": found.needed, "tells_global": GLOBAL in by_target}
            answer |= {f"claims[{n}]": by_target.get(n, 0) for n in x.nodes}
            if GLOBAL in by_target:
                answer["global_claims"] = by_target[GLOBAL]
        return Outcome(str(found.status), answer)

    label = "unknown domain" if domid is None else f"d{domid}"
    given = {"domid": domid, "capacity": x.term(capacity), "pad": x.term(pad)}
    return Plan("get_memory_claims", label, act, lambda _w: given, one + other)


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
