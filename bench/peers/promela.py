"""The Promela text for one size: the template, and one option of its loop for each step and choice of arguments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path

from .subject import Size

TEMPLATE = Path(__file__).with_name("claim_sets.pml")


def text(size: Size, mistake: str = "") -> str:
    """A whole model."""
    head = [f"#define N {size.nodes}", f"#define D {size.domains}"]
    head += [f"#define PAGES {size.pages}", f"#define LIMIT {size.limit}"]
    head.append(f"#define INVARIANT ({' && '.join(_must_hold(size))})")
    if mistake:
        head.append(f"#define {mistake.replace('-', '_').upper()}")
    options = "\n".join(f"    :: d_step {{ {guard} -> {does}; check() }}" for guard, does in _options(size))
    return "\n".join(head) + "\n" + TEMPLATE.read_text(encoding="utf-8").replace("@OPTIONS@", options)


def _must_hold(size: Size) -> Iterator[str]:
    """node-backed, host-backed, aggregates-agree, entitlement-without-limbo."""
    domains, nodes = range(size.domains), range(size.nodes)
    yield from (f"node_outstanding_claims[{n}] <= node_avail_pages[{n}]" for n in nodes)
    yield "outstanding_claims <= total_avail_pages"
    yield f"total_avail_pages == {_sum(f'node_avail_pages[{n}]' for n in nodes)}"
    yield from (f"node_outstanding_claims[{n}] == {_sum(f'claims[CELL({d}, {n})]' for d in domains)}" for n in nodes)
    yield from (f"node_claims[{d}] == {_sum(f'claims[CELL({d}, {n})]' for n in nodes)}" for d in domains)
    yield f"outstanding_claims == {_sum(f'HELD({d})' for d in domains)}"
    yield from (f"tot_pages[{d}] + HELD({d}) <= LIMIT" for d in domains)


def _sum(terms: Iterable[str]) -> str:
    return f"({' + '.join(terms)})"


def _options(size: Size) -> Iterator[tuple[str, str]]:
    """Guard and statements of every step."""
    domains, nodes = range(size.domains), range(size.nodes)
    for d in domains:
        for claim_set in size.sets():
            yield _claim(d, claim_set)
        yield f"domctl_lock == NOBODY && !is_dying[{d}]", f"is_dying[{d}] = true; domctl_lock = {d}"
        yield f"domctl_lock == {d}", f"release({d}); domctl_lock = NOBODY"
    for d, n in product(domains, nodes):
        limbo, assigned = f"limbo[CELL({d}, {n})]", f"assigned[CELL({d}, {n})]"
        yield f"MAY_ALLOC({d}, {n})", f"leave_heap({n}); redeem({d}, {n}); {limbo} = {limbo} + 1"
        took = f"{limbo} = {limbo} - 1"
        yield (
            f"{limbo} >= 1 && !REFUSED({d})",
            f"{took}; {assigned} = {assigned} + 1; tot_pages[{d}] = tot_pages[{d}] + 1",
        )
        yield f"{limbo} >= 1 && REFUSED({d})", f"{took}; transit[{n}] = transit[{n}] + 1"
        freed = f"{assigned} = {assigned} - 1; tot_pages[{d}] = tot_pages[{d}] - 1; transit[{n}] = transit[{n}] + 1"
        yield f"{assigned} >= 1", freed
    for n in nodes:
        enter = f"node_avail_pages[{n}] = node_avail_pages[{n}] + 1; total_avail_pages = total_avail_pages + 1"
        yield f"MAY_ALLOC_UNOWNED({n})", f"leave_heap({n}); anonymous[{n}] = anonymous[{n}] + 1"
        yield f"transit[{n}] >= 1", f"transit[{n}] = transit[{n}] - 1; {enter}"
        yield f"anonymous[{n}] >= 1", f"anonymous[{n}] = anonymous[{n}] - 1; transit[{n}] = transit[{n}] + 1"
        yield f"node_avail_pages[{n}] >= 1", f"leave_heap({n}); offlined[{n}] = offlined[{n}] + 1; recall({n})"
        yield f"offlined[{n}] >= 1", f"offlined[{n}] = offlined[{n}] - 1; {enter}"


def _claim(d: int, claim_set: tuple[int, ...]) -> tuple[str, str]:
    """install_claim_set, on the condition that nothing of the domain is in limbo."""
    *by_node, host_wide = claim_set
    checks = [f"MAY_CLAIM({d}, {sum(claim_set)})", *(f"limbo[CELL({d}, {n})] == 0" for n in range(len(by_node)))]
    checks += [f"FITS({d}, {n}, {pages})" for n, pages in enumerate(by_node)]
    does = [f"release({d})", f"global_claims[{d}] = {host_wide}", f"node_claims[{d}] = {sum(by_node)}"]
    for n, pages in enumerate(by_node):
        does.append(f"claims[CELL({d}, {n})] = {pages}")
        does.append(f"node_outstanding_claims[{n}] = node_outstanding_claims[{n}] + {pages}")
    does.append(f"outstanding_claims = outstanding_claims + {sum(claim_set)}")
    return " && ".join(checks), "; ".join(does)
