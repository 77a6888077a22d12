"""The single-node generations: each domain has one claim, ``outstanding_pages``, on ``claim_node`` or host-wide.

A claim on a node is kept in ``claims[claim_node]``, a host-wide one in ``global_claims``.
"""

from collections.abc import Sequence

from ..claims import (
    ClaimEntry,
    deduct_global_claims,
    deduct_node_claims,
    exceeds_unsigned,
    release_all_claims,
    stake_claims,
)
from ..constants import (
    CLAIM_TARGET_NO_NODE,
    MAX_NUMNODES,
    NUMA_NO_NODE,
    MEMF_exact_node,
    XENMEMF_exact_node_request,
    XENMEMF_get_node,
)
from ..generation import Request
from ..state import Domain, Host, read_unlocked
from ..status import HypervisorCrash, Status
from .legacy import LegacyRedeemAtAlloc, LegacyRedeemAtAssign


def _stake(host: Host, domain: Domain, pages: int, node: int | None) -> None:
    domain.claim_node = node
    stake_claims(host, domain, {} if node is None else {node: pages}, pages if node is None else 0)


class SingleNodeV1(LegacyRedeemAtAssign):
    """``single-node-v1`` (2025-03): one check before the search, against the node given as an exact node."""

    name = "single-node-v1"
    claim_counters: tuple[str, ...] = ("outstanding_pages", "claim_node")

    def request_permitted(self, host: Host, request: Request) -> bool:
        target = self.checked_node(request)
        pages, claimant = request.pages, request.claimant
        if pages <= host.unclaimed() and (target is None or self.node_has(host, target, pages)):
            return True
        return claimant is not None and claimant.claim_node == target and claimant.outstanding() >= pages

    def checked_node(self, request: Request) -> int | None:
        """The node whose unclaimed pages are checked before the search."""
        return request.node if request.memflags & MEMF_exact_node else None

    def node_has(self, host: Host, node: int, pages: int) -> bool:
        """Whether an online node has that many unclaimed pages."""
        return node in host.nodes and pages <= host.unclaimed_on(node)

    def redeem_at_assign(self, host: Host, domain: Domain, pages: int, node: int) -> int:
        if domain.claim_node is None:
            return deduct_global_claims(host, domain, pages)
        if domain.claim_node == node:
            return deduct_node_claims(host, domain, node, pages)
        return 0

    def set_outstanding_pages(self, host: Host, domain: Domain, pages: int, node: int | None = None) -> Status:
        with domain.page_alloc_lock, host.heap_lock:
            if node is not None and (refused := self.node_refused(host, node)) is not None:
                return refused
            if pages == 0:
                release_all_claims(host, domain)
                return Status.OK
            if domain.outstanding() != 0:
                return Status.EINVAL
            total = domain.tot_pages + pages
            if total < 0 or total > domain.max_pages:  # below 0: wrapped, like `pages`
                return Status.EINVAL
            if exceeds_unsigned(pages, host.unclaimed()):
                return Status.ENOMEM
            if node is not None and (node not in host.nodes or exceeds_unsigned(pages, host.unclaimed_on(node))):
                return Status.ENOMEM
            _stake(host, domain, pages, node)
        return Status.OK

    def target_of_claim_pages(self, mem_flags: int) -> int | None | Status:
        """An exact node, below MAX_NUMNODES. Other flags are ignored: the posted check's mask is 0."""
        node = XENMEMF_get_node(mem_flags)
        if node == NUMA_NO_NODE:
            return None
        return node if mem_flags & XENMEMF_exact_node_request and node < MAX_NUMNODES else Status.EINVAL

    def node_refused(self, _host: Host, node: int) -> Status | None:
        """The errno if a claim cannot be on that node; None: it can."""
        return Status.EINVAL if node >= MAX_NUMNODES else None


class SingleNodeV2(SingleNodeV1):
    """``single-node-v2`` (2025-08): offline nodes are refused; the search skips nodes without unclaimed pages."""

    name = "single-node-v2"

    def target_of_claim_pages(self, mem_flags: int) -> int | None | Status:
        """No node: the domctl names it."""
        return None if mem_flags == 0 else Status.EINVAL

    def claim_memory(self, host: Host, domain: Domain, entries: Sequence[ClaimEntry], _pad: int) -> Status:
        """``XEN_DOMCTL_claim_memory``: a list of at most one (node, pages); an empty list releases."""
        if len(entries) > 1:
            return Status.EOPNOTSUPP
        pages, target, _entry_pad = entries[0] if entries else ClaimEntry(0, NUMA_NO_NODE)
        return self.set_outstanding_pages(host, domain, pages, None if target == NUMA_NO_NODE else target)

    def checked_node(self, request: Request) -> int | None:
        domain = request.domain
        if request.node is None and domain is not None and domain.node_affinity == (domain.claim_node,):
            return domain.claim_node
        return request.node

    def node_permits(self, host: Host, request: Request, node: int) -> bool:
        """Checked only if no node is requested and the host has claims; the domain's own claims do not count.

        The comparison is unsigned: a node whose claims exceed its free pages is not skipped.
        """
        if request.node is not None or host.outstanding_claims == 0:
            return True
        return not exceeds_unsigned(request.pages, host.unclaimed_on(node))

    def node_refused(self, host: Host, node: int) -> Status | None:
        return None if node in host.nodes else Status.EINVAL


class SingleNodeV3(SingleNodeV2):
    """``single-node-v3`` (2025-09): the legacy host check again, and every candidate node is checked."""

    name = "single-node-v3"

    def pages_of_claim_pages(self, domain: Domain, pages: int) -> int:
        """The legacy call names a total. tot_pages is read without its lock; a smaller total wraps."""
        return pages - read_unlocked(domain, "tot_pages") if pages else 0

    def request_permitted(self, host: Host, request: Request) -> bool:
        if request.pages <= host.unclaimed():
            return True
        return request.claimant is not None and request.claimant.outstanding() >= request.pages

    def node_permits(self, host: Host, request: Request, node: int) -> bool:
        """The domain's claim counts even for requests that are not refcounted."""
        if request.pages <= host.unclaimed_on(node):
            return True
        domain = request.domain
        return domain is not None and domain.claim_node == node and domain.outstanding() >= request.pages


class SingleNodeV4(LegacyRedeemAtAlloc):
    """``single-node-v4`` (2026-02): redeemed in the allocator; both checks mix; one claim, on its target only."""

    name = "single-node-v4"
    claim_counters: tuple[str, ...] = ("outstanding_pages", "claim_node")

    def request_permitted(self, host: Host, request: Request) -> bool:
        own = 0 if request.claimant is None else request.claimant.outstanding()
        return request.pages <= self._avail(host.unclaimed()) + own

    def node_permits(self, host: Host, request: Request, node: int) -> bool:
        claimant = request.claimant
        own = claimant.outstanding() if claimant is not None and claimant.claim_node == node else 0
        return request.pages <= self._avail(host.unclaimed_on(node)) + own

    def _avail(self, unclaimed: int) -> int:
        if unclaimed < 0:
            raise HypervisorCrash("BUG_ON: claims > avail_pages")
        return unclaimed

    def redeem(self, host: Host, claimant: Domain, pages: int, node: int) -> None:
        """Pages from another node redeem only what would exceed max_pages; tot and max are read without their lock."""
        held = claimant.outstanding()
        redeemed = pages if pages < held else held
        target = claimant.claim_node
        if target is not None and target != node:
            tot_pages, max_pages = read_unlocked(claimant, "tot_pages"), read_unlocked(claimant, "max_pages")
            booked = tot_pages + redeemed + held
            excess = booked - max_pages if booked > max_pages else 0
            if excess < redeemed:
                redeemed = excess
        if target is None:
            deduct_global_claims(host, claimant, redeemed)
        else:
            deduct_node_claims(host, claimant, target, redeemed)
        if claimant.outstanding() == 0:
            claimant.claim_node = None

    def claim_memory(self, host: Host, domain: Domain, entries: Sequence[ClaimEntry], pad: int) -> Status:
        """``XEN_DOMCTL_claim_memory``: exactly one entry, on a node or host-wide (NO_NODE)."""
        if host.llc_coloring_enabled:
            return Status.EOPNOTSUPP
        if pad != 0 or len(entries) != 1 or domain.is_dying or entries[0].pad != 0:
            return Status.EINVAL
        host_wide = entries[0].target in (CLAIM_TARGET_NO_NODE, NUMA_NO_NODE)
        return self.set_outstanding_pages(host, domain, entries[0].pages, None if host_wide else entries[0].target)

    def set_outstanding_pages(self, host: Host, domain: Domain, pages: int, node: int | None = None) -> Status:
        with domain.page_alloc_lock, host.heap_lock:
            if pages == 0:
                if node is not None:
                    return Status.EINVAL
                release_all_claims(host, domain)
                domain.claim_node = None
                return Status.OK
            if node is not None and node not in host.nodes:
                return Status.ENOENT
            if domain.outstanding() != 0:
                return Status.EINVAL
            if pages <= domain.tot_pages or pages > domain.max_pages:
                return Status.EINVAL
            claim = pages - domain.tot_pages
            if claim > (self._avail(host.unclaimed() if node is None else host.unclaimed_on(node))):
                return Status.ENOMEM
            _stake(host, domain, claim, node)
        return Status.OK
