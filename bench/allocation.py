"""Allocation and free pairs a second, at several fill levels of a large host."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from reference.claims import ClaimEntry
from reference.state import Host
from reference.status import Status

from .effort import Effort
from .hosts import MEASURED, booted, fill, fragment, pairs
from .report import Section, Target, rate
from .timing import in_turn

ORDERS = (0, 9, 18)
WANTED = 40_000
EVEN = "any fill level (slowest)"
LONG_SEARCH = "all nodes full but the last"


@dataclass(frozen=True)
class _Case:
    name: str
    prepare: Callable[[Host], None]
    target: str | None = None  # that this counts for
    claim_on: Callable[[Host], list[int]] | None = None  # claimed again before each round
    node: int | None = None  # requested


def _cases(effort: Effort) -> list[_Case]:
    def evenly(percent: int) -> Callable[[Host], None]:
        return lambda host: fill(host, sum(host.node_pages) * percent // 100)

    def but_the_last_node(host: Host) -> None:
        fill(host, sum(host.node_pages[:-1]), nodes=host.nodes)

    def in_small_pieces(host: Host) -> None:
        evenly(50)(host)
        fragment(host, effort.holes)

    return [
        *(_Case(f"{percent} % in use", evenly(percent), EVEN) for percent in (0, 25, 50, 75, 99)),
        _Case(LONG_SEARCH, but_the_last_node, LONG_SEARCH),
        _Case(f"50 % in use, {effort.holes:,} holes of one page", in_small_pieces, EVEN),
        _Case("50 % in use, claims on every node", evenly(50), claim_on=lambda host: list(host.nodes)),
        _Case(
            "50 % in use, claim on the last node, memory of the first",
            evenly(50),
            claim_on=lambda host: [len(host.nodes) - 1],
            node=0,
        ),
    ]


def measure(effort: Effort) -> Section:
    """Every case with every order."""
    cases = _cases(effort)
    subjects, before = {}, {}
    for case in cases:
        host = booted(effort.nodes, effort.node_pages)
        case.prepare(host)
        for order in ORDERS:
            subjects[f"{case.name}, {order}"] = partial(pairs, host, order, effort.pairs, case.node)
            if case.claim_on is not None:
                before[f"{case.name}, {order}"] = partial(_claim, host, case.claim_on(host))
    times = in_turn(subjects, effort.many_rounds, before=before)
    per_second = {
        case: [(effort.pairs / t.best, effort.pairs / t.median) for t in (times[f"{case.name}, {o}"] for o in ORDERS)]
        for case in cases
    }
    return Section(
        title=f"Allocating and freeing on a host of {effort.nodes} nodes",
        text=(
            "Pairs of `alloc_domheap_pages` and `free_domheap_pages` a second, best (median) of\n"
            f"{effort.many_rounds} rounds of {effort.pairs} pairs, on {effort.nodes} nodes of {effort.node_pages:,}\n"
            "pages (4 KiB each; order 0 is a page, 9 is 2 MiB, 18 is 1 GiB). Locks are there but not checked;\n"
            "the lowest free block is taken. Memory in use is in blocks of 4 GiB, spread evenly, if not said\n"
            "otherwise: a page is then split off such a block in 20 steps, and merged back in 20. In the last row\n"
            "every page is redeemed from a claim on the node that is searched last."
        ),
        header=["state of the host", *(f"order {order}" for order in ORDERS)],
        rows=[
            [case.name, *(f"{rate(best)} ({rate(median)})" for best, median in rates)]
            for case, rates in per_second.items()
        ],
        targets=[
            _target(what, min(best for case, rates in per_second.items() if case.target == what for best, _ in rates))
            for what in (EVEN, LONG_SEARCH)
        ],
    )


def _target(what: str, slowest: float) -> Target:
    return Target(f"allocation and free, pairs a second, {what}", f"{WANTED:,}", rate(slowest), slowest >= WANTED)


def _claim(host: Host, nodes: list[int]) -> None:
    """Claims are used up by the pairs (freeing does not grow them back), so they are installed again."""
    domain = host.domain(MEASURED)
    most = domain.max_pages // len(nodes)
    entries = [ClaimEntry(min(most, host.node_avail_pages[node] // 2), node) for node in nodes]
    status = host.semantics.install_claim_set(host, domain, entries)
    assert status is Status.OK, status
