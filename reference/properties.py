"""The properties of a state, checked on a concrete host from its parts (every sum is computed anew here).

A check takes the host and yields a :class:`Violation` for everything that does not hold. The registry
:data:`STATE_PROPERTIES` names them as the specification does; properties of steps are judged by the proofs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import pairwise
from typing import NamedTuple

from .pages import PageState
from .state import Host


class Violation(NamedTuple):
    """A property that does not hold: where, and the broken relation with its numbers (pages)."""

    property: str
    where: str
    detail: str

    def __str__(self) -> str:
        return f"{self.property}: {self.where}: {self.detail}"


def node_backed(host: Host) -> Iterator[Violation]:
    """Claims on a node never exceed its free pages (DS-20)."""
    for node, claimed in enumerate(host.node_outstanding_claims):
        avail = host.node_avail_pages[node]
        if claimed > avail:
            yield Violation(
                "node-backed",
                f"node {node}",
                f"node_outstanding_claims {claimed} > node_avail_pages {avail}",
            )


def host_backed(host: Host) -> Iterator[Violation]:
    """All claims never exceed the host's free pages (DS-21)."""
    if host.outstanding_claims > host.total_avail_pages:
        yield Violation(
            "host-backed",
            "host",
            f"outstanding_claims {host.outstanding_claims} > total_avail_pages {host.total_avail_pages}",
        )


def aggregates_agree(host: Host) -> Iterator[Violation]:
    """Every aggregate equals the sum it stands for (DS-23)."""

    def differs(where: str, name: str, value: int, total: int) -> Iterator[Violation]:
        if value != total:
            yield Violation("aggregates-agree", where, f"{name} {value} != sum {total}")

    claimed = [0] * len(host.node_pages)
    outstanding = 0
    for domain in host.domains.values():
        node_claims = 0
        for node, pages in enumerate(domain.claims):
            if pages:
                claimed[node] += pages
                node_claims += pages
        if domain.node_claims != node_claims:
            yield from differs(f"d{domain.domid}", "node_claims", domain.node_claims, node_claims)
        outstanding += domain.global_claims + node_claims
    if list(host.node_outstanding_claims) != claimed:
        for node, pages in enumerate(claimed):
            held = host.node_outstanding_claims[node]
            yield from differs(f"node {node}", "node_outstanding_claims", held, pages)
    avail = sum(host.node_avail_pages)
    yield from differs("host", "total_avail_pages", host.total_avail_pages, avail)
    yield from differs("host", "outstanding_claims", host.outstanding_claims, outstanding)


def limbo_pages(host: Host) -> dict[int, int]:
    """Pages in limbo that will count in tot_pages, per domain that has any."""
    limbo: dict[int, int] = {}
    for block in host.pages.blocks.values():
        if block.state is PageState.LIMBO and block.refcounted and block.domid is not None:
            limbo[block.domid] = limbo.get(block.domid, 0) + block.pages
    return limbo


def entitlement(host: Host) -> Iterator[Violation]:
    """Pages held, in limbo and claimed stay within max_pages (DS-22)."""
    limbo = limbo_pages(host)
    for domain in host.domains.values():
        total = domain.tot_pages + domain.global_claims + domain.node_claims
        if limbo:
            total += limbo.get(domain.domid, 0)
        if total > domain.max_pages:
            yield Violation(
                "entitlement",
                f"d{domain.domid}",
                f"tot_pages {domain.tot_pages} + limbo {limbo.get(domain.domid, 0)} + global_claims "
                f"{domain.global_claims} + node_claims {domain.node_claims} > max_pages {domain.max_pages}",
            )


def entitlement_without_limbo(host: Host) -> Iterator[Violation]:
    """The weaker form of ``entitlement``: pages held and claimed stay within max_pages."""
    for domain in host.domains.values():
        if domain.tot_pages + domain.global_claims + domain.node_claims > domain.max_pages:
            yield Violation(
                "entitlement-without-limbo",
                f"d{domain.domid}",
                f"tot_pages {domain.tot_pages} + global_claims {domain.global_claims} + node_claims "
                f"{domain.node_claims} > max_pages {domain.max_pages}",
            )


def conservation(host: Host) -> Iterator[Violation]:
    """Per node, free + limbo + assigned + anonymous + offlined = installed (``redeemed-once`` (a))."""
    used = [0] * len(host.node_pages)
    span = host.node_span
    for block in host.pages.blocks.values():
        used[block.mfn // span] += block.pages
    for mfn in host.pages.offlined:
        used[mfn // span] += 1
    for node, heap in enumerate(host.heap):
        free = heap.free_pages()
        if free != host.node_avail_pages[node]:
            yield Violation(
                "redeemed-once",
                f"node {node}",
                f"node_avail_pages {host.node_avail_pages[node]} != free pages in the heap {free}",
            )
        if free + used[node] != host.node_pages[node]:
            yield Violation(
                "redeemed-once",
                f"node {node}",
                f"free {free} + in use or offline {used[node]} != installed {host.node_pages[node]}",
            )


def ledger(host: Host) -> Iterator[Violation]:
    """Per domain and target, installed = outstanding + redeemed + released + recalled (``redeemed-once`` (b))."""
    for domain in host.domains.values():
        history = domain.history
        outstanding = [*domain.claims, domain.global_claims]
        for target, installed in enumerate(history.installed):
            gone = history.redeemed[target] + history.released[target] + history.recalled[target]
            if installed != outstanding[target] + gone:
                name = "global" if target == len(outstanding) - 1 else f"node {target}"
                yield Violation(
                    "redeemed-once",
                    f"d{domain.domid} {name}",
                    f"installed {installed} != outstanding {outstanding[target]} + redeemed, released and "
                    f"recalled {gone}",
                )


def redeemed_once(host: Host) -> Iterator[Violation]:
    """A page is never counted twice: conservation of pages, and the ledger of claims."""
    yield from conservation(host)
    yield from ledger(host)


def pages_disjoint(host: Host) -> Iterator[Violation]:
    """No page is in two places at once, and tot_pages counts the domain's pages (``redeemed-once`` (a))."""
    places = [(mfn, 1 << order, "free") for heap in host.heap for mfn, order in heap.blocks()]
    places += [(block.mfn, block.pages, block.state.value) for block in host.pages.blocks.values()]
    places += [(mfn, 1, "offlined") for mfn in host.pages.offlined]
    places.sort()
    for (mfn, pages, kind), (other, _, other_kind) in pairwise(places):
        if mfn + pages > other:
            yield Violation("redeemed-once", f"mfn {other}", f"both {kind} and {other_kind}")


def dead_hold_nothing(host: Host) -> Iterator[Violation]:
    """A dying domain holds no claims (DS-29)."""
    for domain in host.domains.values():
        if domain.is_dying and (domain.global_claims or domain.node_claims):
            yield Violation(
                "dead-hold-nothing",
                f"d{domain.domid}",
                f"dying with global_claims {domain.global_claims}, node_claims {domain.node_claims}",
            )


StateCheck = Callable[[Host], Iterator[Violation]]

STATE_PROPERTIES: dict[str, StateCheck] = {
    "node-backed": node_backed,
    "host-backed": host_backed,
    "aggregates-agree": aggregates_agree,
    "entitlement": entitlement,
    "entitlement-without-limbo": entitlement_without_limbo,
    "redeemed-once": redeemed_once,
    "dead-hold-nothing": dead_hold_nothing,
}


def check_state(host: Host) -> list[Violation]:
    """Everything that does not hold in this state, disjointness of pages included. Takes all locks."""
    with ExitStack() as locks:
        for domain in host.domains.values():
            locks.enter_context(domain.page_alloc_lock)
        locks.enter_context(host.heap_lock)
        found = [violation for check in STATE_PROPERTIES.values() for violation in check(host)]
        found += pages_disjoint(host)
    return found
