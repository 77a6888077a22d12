"""The claim-set generations: claims on several nodes and host-wide, installed in one step, by the common core."""

from collections.abc import Sequence

from ..claims import ClaimEntry, checked_entries, installed_entries, stake_outstanding_pages
from ..constants import CLAIM_TARGET_GLOBAL, CLAIM_TARGET_LEGACY, MAX_NUMNODES
from ..generation import Generation, InstalledSet
from ..state import Domain, Host
from ..status import Status


class ClaimSets(Generation):
    """``claim-sets`` (2026-04): the design this project exists for."""

    name = "claim-sets"


class ClaimSetsNoRecall(ClaimSets):
    """``claim-sets-no-recall``: the design before recall at offlining was added."""

    name = "claim-sets-no-recall"

    def recall(self, host: Host, node: int) -> None:
        """Claims stay when pages go offline."""


def legacy_as_global(entries: Sequence[ClaimEntry]) -> list[ClaimEntry]:
    """The entries with LEGACY entries replaced by host-wide ones, as which they are checked."""
    return [
        entry._replace(target=CLAIM_TARGET_GLOBAL) if entry.target == CLAIM_TARGET_LEGACY else entry
        for entry in entries
    ]


class ClaimSetsV3(ClaimSets):
    """``claim-sets-v3`` (2026-05): the same rules; the total is kept, and the host-wide claim derived from it."""

    name = "claim-sets-v3"
    claim_counters = ("outstanding_pages", "node_claims", "claims")
    reserved_field = "cmd"

    def claim_memory(self, host: Host, domain: Domain, entries: Sequence[ClaimEntry], mode: int) -> Status:
        """The SET mode of ``XEN_DOMCTL_claim_memory``: one installer for every set."""
        if host.llc_coloring_enabled or mode != 0:
            return Status.EOPNOTSUPP
        if not entries:
            return Status.EINVAL
        if len(entries) > MAX_NUMNODES + 1:
            return Status.E2BIG
        if domain.is_dying:
            return Status.ESRCH
        return self.install_claim_set(host, domain, entries)

    def install_claim_set(self, host: Host, domain: Domain, entries: Sequence[ClaimEntry]) -> Status:
        """A LEGACY entry is checked as a host-wide one, and excludes pages on nodes."""
        if not any(entry.target == CLAIM_TARGET_LEGACY for entry in entries):
            return super().install_claim_set(host, domain, entries)
        with domain.page_alloc_lock, host.heap_lock:
            requested = checked_entries(host, domain, legacy_as_global(entries))
            if isinstance(requested, Status):
                return requested
            if requested.nodes_total != 0:
                return Status.EINVAL
            return stake_outstanding_pages(host, domain, requested.global_pages)

    def get_memory_claims(self, host: Host, domain: Domain, capacity: int, pad: int) -> InstalledSet:
        """The GET mode: always returns a host-wide entry; ERANGE with the needed count if there is no room."""
        if host.llc_coloring_enabled or pad != 0:
            return InstalledSet(Status.EOPNOTSUPP)
        if domain.is_dying:
            return InstalledSet(Status.ESRCH)
        entries = installed_entries(host, domain, empty_global=True)
        if len(entries) > capacity:
            return InstalledSet(Status.ERANGE, len(entries))
        return InstalledSet(Status.OK, len(entries), entries)
