"""What claims are good for, on the reference itself: would a request that the domain's claims cover be granted?

`claims-fulfilled` is one page, `superpage-fulfilled` a block of 2^k pages, k > 0: that needs the heap, which is not in
the model. Counts are pages.
"""

from collections.abc import Callable

from reference.constants import MAX_ORDER, MEMF_exact_node
from reference.generation import Request
from reference.page_alloc import get_free_buddy
from reference.properties import STATE_PROPERTIES, limbo_pages
from reference.state import Domain, Host
from reference.status import HypervisorCrash

OnHost = Callable[[Host], list[str]]
"""What is broken in a state of the reference, in words; empty if nothing is."""


def granted(host: Host, domain: Domain, order: int, node: int | None) -> bool:
    """Whether alloc_heap_pages would find a block now; on that node and no other, if one is given."""
    request = Request(1 << order, order, domain, domain, node, 0 if node is None else MEMF_exact_node)
    try:
        return host.semantics.request_permitted(host, request) and get_free_buddy(host, request) is not None
    except HypervisorCrash:
        return False  # the host stops instead


def _orders(pages: int, superpages: bool) -> range:
    """The orders of the blocks that a claim of so many pages covers: of a page only, or of all larger ones."""
    largest = min(pages.bit_length() - 1, MAX_ORDER)
    return range(1, largest + 1) if superpages else range(min(pages, 1))


def _on_node(superpages: bool) -> OnHost:
    def check(host: Host) -> list[str]:
        return [
            f"d{domain.domid} claims {domain.claims[node]} pages of node {node}, and is refused {_block(order)} there:"
            f" free are {_blocks(host, node)}"
            for domain in host.domains.values()
            if not domain.is_dying
            for node in host.nodes
            for order in _orders(domain.claims[node], superpages)
            if not granted(host, domain, order, node)
        ]

    return check


def _anywhere(superpages: bool) -> OnHost:
    def check(host: Host) -> list[str]:
        free = " and ".join(_blocks(host, node) for node in host.nodes)
        return [
            f"d{domain.domid} claims {domain.global_claims + domain.node_claims} pages, and is refused {_block(order)}"
            f" anywhere: free are {free}"
            for domain in host.domains.values()
            if not domain.is_dying
            for order in _orders(domain.global_claims + domain.node_claims, superpages)
            if not granted(host, domain, order, None)
        ]

    return check


def _delivered(host: Host) -> list[str]:
    """Whether assign_pages would accept one page more than those that are on their way."""
    limbo = limbo_pages(host)
    return [
        f"d{domain.domid} claims {domain.global_claims + domain.node_claims} pages, and has {domain.tot_pages} and"
        f" {limbo.get(domain.domid, 0)} in limbo, of at most {host.semantics.limit_at_assign(host, domain)}"
        for domain in host.domains.values()
        if not domain.is_dying and domain.global_claims + domain.node_claims
        if domain.tot_pages + limbo.get(domain.domid, 0) + 1 > host.semantics.limit_at_assign(host, domain)
    ]


def _block(order: int) -> str:
    return f"a block of {1 << order} pages" if order else "a page"


def _blocks(host: Host, node: int) -> str:
    """The free blocks of a node, by their frames."""
    spans = [f"{mfn}-{mfn + (1 << order) - 1}" if order else str(mfn) for mfn, order in free_blocks(host)[node]]
    return f"[{', '.join(spans)}]"


def free_blocks(host: Host) -> list[list[tuple[int, int]]]:
    """(mfn, order) of every free block, per node, ascending."""
    return [sorted(heap.blocks()) for heap in host.heap]


def _of_reference(name: str) -> OnHost:
    """A property that the reference checks of its own states; some report a weaker form under a name of its own."""
    check = next(c for n, c in STATE_PROPERTIES.items() if name == n or name.startswith(f"{n}-without"))
    return lambda host: [str(violation) for violation in check(host) if violation.property == name]


ON_REFERENCE: dict[str, OnHost] = {
    **{name: _of_reference(name) for name in (*STATE_PROPERTIES, "entitlement-without-limbo")},
    "claims-fulfilled.granted-on-node": _on_node(superpages=False),
    "claims-fulfilled.granted": _anywhere(superpages=False),
    "claims-fulfilled.delivered": _delivered,
    "superpage-fulfilled.node": _on_node(superpages=True),
    "superpage-fulfilled.anywhere": _anywhere(superpages=True),
}
"""The properties that can be searched on the reference, one name a part."""


def parts_on_reference(prop: str) -> list[str]:
    """The parts of a property, or the one part named, that can be searched on the reference."""
    return [name for name in ON_REFERENCE if prop in (name, name.partition(".")[0])]
