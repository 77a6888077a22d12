"""The alphabets of the questions: kinds of events that may come next, with small arguments."""

from collections.abc import Callable, Iterator
from itertools import product

from proofs.explore.next_events import next_events
from proofs.explore.running import RunningHost
from proofs.operations import EventFields
from proofs.operations.model_steps import SMALLEST_PREEMPTED
from reference.constants import SCRUB_CHUNK
from reference.pages import PageState

May = Callable[[RunningHost], Iterator[EventFields]]


def any_of(*kinds: May) -> May:
    """The events that any of these gives."""
    return lambda running: (event for kind in kinds for event in kind(running))


def small(*ops: str) -> May:
    """The events of these operations that every search uses: single pages, functions of the hypervisor."""
    return lambda running: (
        event
        for event in next_events(running.host, sorted(running.begun), 0, not running.killing)
        if event["op"] in ops
    )


def sets(*, zero: bool = False) -> May:
    """`install_claim_set` with one entry, on a node or host-wide; `zero`: also of no pages."""

    def may(running: RunningHost) -> Iterator[EventFields]:
        host = running.host
        for domid, target in product(host.domains, (*host.nodes, "global")):
            for pages in range(0 if zero else 1, sum(host.node_pages) + 1):
                claims = [{"pages": pages, "target": target}]
                yield {"op": "install_claim_set", "domid": domid, "claims": claims}

    return may


def hypercall_sets(running: RunningHost) -> Iterator[EventFields]:
    """`claim_memory` with one entry on a node, or with none."""
    host = running.host
    for domid in host.domains:
        for node, pages in product(host.nodes, range(1, sum(host.node_pages) + 1)):
            yield {"op": "claim_memory", "domid": domid, "claims": [{"pages": pages, "target": node}]}
        yield {"op": "claim_memory", "domid": domid, "claims": []}


def requests(*orders: int, domids: tuple[int | None, ...] = (0, None), flags: tuple[str, ...] = ("exact_node",)) -> May:
    """`alloc_heap_pages` of these orders on each node, whether it will be granted or not."""

    def may(running: RunningHost) -> Iterator[EventFields]:
        host = running.host
        for order, node, domid in product(orders, host.nodes, domids):
            if domid is None or domid in host.domains:
                request = {"order": order, "node": node, "memflags": list(flags)}
                yield {"op": "alloc_heap_pages", "domid": domid, **request}

    return may


def assignments(running: RunningHost) -> Iterator[EventFields]:
    """`assign_pages` of each block in limbo; where that is refused, its pages may go back to the heap."""
    host = running.host
    for block in sorted(host.pages.blocks.values(), key=lambda b: b.mfn):
        domain = block.owner
        if block.state is PageState.LIMBO and domain is not None and not domain.is_destroyed:
            where = {"mfn": block.mfn, "order": block.order}
            yield {"op": "assign_pages", "domid": domain.domid, **where}
            if domain.tot_pages + block.pages > host.semantics.limit_at_assign(host, domain):
                yield {"op": "free_heap_pages", **where}


def whole_allocations(*orders: int) -> May:
    """`alloc_domheap_pages` of these orders on each node: allocated and assigned without interruption."""

    def may(running: RunningHost) -> Iterator[EventFields]:
        for domid, node, order in product(running.host.domains, running.host.nodes, orders):
            request = {"order": order, "node": node, "memflags": ["exact_node"]}
            yield {"op": "alloc_domheap_pages", "domid": domid, **request}

    return may


def populating(running: RunningHost) -> Iterator[EventFields]:
    """`populate_physmap` of a page by a builder, a critical section at a time."""
    host = running.host
    for domid in host.domains:
        builder = f"builder-{len(running.begun) + 1}"
        event = {"op": "populate_physmap", "domid": domid, "nr_extents": 1, "extent_order": 0, "builder": builder}
        yield event
    yield from ({"op": "continue", "builder": builder} for builder in sorted(running.begun))


def whole_host_claims(running: RunningHost) -> Iterator[EventFields]:
    """`install_claim_set` of all pages of a node."""
    host = running.host
    for domid, node in product(host.domains, host.nodes):
        claims = [{"pages": host.node_pages[node], "target": node}]
        yield {"op": "install_claim_set", "domid": domid, "claims": claims}


def preempted_populating(running: RunningHost) -> Iterator[EventFields]:
    """`populate_physmap` of an extent that is preempted while it is scrubbed, and of a single page."""
    for domid in running.host.domains:
        event = {"op": "populate_physmap", "domid": domid, "nr_extents": 1}
        yield event | {"extent_order": SMALLEST_PREEMPTED, "preempt_at": {"extent": 0, "scrub_index": SCRUB_CHUNK}}
        yield event | {"extent_order": 0}


def exchanges(running: RunningHost) -> Iterator[EventFields]:
    """`memory_exchange` of an assigned page for another."""
    for block in sorted(running.host.pages.blocks.values(), key=lambda b: b.mfn):
        if block.state is PageState.ASSIGNED and block.order == 0:
            arguments = {"in_mfns": [block.mfn], "in_order": 0, "out_order": 0}
            yield {"op": "memory_exchange", "domid": block.domid, **arguments}


def legacy_calls(most: int) -> May:
    """`claim_pages` of up to so many pages, without interruption."""

    def may(running: RunningHost) -> Iterator[EventFields]:
        for domid, pages in product(running.host.domains, range(1, most + 1)):
            yield {"op": "claim_pages", "domid": domid, "nr_extents": pages}

    return may
