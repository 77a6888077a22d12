"""The events that can happen next on a tiny host of the reference, with small arguments: every choice of them.

An operation of several critical sections is begun by a builder and gone on with by `continue`, so that all
interleavings are tried. Which free block an allocation takes is a choice too. Units are pages.
"""

from collections.abc import Iterator
from functools import lru_cache
from itertools import product

from proofs.explore.running import Written
from reference.pages import PageState
from reference.state import Host


def next_events(host: Host, waiting: list[str], order: int, domctl: bool = True) -> Iterator[Written]:
    """Every event that may come next.

    :param waiting: builders in the middle of an operation
    :param order: the largest block that is asked for
    :param domctl: whether the domctl lock is free
    """
    new = f"builder-{1 + max((int(b.removeprefix('builder-')) for b in waiting), default=0)}"
    for domid in host.domains:
        alive = not host.domains[domid].is_dying
        yield from _legacy_claims(domid, _size(host), new)
        yield from _claims_on_a_node(host, domid, alive)
        if domctl:
            yield from _limits(domid, _size(host))
        if domctl and alive:
            if "claims" in host.semantics.claim_counters:
                yield from _claim_sets(domid, host.node_pages)
            yield {"op": "domain_kill", "domid": domid, "builder": new}
            yield {"op": "destroydomain", "domid": domid}
    yield from _allocations(host, order)
    yield from _used(host, new)
    yield from _offline(host)
    yield from ({"op": "continue", "builder": builder} for builder in waiting)


def _size(host: Host) -> int:
    return sum(host.node_pages)


@lru_cache
def _limits(domid: int, most: int) -> tuple[Written, ...]:
    return tuple({"op": "set_max_pages", "domid": domid, "max_pages": pages} for pages in range(most + 1))


@lru_cache
def _legacy_claims(domid: int, most: int, builder: str) -> tuple[Written, ...]:
    return tuple(
        {"op": "claim_pages", "domid": domid, "nr_extents": pages, "builder": builder} for pages in range(most + 1)
    )


def _claims_on_a_node(host: Host, domid: int, alive: bool) -> Iterator[Written]:
    if "claim_node" in host.semantics.claim_counters and (alive or not host.semantics.refuses_dying):
        for pages, node in product(range(_size(host) + 1), host.nodes):
            yield {"op": "set_outstanding_pages", "domid": domid, "pages": pages, "node": node}


@lru_cache
def _claim_sets(domid: int, node_pages: tuple[int, ...]) -> tuple[Written, ...]:
    """What claim_memory lets through to install_claim_set for a live domain."""
    sets = []
    for host_wide, *by_node in product(range(sum(node_pages) + 1), *(range(p + 1) for p in node_pages)):
        entries: list[dict[str, int | str]] = [
            {"pages": pages, "target": node} for node, pages in enumerate(by_node) if pages
        ]
        if host_wide or not entries:
            entries.append({"pages": host_wide, "target": "global"})
        sets.append({"op": "install_claim_set", "domid": domid, "claims": entries})
    return tuple(sets)


def _allocations(host: Host, largest: int) -> Iterator[Written]:
    for node, order in product(host.nodes, range(largest + 1)):
        first, pages = node * host.node_span, host.node_pages[node]
        for mfn in range(first, first + pages, 1 << order):
            if host.heap[node].find(mfn, order) is not None:
                request = {"order": order, "node": node, "memflags": ["exact_node"], "mfn": mfn, "on_node": node}
                for domid in (None, *host.domains):
                    yield {"op": "alloc_heap_pages", "domid": domid, **request}


def _used(host: Host, builder: str) -> Iterator[Written]:
    for block in sorted(host.pages.blocks.values(), key=lambda b: b.mfn):
        where = {"mfn": block.mfn, "order": block.order}
        domain = block.owner
        if block.state is PageState.LIMBO and domain is not None:
            if not domain.is_destroyed:
                yield {"op": "assign_pages", "domid": domain.domid, **where}
            if domain.is_dying or domain.tot_pages + block.pages > domain.max_pages:
                yield {"op": "free_heap_pages", **where}  # what follows an assign_pages that is refused
        if block.state is PageState.ASSIGNED:
            yield {"op": "free_domheap_pages", "builder": builder, **where}
        elif block.state is PageState.ANONYMOUS:
            yield {"op": "free_heap_pages", **where}


def _offline(host: Host) -> Iterator[Written]:
    for node in host.nodes:
        for mfn in range(node * host.node_span, node * host.node_span + host.node_pages[node]):
            online = mfn not in host.pages.offlined and mfn not in host.pages.offlining
            yield {"op": "offline_page" if online else "online_page", "mfn": mfn}
