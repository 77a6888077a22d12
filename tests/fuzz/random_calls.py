"""Random states of the model, and every call with arguments of every kind, for the tests of the compiled form."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from model.calls import ANONYMOUS, ASSIGNED, CALL_FIELDS, FREE, GLOBAL, IN_USE, LEGACY, LIMBO, NO_NODE, OFFLINED, Entry
from model.state import Shape
from proofs.fuzz.numbers import ModelState, Pages

NODES, DOMAINS = 3, 2
EVALUATED = frozenset({"create_domain", "exchange_check"})
"""Calls that are evaluated on numbers as they stand, and never compiled."""


def random_state(random: Random, nodes: int = NODES, domains: int = DOMAINS) -> ModelState:
    """Small numbers of no particular consistency, not below 0."""
    s = ModelState([random.randrange(9) for _ in range(nodes)], range(domains), random.random() < 0.2)
    for info in CALL_FIELDS.values():
        if info.name in ("llc_coloring", "claim_node", "last_alloc_node", "domctl_lock", "stash_node"):
            continue

        def entry(flag: bool = info.flag) -> Any:
            return random.random() < 0.5 if flag else random.choice((0, 0, 1, 2, 3, random.randrange(12)))

        if info.shape is Shape.HOST:
            value: Any = entry()
        elif info.shape is Shape.CELL:
            value = [[entry() for _ in range(nodes)] for _ in range(domains)]
        else:
            value = [entry() for _ in range(nodes if info.shape is Shape.NODE else domains)]
        setattr(s, info.name, value)
    s.is_created = [random.random() < 0.9 for _ in range(domains)]
    s.is_destroyed = [random.random() < 0.1 for _ in range(domains)]
    s.stash_node = [random.randrange(nodes) for _ in range(domains)]
    s.is_dying = [random.random() < 0.2 for _ in range(domains)]
    s.claim_node = [random.randrange(-1, nodes) for _ in range(domains)]
    s.last_alloc_node = [random.randrange(-1, nodes) for _ in range(domains)]
    if random.random() < 0.7:  # mostly there is room, so that calls get to their last checks
        s.total_avail_pages += 60
        s.node_avail_pages = [pages + 12 for pages in s.node_avail_pages]
        s.max_pages = [pages + random.choice((3, 40)) for pages in s.max_pages]
        if random.random() < 0.6:
            s.claims = [[0] * nodes for _ in range(domains)]
            s.node_claims, s.global_claims = [0] * domains, [0] * domains
    return s


def _block(random: Random, state: str, owner: int | None, refcounted: bool) -> Pages:
    order = random.randrange(4)
    block = Pages(order, random.randrange(NODES), state, owner, refcounted, None)
    block.marked = random.randrange(block.pages + 1)
    return block


def _entries(random: Random, count: int) -> list[Entry]:
    targets = (0, 1, 2, 2, GLOBAL, GLOBAL, LEGACY, NODES, 255, NO_NODE)
    pages = (0, 1, 2, 3, 2**32 - 1, 2**64 - 1)
    return [
        Entry(
            random.choice(pages[:4] if random.random() < 0.8 else pages),
            random.choice(targets),
            int(random.random() < 0.1),
        )
        for _ in range(count)
    ]


def calls(random: Random) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every compiled call, each kind once, with random numbers. An allocation has what it needs for its search."""
    domid = random.randrange(DOMAINS)
    pages = random.choice((0, 1, 2, 5, 30, 2**32 - 1, 2**64 - 1))
    for known in (domid, None):
        yield "max_mem", {"domid": known, "max_pages": pages}
        yield "pausedomain", {"domid": known}
        yield "domain_unpause_by_systemcontroller", {"domid": known}
        yield "getdomaininfo", {"domid": known}
        yield "get_memory_claims", {"domid": known, "capacity": random.randrange(4), "pad": random.choice((0, 0, 0, 1))}
        yield "claim_memory", {"domid": known, "entries": _entries(random, 1), "pad": random.choice((0, 0, 0, 1))}
        flags = random.choice((0, 0, 1, 1 << 8 | 1 << 17, 3 << 8 | 1 << 17, 65 << 8 | 1 << 17, 2 << 8, 1 << 17))
        checked = {"extent_order": random.choice((0, 0, 1)), "mem_flags": flags, "has_extent_start": False}
        yield "claim_pages_check", {"domid": known, "pages": pages, **checked}
    yield "set_max_pages", {"domid": domid, "max_pages": pages}
    yield "mark_dying", {"domid": domid}
    yield "release_all_claims", {"domid": domid}
    yield "domain_destroy", {"domid": domid}
    yield "finish_kill", {"domid": domid}
    for freed in (False, True):
        yield "put_domain", {"domid": domid, "freed": freed}
    yield "get_outstanding_claims", {}
    for node in (None, random.randrange(NODES), NODES):
        yield "set_outstanding_pages", {"domid": domid, "pages": random.choice((pages, 0, 1, 4, -2)), "node": node}
    for count in (0, 2):
        yield "install_claim_set", {"domid": domid, "entries": _entries(random, count)}
        yield "claim_memory", {"domid": domid, "entries": _entries(random, count), "pad": 0}
    for requested in (None, random.randrange(NODES)):
        for flags_of in ({}, {"exact": True}, {"no_refcount": True}, {"no_owner": True}):
            yield "alloc_heap_pages", {"domid": domid, "order": random.randrange(4), "requested": requested, **flags_of}
    yield "alloc_heap_pages", {"domid": None, "order": random.choice((0, 3, 21)), "requested": None}
    limbo, assigned = _block(random, LIMBO, domid, True), _block(random, ASSIGNED, domid, True)
    yield "assign_pages", {"domid": domid, "block": limbo, "no_refcount": False}
    yield "assign_pages", {"domid": domid, "block": _block(random, LIMBO, domid, False), "no_refcount": True}
    yield "release_ownership", {"block": assigned}
    yield "release_ownership", {"block": _block(random, ASSIGNED, domid, False)}
    for block in (limbo, assigned, _block(random, ANONYMOUS, None, False)):
        yield "free_heap_pages", {"block": block}
        yield "steal_page", {"domid": domid, "block": block}
    yield "steal_page", {"domid": domid, "block": None}
    yield "assign_in_exchange", {"domid": domid, "block": _block(random, ANONYMOUS, None, False)}
    yield "drop_tot_pages", {"domid": domid, "pages": random.randrange(3)}
    extent = {"domid": domid, "pages": random.choice((1, 2, 512))}
    for requested in (None, random.randrange(NODES), NODES):
        for exact in (False, True):
            yield "get_stashed_allocation", {**extent, "requested": requested, "exact": exact}
    yield "creation_check", {"domid": domid}
    index = random.choice((0, 256))
    yield "preemption_check", {**extent, "scrub_index": index, "preempt_at": random.choice((256, 512))}
    yield "stash_allocation", {"domid": domid, "block": limbo, "scrub_index": 256}
    yield "stash_check", {"domid": domid}
    yield "take_stash", {"domid": domid}
    yield "free_stash", {"domid": domid, "block": limbo}
    yield "offline_marked", {"block": limbo}
    for page in (FREE, IN_USE, OFFLINED):
        for marked in (False, True):
            yield "offline_page", {"node": random.randrange(NODES), "page": page, "marked": marked}
            yield "online_page", {"node": random.randrange(NODES), "page": page, "marked": marked}
