"""The differences between the generations of claims: methods that the common core calls.

The methods here are the rules of ``claim-sets``; a generation overrides those that differ. All need ``heap_lock`` held,
unless they say that they take the locks themselves. Counts are pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from . import claims
from .claims import ClaimEntry
from .constants import CLAIM_TARGET_LEGACY, MAX_NUMNODES
from .state import Domain, Host
from .status import MisuseError, Status


class Request(NamedTuple):
    """The arguments of ``alloc_heap_pages``."""

    pages: int
    order: int
    domain: Domain | None
    claimant: Domain | None  # the domain, if the request is refcounted and so may use claims (DS-30); None: otherwise
    node: int | None  # the requested node; None: any node
    memflags: int


class InstalledSet(NamedTuple):
    """Result of a query for the installed claims: there are ``needed`` entries; ``entries`` is set if it is OK."""

    status: Status
    needed: int = 0
    entries: tuple[ClaimEntry, ...] = ()


class Generation:
    """The rules of one generation of claims."""

    name: ClassVar[str]
    claim_counters: tuple[str, ...] = ("global_claims", "node_claims", "claims")
    """The fields of a domain's claims that an observer can read, by the hypervisor's names."""
    reserved_field: ClassVar[str] = "pad"
    """The name of the field of a claim entry that must be 0."""
    refuses_dying: ClassVar[bool] = True
    """``XENMEM_claim_pages`` refuses a dying domain."""
    refuses_llc_coloring: ClassVar[bool] = True
    """``XENMEM_claim_pages`` refuses every claim while LLC colouring is on."""
    redeems_at_alloc: ClassVar[bool] = True
    """Claims are redeemed when pages leave the heap, not when they are assigned."""
    stashes: ClassVar[bool] = True
    """The generation is based on a mainline of 2026-02 or later: ``populate_physmap`` may stash an extent."""
    drops_stash: ClassVar[bool] = True
    """A stashed extent is freed if it does not match a request or the domain is unpaused; else these are refused."""
    keeps_marks: ClassVar[bool] = False
    """``assign_pages`` leaves offline marks as they are."""
    kill_always_frees_stash: ClassVar[bool] = False
    """``domain_kill`` has its third section even without a stash, as in recordings of mainline."""

    def request_permitted(self, host: Host, request: Request) -> bool:
        """The host check, before the node search: the claimant is credited its complete set (DS-14)."""
        claimant = request.claimant
        own = 0 if claimant is None else claimant.outstanding()
        return claims.claims_permit_request(request.pages, host.total_avail_pages, host.outstanding_claims, own)

    def node_permits(self, host: Host, request: Request, node: int) -> bool:
        """The check of one candidate node: the claimant is credited its claim on that node only (DS-14)."""
        avail, outstanding = host.node_avail_pages[node], host.node_outstanding_claims[node]
        if request.pages > avail:
            return False  # independent of claims
        claimant = request.claimant
        own = 0 if claimant is None else claimant.claims[node]
        return claims.claims_permit_request(request.pages, avail, outstanding, own)

    def redeem(self, host: Host, claimant: Domain, pages: int, node: int) -> None:
        """Redeem claims for ``pages`` just taken from ``node``, in the same critical section (DS-17)."""
        claims.redeem_claims_for_allocation(host, claimant, pages, node)

    def limbo_ended(self, host: Host, domain: Domain, pages: int, node: int, *, stashed: bool) -> None:
        """Refcounted pages of ``node`` in limbo for the domain return to the heap; heap_lock is held.

        Claims redeemed for them are not restored (DS-28).
        """
        del host, node, stashed
        if self.redeems_at_alloc and not domain.is_dying:
            domain.history.lost += pages

    def pages_held(self, domain: Domain) -> int:
        """The pages that count against max_pages in addition to a claim; both locks are held."""
        return domain.tot_pages

    def refuses_claimant(self, domain: Domain) -> bool:
        """Whether the domain may get no claim; both locks are held."""
        del domain
        return False

    def set_max_pages(self, host: Host, domain: Domain, max_pages: int) -> Status:
        """``XEN_DOMCTL_max_mem``: store the new limit; neither tot_pages nor claims are checked."""
        del host
        with domain.page_alloc_lock:
            domain.max_pages = max_pages
        return Status.OK

    def limit_at_assign(self, host: Host, domain: Domain) -> int:
        """The largest tot_pages permitted after ``assign_pages``; page_alloc_lock is held, heap_lock is not."""
        del host
        return domain.max_pages

    def pages_assigned(self, host: Host, domain: Domain, pages: int, node: int, refcounted: bool) -> None:
        """Pages of ``node`` were assigned, extra pages too; page_alloc_lock is held, heap_lock is not."""

    def pages_released(self, host: Host, domain: Domain, pages: int, refcounted: bool) -> None:
        """Pages are being freed, and are not yet in the heap; page_alloc_lock is held, heap_lock is not."""

    def recall(self, host: Host, node: int) -> None:
        """Pages of ``node`` went offline: lower claims to the free pages (DS-26)."""
        claims.recall_claims(host, node)

    def claim_memory(self, host: Host, domain: Domain, entries: Sequence[ClaimEntry], pad: int) -> Status:
        """``XEN_DOMCTL_claim_memory``: a claim set or, with one LEGACY entry, a legacy claim (DS-33, DS-34)."""
        if host.llc_coloring_enabled:
            return Status.EOPNOTSUPP
        if not entries or pad != 0:
            return Status.EINVAL
        if len(entries) > MAX_NUMNODES + 1:
            return Status.E2BIG
        if domain.is_dying:
            return Status.ESRCH
        if len(entries) == 1 and entries[0].target == CLAIM_TARGET_LEGACY:
            return self.set_outstanding_pages(host, domain, entries[0].pages)
        return self.install_claim_set(host, domain, entries)

    def install_claim_set(self, host: Host, domain: Domain, entries: Sequence[ClaimEntry]) -> Status:
        """Replace the domain's claims by a set; takes both locks."""
        return claims.install_claim_set(host, domain, entries)

    def get_memory_claims(self, host: Host, domain: Domain, capacity: int, pad: int) -> InstalledSet:
        """The installed claims, for a caller with room for ``capacity`` entries; takes heap_lock.

        :raises MisuseError: the generation has no such query
        """
        del host, domain, capacity, pad
        raise MisuseError(f"{self.name} has no query of installed claims")

    def target_of_claim_pages(self, mem_flags: int) -> int | None | Status:
        """The node that the mem_flags of ``XENMEM_claim_pages`` name; None: host-wide; or the errno of a refusal."""
        return None if mem_flags == 0 else Status.EINVAL

    def pages_of_claim_pages(self, domain: Domain, pages: int) -> int:
        """The pages that ``XENMEM_claim_pages`` passes to ``set_outstanding_pages``; no lock is held."""
        del domain
        return pages

    def set_outstanding_pages(self, host: Host, domain: Domain, pages: int, node: int | None = None) -> Status:
        """The legacy claim; takes both locks. ``node`` is the target in single-node generations, else ignored."""
        del node
        return claims.set_outstanding_pages(host, domain, pages)
