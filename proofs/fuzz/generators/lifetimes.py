"""Events of a domain's life, and queries."""

from __future__ import annotations

from proofs.fuzz.world import RandomWorld
from proofs.traces.events import CreateDomain, DomainKill, SetMaxPages
from proofs.traces.own_events import (
    DestroyDomain,
    DomainDestroy,
    GetDomainInfo,
    GetOutstandingClaims,
    MaxMem,
    PauseDomain,
    RelinquishMemory,
    UnpauseDomain,
)
from reference.constants import UINT_MAX
from reference.state import Domain

MOST_DOMAINS = 6


def create_domain(world: RandomWorld) -> CreateDomain | None:
    """With an id that is free now; it may have been another domain's before."""
    draw, host = world.draw, world.host
    free = world.free_domids(MOST_DOMAINS)
    if not free:
        return None
    domid = draw.pick(free)
    nodes = len(host.node_pages)
    affinity = list(range(nodes))
    if nodes > 1 and draw.random() < 0.4:
        kept = draw.random()
        affinity = [node for node in affinity if draw.random() < kept] or [draw.below(nodes)]
    return CreateDomain(domid=domid, max_pages=_first_limit(world), node_affinity=affinity)


def _first_limit(world: RandomWorld) -> int:
    draw, total = world.draw, sum(world.host.node_pages)
    choice = draw.random()
    if choice < 0.1:
        return UINT_MAX
    if choice < 0.2:
        return draw.below(4)
    return min(UINT_MAX, draw.below(2 * total + 2))


def _limit(world: RandomWorld, domain: Domain) -> int:
    """A limit around what the domain has and claims."""
    draw = world.draw
    held, claimed = domain.tot_pages, domain.global_claims + domain.node_claims
    if draw.random() < 0.3:
        return _first_limit(world)
    return draw.near((held, held + claimed, domain.max_pages, domain.charged_pages + claimed, UINT_MAX))


def set_max_pages(world: RandomWorld) -> SetMaxPages | None:
    """The limit, as the function takes it: 32 bits."""
    domain = world.any_domain()
    return None if domain is None else SetMaxPages(domid=domain.domid, max_pages=min(UINT_MAX, _limit(world, domain)))


def max_mem(world: RandomWorld) -> MaxMem:
    """The limit, as the hypercall takes it: 64 bits."""
    domid = world.any_domid()
    domain = world.host.domains.get(domid)
    limit = 1 if domain is None else _limit(world, domain)
    return MaxMem(domid=domid, max_pages=limit if world.draw.random() < 0.97 else 2**64 - 1)


def domain_kill(world: RandomWorld) -> DomainKill | None:
    """Also of a domain that is dying already."""
    domid = world.populated_domid()
    return DomainKill(domid=domid) if domid in world.host.domains else None


def relinquish_memory(world: RandomWorld) -> RelinquishMemory | None:
    """Of a dying domain, whoever else works on it."""
    dying = [domain for domain in world.host.domains.values() if domain.is_dying]
    return RelinquishMemory(domid=world.draw.pick(dying).domid) if dying else None


def domain_destroy(world: RandomWorld) -> DomainDestroy | None:
    """Of a dying domain that owns no pages. It may have claims, and pages in limbo or stolen from it."""
    owners = {block.domid for block in world.owned_blocks()}
    domains = world.host.domains.values()
    empty = [d.domid for d in domains if d.is_dying and d.domid not in owners and d.domid not in world.killing]
    return DomainDestroy(domid=world.draw.pick(empty)) if empty else None


def destroydomain(world: RandomWorld) -> DestroyDomain | None:
    """All stages in one call, whoever works on the domain; ``domain_kill`` of it has left the domctl lock."""
    domid = world.any_domid()
    return None if domid in world.killing else DestroyDomain(domid=domid)


def pausedomain(world: RandomWorld) -> PauseDomain:
    """Of a domain, or of none."""
    return PauseDomain(domid=world.any_domid())


def unpausedomain(world: RandomWorld) -> UnpauseDomain:
    """Of a domain, or of none."""
    return UnpauseDomain(domid=world.populated_domid())


def getdomaininfo(world: RandomWorld) -> GetDomainInfo:
    """Of a domain, or of none."""
    return GetDomainInfo(domid=world.any_domid())


def get_outstanding_claims(_world: RandomWorld) -> GetOutstandingClaims:
    """Of the host."""
    return GetOutstandingClaims()
