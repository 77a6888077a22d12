"""One build of a domain, as a toolstack does it: claim, populate with falling extent sizes, release what is left."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from proofs.simulate.policies import PagesByTarget, Policy
from proofs.simulate.scenario import ORDERS
from reference.hypercalls import destroydomain
from reference.populate import populate_physmap
from reference.state import Domain, Host, create_domain
from reference.status import Status
from reference.steps import Steps


class BuildEnding(Enum):
    """How a build ended."""

    COMPLETED = "completed"
    FAILED_AT_CLAIM = "failed at the claim"
    FAILED_HALF_WAY = "failed half-way"


@dataclass
class BuildResult:
    """What a build got. Counts are pages."""

    ending: BuildEnding = BuildEnding.FAILED_HALF_WAY
    wanted_on_node: int = 0
    got_on_node: int = 0
    by_order: dict[int, int] = field(default_factory=lambda: dict.fromkeys(ORDERS.values(), 0))
    refused_large: int = 0
    """Large extents (2 MiB, 1 GiB) refused although claims held would have paid for all of them."""
    claims_lost: int = 0
    """Pages claimed on a node for which the domain got memory elsewhere or no memory: recalled, or redeemed in vain."""

    @property
    def pages(self) -> int:
        """All pages allocated for the domain."""
        return sum(self.by_order.values())


def build(host: Host, domid: int, wanted: PagesByTarget, largest: int, policy: Policy) -> Steps[BuildResult]:
    """Build a domain, critical section by critical section; a build that fails releases everything.

    :param wanted: pages by node, None for anywhere
    :param largest: the order of the largest extents tried
    """
    built = BuildResult(wanted_on_node=sum(pages for node, pages in wanted.items() if node is not None))
    domain = create_domain(host, domid, sum(wanted.values()))
    if (yield from policy.claim(host, domain, wanted)) is not Status.OK:
        built.ending = BuildEnding.FAILED_AT_CLAIM
        yield from destroydomain(host, domid)
        return built
    orders = [order for order in sorted(ORDERS.values(), reverse=True) if order <= largest]
    got: dict[int, int] = {}
    complete = True
    for node, pages in wanted.items():
        complete = yield from _populate(host, domain, node, pages, orders, built, got)
        if not complete:
            break
    built.claims_lost = _claims_lost(domain, got)
    if complete:
        built.ending = BuildEnding.COMPLETED
        yield
        host.semantics.set_outstanding_pages(host, domain, 0)
    else:
        yield from destroydomain(host, domid)
    return built


def _populate(
    host: Host, domain: Domain, node: int | None, pages: int, orders: list[int], built: BuildResult, got: dict[int, int]
) -> Steps[bool]:
    """Fill `pages` with extents of the first order; where one is refused, that part with the next smaller ones."""
    order, smaller = orders[0], orders[1:]
    extents, rest = pages >> order, pages & ((1 << order) - 1)
    while extents:
        mfns = (yield from populate_physmap(host, domain.domid, extents, order, node)).mfns
        for mfn in mfns:
            built.by_order[order] += 1 << order
            on_node = host.node_of(mfn)
            got[on_node] = got.get(on_node, 0) + (1 << order)
            built.got_on_node += (1 << order) if on_node == node else 0
        extents -= len(mfns)
        if not extents:
            break
        if not smaller:
            return False
        held = domain.claims[node] if node is not None else domain.global_claims
        built.refused_large += held >= 1 << order
        yield
        if not (yield from _populate(host, domain, node, 1 << order, smaller, built, got)):
            return False
        extents -= 1
    if rest and smaller:
        yield
        return (yield from _populate(host, domain, node, rest, smaller, built, got))
    return not rest


def _claims_lost(domain: Domain, got: dict[int, int]) -> int:
    """Claims on nodes that were recalled, or redeemed beyond what the domain got there."""
    history = domain.history
    lost = sum(history.recalled)
    for node, redeemed in enumerate(history.redeemed[:-1]):
        lost += max(0, redeemed - got.get(node, 0))
    return lost
