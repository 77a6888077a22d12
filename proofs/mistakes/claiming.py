"""Mistakes in installing and releasing claims."""

from __future__ import annotations

from collections.abc import Sequence

from reference.claims import ClaimEntry, release_all_claims, stake_claims
from reference.constants import CLAIM_TARGET_GLOBAL
from reference.state import Domain, Host
from reference.status import Status

from .override import Override


class InstallAccumulates(Override):
    """A new claim set is added to the one that the domain has, instead of replacing it."""

    def install_claim_set(self, host: Host, domain: Domain, entries: Sequence[ClaimEntry]) -> Status:
        with host.heap_lock:
            held = {node: pages for node, pages in enumerate(domain.claims) if pages != 0}
            held_globally = domain.global_claims
        status = super().install_claim_set(host, domain, entries)
        if status is Status.OK:
            with host.heap_lock:
                stake_claims(host, domain, held, held_globally)
        return status


class FailedInstallDropsClaims(Override):
    """The old claims are dropped before the new set is checked: a refused set leaves the domain without claims."""

    def install_claim_set(self, host: Host, domain: Domain, entries: Sequence[ClaimEntry]) -> Status:
        status = super().install_claim_set(host, domain, entries)
        if status is not Status.OK:
            with host.heap_lock:
                release_all_claims(host, domain)
        return status


class OwnClaimsNotCredited(Override):
    """A claim set that replaces another must fit the unclaimed pages in addition to the old set."""

    def install_claim_set(self, host: Host, domain: Domain, entries: Sequence[ClaimEntry]) -> Status:
        with host.heap_lock:
            for pages, target, _ in entries:
                if (
                    target in host.nodes
                    and pages > host.node_avail_pages[target] - host.node_outstanding_claims[target]
                ):
                    return Status.ENOMEM
        return super().install_claim_set(host, domain, entries)


class DuplicateNodeAccepted(Override):
    """A node named twice in a claim set gets the sum of both."""

    def install_claim_set(self, host: Host, domain: Domain, entries: Sequence[ClaimEntry]) -> Status:
        merged: dict[tuple[int, bool], ClaimEntry] = {}
        for at, entry in enumerate(entries):
            key = (at, False) if entry.target == CLAIM_TARGET_GLOBAL or entry.pad != 0 else (entry.target, True)
            merged[key] = entry._replace(pages=entry.pages + merged[key].pages) if key in merged else entry
        return super().install_claim_set(host, domain, list(merged.values()))


class TargetOnlyAvailability(Override):
    """A set of node claims is checked against the free pages of its nodes, not against those of the host."""

    def install_claim_set(self, host: Host, domain: Domain, entries: Sequence[ClaimEntry]) -> Status:
        status = super().install_claim_set(host, domain, entries)
        if status is not Status.ENOMEM:
            return status
        with host.heap_lock:
            wanted = {target: pages for pages, target, _ in entries}
            for node, pages in wanted.items():
                if node == CLAIM_TARGET_GLOBAL:
                    return status
                unclaimed = host.node_avail_pages[node] - host.node_outstanding_claims[node]
                if pages > unclaimed + domain.claims[node]:
                    return status
            release_all_claims(host, domain)
            stake_claims(host, domain, wanted, 0)
        return Status.OK


class PagesHeldNotCounted(Override):
    """Only claims count against max_pages: the pages that the domain has do not count."""

    def pages_held(self, _domain: Domain) -> int:
        return 0


class LimitOffByOne(Override):
    """Claims and pages may exceed max_pages by one."""

    def pages_held(self, domain: Domain) -> int:
        held = super().pages_held(domain)
        return held - 1 if held else held


class NodesCheckedFirst(Override):
    """Offline targets are checked first, before all other checks: the wrong errno."""

    def install_claim_set(self, host: Host, domain: Domain, entries: Sequence[ClaimEntry]) -> Status:
        if any(entry.target not in (*host.nodes, CLAIM_TARGET_GLOBAL) for entry in entries):
            return Status.ENOENT
        return super().install_claim_set(host, domain, entries)


class LegacyOnTopOfSet(Override):
    """The legacy call is accepted while the domain holds claims, and replaces them."""

    def set_outstanding_pages(self, host: Host, domain: Domain, pages: int, node: int | None = None) -> Status:
        with host.heap_lock:
            held = {at: claim for at, claim in enumerate(domain.claims) if claim != 0}
            held_globally = domain.global_claims
            release_all_claims(host, domain)
        status = super().set_outstanding_pages(host, domain, pages, node)
        if status is not Status.OK:
            with host.heap_lock:
                stake_claims(host, domain, held, held_globally)
        return status


class ReleaseKeepsGlobal(Override):
    """Releasing all claims by the legacy call with 0 pages forgets the host-wide one."""

    def set_outstanding_pages(self, host: Host, domain: Domain, pages: int, node: int | None = None) -> Status:
        with host.heap_lock:
            held_globally = domain.global_claims
        status = super().set_outstanding_pages(host, domain, pages, node)
        if pages == 0:
            with host.heap_lock:
                stake_claims(host, domain, {}, held_globally)
        return status


class KillKeepsClaims(Override):
    """A domain that is killed keeps its claims."""

    def set_outstanding_pages(self, host: Host, domain: Domain, pages: int, node: int | None = None) -> Status:
        if domain.is_dying and pages == 0:
            return Status.OK
        return super().set_outstanding_pages(host, domain, pages, node)
