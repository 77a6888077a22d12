"""Events that stake and release claims: at the bounds of their checks, or of any size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from proofs.fuzz.world import UNKNOWN_DOMID, RandomWorld
from proofs.traces.events import Claim, InstallClaimSet, SetOutstandingPages
from proofs.traces.own_events import ClaimMemory, ClaimPages, GetMemoryClaims, HypercallClaim
from reference.constants import (
    CLAIM_TARGET_LEGACY,
    MAX_NUMNODES,
    NUMA_NO_NODE,
    UINT_MAX,
    XENMEMF_exact_node_request,
)
from reference.state import Domain

Entry = TypeVar("Entry", Claim, HypercallClaim)

_BAD_TARGETS = (MAX_NUMNODES - 1, MAX_NUMNODES, 255, 256, 2**31 - 1, 2**31 + 1, UINT_MAX)
"""Not online on all but the largest host, or no node at all."""


def _entries(world: RandomWorld, domain: Domain, make: Callable[..., Entry]) -> list[Entry]:
    """The entries of a claim set: mostly different nodes, and a host-wide one; mostly of pages there are."""
    host, draw, wild = world.host, world.draw, world.wild
    nodes = len(host.node_pages)
    if draw.random() < 0.002:
        return _too_many(world, make)
    host_room = host.total_avail_pages - host.outstanding_claims + domain.global_claims + domain.node_claims
    limit_room = domain.max_pages - domain.tot_pages
    entries: list[Entry] = []
    targets = draw.below(min(nodes, 4) + 2)
    first = draw.below(nodes)
    for number in range(targets):
        choice = draw.random()
        room = host_room if host_room < limit_room else limit_room
        bounds: tuple[int, ...] = (host_room, limit_room, domain.max_pages, UINT_MAX)
        if choice < 0.25:
            target: int | str = "global"
        elif choice < 0.02 * wild + 0.25:
            target = draw.pick(_BAD_TARGETS)
        else:
            target = (first + number) % nodes if draw.random() < 0.97 else draw.below(nodes)
            fits = host.node_avail_pages[target] - host.node_outstanding_claims[target] + domain.claims[target]
            room = fits if fits < room else room
            bounds = (fits, *bounds)
        pages = draw.pages(room, bounds, wild)
        entries.append(make(pages, target, 1 if draw.random() < wild * 0.05 else 0))
        host_room -= pages
        limit_room -= pages
    return entries


def _too_many(world: RandomWorld, make: Callable[..., Entry]) -> list[Entry]:
    """About as many entries as a call may have, each for nothing."""
    count = MAX_NUMNODES + world.draw.below(3)
    nodes = len(world.host.node_pages)
    return [make(0, node if node < nodes else "global") for node in range(count)]


def install_claim_set(world: RandomWorld) -> InstallClaimSet | None:
    """The hypervisor's function. Where it does not look at is_dying, its callers have, under the domctl lock."""
    domain = world.any_domain()
    if domain is None or (domain.is_dying and not world.host.semantics.refuses_claimant(domain)):
        return None
    draw = world.draw
    claims = _entries(world, domain, Claim) if draw.random() < 0.95 else []
    if draw.random() < 0.08:
        claims.append(Claim(_legacy_pages(world, domain), CLAIM_TARGET_LEGACY))
    return InstallClaimSet(domid=domain.domid, claims=claims)


def claim_memory(world: RandomWorld) -> ClaimMemory | None:
    """The hypercall: a set, or one legacy entry; in single-node generations, a list that should have one entry."""
    draw = world.draw
    domain = world.any_domain()
    if domain is None:
        return None
    domid = domain.domid if draw.random() < 0.97 else UNKNOWN_DOMID
    if "claim_node" in world.host.semantics.claim_counters:
        claims = _single_entries(world, domain)
    elif draw.random() < 0.15:
        claims = [HypercallClaim(_legacy_pages(world, domain), "legacy")]
    else:
        claims = _entries(world, domain, _hypercall_claim(world))
        if draw.random() < 0.03:
            claims.append(HypercallClaim(_legacy_pages(world, domain), "legacy"))
    return ClaimMemory(
        domid=domid, claims=claims, pad=1 + draw.below(2) if draw.random() < _malformed(world, 0.02) else 0
    )


def _malformed(world: RandomWorld, often: float) -> float:
    """How often a hypercall is malformed: where LLC colouring refuses them all, it tells which check is the first."""
    return 0.5 if world.host.llc_coloring_enabled else often


def _hypercall_claim(world: RandomWorld) -> Callable[[int, int | str, int], HypercallClaim]:
    reserved = world.host.semantics.reserved_field

    def make(pages: int, target: int | str, value: int = 0) -> HypercallClaim:
        return HypercallClaim(pages, target, **{reserved: value})  # type: ignore[arg-type]  # it is one of the names

    return make


def _single_entries(world: RandomWorld, domain: Domain) -> list[HypercallClaim]:
    """Mostly one entry, on a node or the host; its pages fit the node, or are as of the legacy call."""
    draw = world.draw
    choice = draw.random()
    if choice < 0.05:
        return []
    if choice < 0.08:
        return _entries(world, domain, HypercallClaim)
    node = world.any_node()
    target: Any = node
    if node is None:
        target = NUMA_NO_NODE if draw.random() < 0.7 else "no_node"
    return [HypercallClaim(_single_pages(world, domain, node), target, 1 if draw.random() < 0.02 else 0)]


def _single_pages(world: RandomWorld, domain: Domain, node: int | None) -> int:
    """The pages of a claim on a node, or as of the legacy call."""
    host, draw = world.host, world.draw
    pages = _legacy_pages(world, domain)
    if node is None or node >= len(host.node_pages) or not pages:
        return pages
    room = host.node_avail_pages[node] - host.node_outstanding_claims[node]
    bounds = (room, room + domain.tot_pages, domain.max_pages, domain.max_pages - domain.tot_pages)
    return draw.pages(min(room, domain.max_pages), bounds, world.wild)


def get_memory_claims(world: RandomWorld) -> GetMemoryClaims:
    """With room for all entries there may be, or for about as many as there are."""
    draw = world.draw
    capacity = MAX_NUMNODES + 1 if draw.random() < 0.4 else draw.below(5)
    return GetMemoryClaims(domid=world.any_domid(), capacity=capacity, pad=1 if draw.random() < 0.05 else 0)


def _legacy_pages(world: RandomWorld, domain: Domain) -> int:
    """What a domain shall have in all: 0 releases."""
    host, draw = world.host, world.draw
    if draw.random() < 0.25:
        return 0
    unclaimed = host.unclaimed()
    limit_room = domain.max_pages - domain.tot_pages
    room = unclaimed if unclaimed < limit_room else limit_room
    held = domain.tot_pages
    pages = draw.pages(room, (unclaimed, limit_room, domain.max_pages, held, unclaimed + held, UINT_MAX), world.wild)
    return pages + held if draw.random() < 0.7 and pages + held < 2**64 else pages


def claim_pages(world: RandomWorld) -> ClaimPages | None:
    """``XENMEM_claim_pages``."""
    draw = world.draw
    domain = world.any_domain()
    if domain is None:
        return None
    domid = domain.domid if draw.random() < 0.97 else UNKNOWN_DOMID
    node = world.any_node()
    event = ClaimPages(domid=domid, nr_extents=_legacy_pages(world, domain))
    if world.host.semantics.target_of_claim_pages(1 << 8 | XENMEMF_exact_node_request) == 0 and node is not None:
        exact = XENMEMF_exact_node_request if draw.random() < 0.95 else 0
        event.nr_extents = _single_pages(world, domain, node)
        event.mem_flags = ((node + 1) & 0xFF) << 8 | exact | (1 if draw.random() < 0.1 else 0)
    if draw.random() < _malformed(world, 0.03):
        setattr(event, draw.pick(("extent_order", "mem_flags", "extent_start")), 1)
    return event


def set_outstanding_pages(world: RandomWorld) -> SetOutstandingPages | None:
    """The hypervisor's function; in single-node generations with a node."""
    domain = world.any_domain()
    if domain is None:
        return None
    if "claim_node" not in world.host.semantics.claim_counters:
        return SetOutstandingPages(domid=domain.domid, pages=_legacy_pages(world, domain))
    node = None if domain.is_dying and world.host.semantics.refuses_dying else world.any_node()
    return SetOutstandingPages(domid=domain.domid, pages=_single_pages(world, domain, node), node=node)
