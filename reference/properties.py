"""The state properties, checked on a concrete host. Every sum is recomputed from its parts.

A check takes the host and returns a :class:`Violation` for each failure. :data:`STATE_PROPERTIES` lists the checks by
property name. The proofs check the step properties.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from operator import add, le
from typing import NamedTuple

from .pages import PageState
from .state import Domain, Host, all_locks


class Violation(NamedTuple):
    """A property that does not hold: where, and the violated relation with its numbers (pages)."""

    property: str
    where: str
    detail: str

    def __str__(self) -> str:
        return f"{self.property}: {self.where}: {self.detail}"


def node_backed(host: Host) -> list[Violation]:
    """Claims on a node never exceed its free pages (DS-20)."""
    if all(map(le, host.node_outstanding_claims, host.node_avail_pages)):
        return []
    return [
        Violation("node-backed", f"node {node}", f"node_outstanding_claims {claimed} > node_avail_pages {avail}")
        for node, (claimed, avail) in enumerate(zip(host.node_outstanding_claims, host.node_avail_pages, strict=True))
        if claimed > avail
    ]


def host_backed(host: Host) -> list[Violation]:
    """All claims never exceed the host's free pages (DS-21)."""
    claimed, avail = host.outstanding_claims, host.total_avail_pages
    if claimed <= avail:
        return []
    return [Violation("host-backed", "host", f"outstanding_claims {claimed} > total_avail_pages {avail}")]


def aggregates_agree(host: Host) -> list[Violation]:
    """Every aggregate equals its sum (DS-23)."""
    found: list[Violation] = []
    claimed = [0] * len(host.node_pages)
    outstanding = 0
    for domain in host.domains.values():
        claims = domain.claims
        node_claims = sum(claims)
        if domain.node_claims != node_claims:
            found.append(_differs(f"d{domain.domid}", "node_claims", domain.node_claims, node_claims))
        if any(claims):
            claimed = list(map(add, claimed, claims))
        outstanding += domain.global_claims + node_claims
    if host.node_outstanding_claims != claimed:
        for node, held in enumerate(host.node_outstanding_claims):
            if held != claimed[node]:
                found.append(_differs(f"node {node}", "node_outstanding_claims", held, claimed[node]))
    avail = sum(host.node_avail_pages)
    if host.total_avail_pages != avail:
        found.append(_differs("host", "total_avail_pages", host.total_avail_pages, avail))
    if host.outstanding_claims != outstanding:
        found.append(_differs("host", "outstanding_claims", host.outstanding_claims, outstanding))
    return found


def _differs(where: str, name: str, value: int, total: int) -> Violation:
    return Violation("aggregates-agree", where, f"{name} {value} != sum {total}")


def limbo_pages(host: Host) -> dict[int, int]:
    """Pages in limbo that will count in tot_pages, by domid; domains without such pages are absent."""
    limbo: dict[int, int] = {}
    for block in host.pages.in_limbo():
        if block.refcounted and block.owner is not None and not block.owner.is_destroyed:
            limbo[block.owner.domid] = limbo.get(block.owner.domid, 0) + block.pages
    return limbo


def entitlement(host: Host) -> list[Violation]:
    """Pages held, in limbo and claimed stay within max_pages (DS-22).

    The weaker form, in which limbo does not count, is reported as ``entitlement-without-limbo`` in addition.
    """
    found: list[Violation] = []
    limbo = limbo_pages(host)
    for domain in host.domains.values():
        held = domain.tot_pages + domain.outstanding()
        in_limbo = limbo.get(domain.domid, 0) if limbo else 0
        if held + in_limbo <= domain.max_pages:
            continue
        numbers = (
            f"global_claims {domain.global_claims} + node_claims {domain.node_claims} > max_pages {domain.max_pages}"
        )
        where = f"d{domain.domid}"
        found.append(Violation("entitlement", where, f"tot_pages {domain.tot_pages} + limbo {in_limbo} + {numbers}"))
        if held > domain.max_pages:
            found.append(Violation("entitlement-without-limbo", where, f"tot_pages {domain.tot_pages} + {numbers}"))
    return found


def redeemed_once(host: Host) -> list[Violation]:
    """A page is never counted twice: conservation of pages per node, and the ledger of claims per domain and target.

    (a) free + limbo + assigned + anonymous + offlined = installed, (b) installed = outstanding + redeemed + released +
    recalled. :func:`pages_recounted` checks that the counted pages exist and that no page is in two places.
    """
    found: list[Violation] = []
    unavailable = host.pages.unavailable
    for node, heap in enumerate(host.heap):
        free = heap.free_pages
        avail = host.node_avail_pages[node]
        if free != avail:
            found.append(_miscounted(f"node {node}", f"node_avail_pages {avail} != pages in the heap {free}"))
        if free + unavailable[node] != host.node_pages[node]:
            numbers = f"free {free} + in use or offline {unavailable[node]} != installed {host.node_pages[node]}"
            found.append(_miscounted(f"node {node}", numbers))
    for domain in host.domains.values():
        history = domain.history
        installed, redeemed = history.installed, history.redeemed
        released, recalled = history.released, history.recalled
        for node, claim in enumerate(domain.claims):
            total = claim + redeemed[node] + released[node] + recalled[node]
            if total != installed[node]:
                found.append(_unbalanced(domain, f"node {node}", installed[node], total))
        total = domain.global_claims + redeemed[-1] + released[-1] + recalled[-1]
        if total != installed[-1]:
            found.append(_unbalanced(domain, "global", installed[-1], total))
    return found


def _unbalanced(domain: Domain, target: str, installed: int, total: int) -> Violation:
    numbers = f"installed {installed} != outstanding + redeemed + released + recalled {total}"
    return _miscounted(f"d{domain.domid} {target}", numbers)


def _miscounted(where: str, numbers: str) -> Violation:
    return Violation("redeemed-once", where, numbers)


def pages_recounted(host: Host) -> list[Violation]:
    """Page by page: no page is in two places, and heap and page table count right (``redeemed-once`` (a))."""
    found: list[Violation] = []
    taken = [(block.mfn, block.pages, block.state.value) for block in host.pages.blocks.values()]
    taken += [(mfn, 1, "offlined") for mfn in host.pages.offlined]
    free = [(mfn, 1 << order, "free") for heap in host.heap for mfn, order in heap.blocks()]
    for (mfn, pages, kind), (other, _, other_kind) in pairwise(sorted(free + taken)):
        if mfn + pages > other:
            found.append(_miscounted(f"mfn {other}", f"both {kind} and {other_kind}"))
    limbo = sum(kind == PageState.LIMBO.value for _, _, kind in taken)
    for name, counted, parts in (
        ("free_pages", [heap.free_pages for heap in host.heap], _sum_per_node(host, free)),
        ("unavailable", host.pages.unavailable, _sum_per_node(host, taken)),
        ("limbo_blocks", host.pages.limbo_blocks, limbo),
    ):
        if counted != parts:
            found.append(_miscounted(name, f"{counted} != count of the blocks {parts}"))
    return found


def _sum_per_node(host: Host, places: list[tuple[int, int, str]]) -> list[int]:
    total = [0] * len(host.node_pages)
    for mfn, pages, _ in places:
        total[mfn // host.node_span] += pages
    return total


def dead_hold_nothing(host: Host) -> list[Violation]:
    """A dying or destroyed domain holds no claims (DS-29)."""
    return [
        Violation(
            "dead-hold-nothing",
            f"d{domain.domid}",
            f"{'destroyed' if domain.is_destroyed else 'dying'} with global_claims {domain.global_claims}, node_claims"
            f" {domain.node_claims}",
        )
        for domain in (*host.domains.values(), *host.orphans)
        if domain.is_dying and (domain.global_claims or domain.node_claims)
    ]


def no_claims_lost(host: Host) -> list[Violation]:
    """A live domain gets every page granted to it: a claim becomes pages, or ends by its own release or by recall."""
    return [
        Violation(
            "no-claims-lost",
            f"d{domain.domid}",
            f"{domain.history.lost} pages, granted or claimed, were lost before they reached tot_pages",
        )
        for domain in host.domains.values()
        if domain.history.lost
    ]


def offline_mark_kept(host: Host) -> list[Violation]:
    """A page marked offline stays marked until it leaves the heap or is brought back."""
    return [
        Violation("offline-mark-kept", f"mfn {mfn}", "the page was marked offline in limbo and lost its mark")
        for mfn in sorted(host.pages.lost_marks)
    ]


STATE_PROPERTIES: dict[str, Callable[[Host], list[Violation]]] = {
    "node-backed": node_backed,
    "host-backed": host_backed,
    "aggregates-agree": aggregates_agree,
    "entitlement": entitlement,
    "redeemed-once": redeemed_once,
    "dead-hold-nothing": dead_hold_nothing,
    "no-claims-lost": no_claims_lost,
    "offline-mark-kept": offline_mark_kept,
}


def broken_properties(host: Host) -> list[Violation]:
    """The violations of all :data:`STATE_PROPERTIES`. Takes all locks."""
    found: list[Violation] = []
    with all_locks(host):
        for check in STATE_PROPERTIES.values():
            found += check(host)
    return found


def check_state(host: Host) -> list[Violation]:
    """As :func:`broken_properties`, and also counts the pages block by block: no page is in two places."""
    found = broken_properties(host)
    with all_locks(host):
        found += pages_recounted(host)
    return found
