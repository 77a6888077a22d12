"""Plans of the claim calls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from model.calls import GLOBAL, Entry
from reference import hypercalls
from reference.claims import ClaimEntry
from reference.status import Status

from .domains import interface_of
from .plan import U32, U64, Outcome, Plan, PlanDomain, Setting, first_section, plan_of
from .world import ALL_THERE, World

_FEW_NODES = 9
"""On hosts with more nodes, only the last three entries are unknown."""


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
    """Sets with 0 entries up to two more than there are nodes; their pages, targets and pads are unknown.

    On hosts with more nodes than those of `claimcheck diff`, one set of the largest length with an unknown end.
    """
    for domid in x.domids:
        if x.size.nodes > _FEW_NODES:
            yield _install(x, domid, 3, [(1, node) for node in range(x.size.nodes - 1)])
            continue
        for number in range(x.size.nodes + 3):
            yield _install(x, domid, number)


def _install(x: Setting, domid: int, number: int, first: Sequence[tuple[int, int]] = ()) -> Plan:
    """``first``: pages and nodes of known entries, before the unknown ones."""
    entries, modelled, known = _entries(x, number)
    entries = [ClaimEntry(*entry) for entry in first] + entries
    modelled = [Entry(*entry) for entry in first] + modelled

    def ask(w: World) -> Status:
        return w.semantics.install_claim_set(w.host, w.domain(domid), entries)

    return plan_of("install_claim_set", f"d{domid}, {len(entries)} entries", ask, known, domid=domid, entries=modelled)


def claim_memory(x: Setting) -> Iterator[Plan]:
    """The hypercall with 0 to 3 entries, with the largest permitted number and one more; also for an unknown domain.

    `install_claim_set` is compared with more entries.
    """
    for who in x.looked_up:
        for number in range(4) if who.there is ALL_THERE else (1,):
            yield _claim_memory(x, who, number)
    for number in (65, 66):
        yield _claim_memory(x, PlanDomain(0), number, named=1)


def _claim_memory(x: Setting, who: PlanDomain, number: int, named: int | None = None) -> Plan:
    entries, modelled, known = _entries(x, number if named is None else named)
    if named is not None:
        entries, modelled = entries * number, modelled * number
    pad, limits = x.number("pad", U32)

    def ask(w: World) -> Status:
        return hypercalls.claim_memory(w.host, who.asked, entries, pad)  # type: ignore[arg-type]  # unknown

    arguments = {"domid": who.domid, "entries": modelled, "pad": x.term(pad)}
    return plan_of("claim_memory", f"{who}, {number} entries", ask, known + limits, who.there, **arguments)


def set_outstanding_pages(x: Setting) -> Iterator[Plan]:
    """A single claim of any size, on any node id and host-wide. A memory op may make it for a destroyed domain."""
    single = "claim_node" in _counters(x)
    for who in x.worked_on:
        for on_node in (False, True) if single else (False,):
            yield _single(x, who, on_node, single)


def _counters(x: Setting) -> tuple[str, ...]:
    from reference.generations import GENERATIONS

    return GENERATIONS[x.semantics].claim_counters


def _single(x: Setting, who: PlanDomain, on_node: bool, single: bool) -> Plan:
    # Pages below 0 are a difference that wrapped, where tot_pages is subtracted before any lock.
    wraps = interface_of(x.semantics).subtracts_before_locks
    pages, known = x.number("pages", U64, -U32 if wraps else 0)
    node, limits = x.number("node", 254) if on_node else (None, [])

    domid = who.domain_id

    def ask(w: World) -> Status:
        return w.semantics.set_outstanding_pages(w.host, w.domain(domid), pages, node)  # type: ignore[arg-type]  # unknown

    arguments = {"domid": domid, "pages": x.term(pages)}
    if single:
        arguments["node"] = None if node is None else x.term(node)
    label = f"{who}{', a node' if on_node else ''}"
    return plan_of("set_outstanding_pages", label, ask, known + limits, who.there, **arguments)


def claim_pages_check(x: Setting) -> Iterator[Plan]:
    """The checks of XENMEM_claim_pages before it takes a lock."""
    for who in x.looked_up:
        for extent_start in (None, 1):
            yield _check(x, who, extent_start)


def _check(x: Setting, who: PlanDomain, extent_start: int | None) -> Plan:
    order, one = x.number("extent_order", U32)
    flags, other = x.mem_flags()
    pages, third = x.number("pages", U64)

    def act(w: World) -> Outcome:
        return first_section(hypercalls.claim_pages(w.host, who.asked, pages, order, flags, extent_start))  # type: ignore[arg-type]  # unknown

    arguments = {
        "domid": who.domid,
        "pages": x.term(pages),
        "extent_order": x.term(order),
        "mem_flags": x.term(flags),
        "has_extent_start": extent_start is not None,
    }
    label = f"{who}{'' if extent_start is None else ', extent start'}"
    return Plan("claim_pages_check", label, act, lambda _w: arguments, one + other + third, there=who.there)


def release_all_claims(x: Setting) -> Iterator[Plan]:
    """domain_kill's second section."""
    for domid in x.domids:
        yield _release(domid)


def _release(domid: int) -> Plan:
    def ask(w: World) -> Status:
        return w.semantics.set_outstanding_pages(w.host, w.domain(domid), 0)

    return plan_of("release_all_claims", f"d{domid}", ask, domid=domid)


def get_memory_claims(x: Setting) -> Iterator[Plan]:
    """The installed set, for a caller with room for any number of entries."""
    for who in x.looked_up:
        yield _installed(x, who)


def _installed(x: Setting, who: PlanDomain) -> Plan:
    capacity, one = x.number("capacity", U32)
    pad, other = x.number("pad", U32)

    def act(w: World) -> Outcome:
        found = hypercalls.get_memory_claims(w.host, who.asked, capacity, pad)  # type: ignore[arg-type]  # unknown
        answer: dict[str, Any] = {"needed": found.needed} if found.needed else {}
        if found.status is Status.OK:
            by_target = {int(entry.target): entry.pages for entry in found.entries}
            answer = {"needed": found.needed, "tells_global": GLOBAL in by_target}
            answer |= {f"claims[{n}]": by_target.get(n, 0) for n in x.nodes}
            if GLOBAL in by_target:
                answer["global_claims"] = by_target[GLOBAL]
        return Outcome(str(found.status), answer)

    given = {"domid": who.domid, "capacity": x.term(capacity), "pad": x.term(pad)}
    return Plan("get_memory_claims", str(who), act, lambda _w: given, one + other, there=who.there)
