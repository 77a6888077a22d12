"""Checks the state properties that a critical section may have changed.

The reference changes exactly the fields that the model's case changes; that is compared first. A property that reads
none of these fields keeps its value, and so does one about an unchanged domain. The reference's own checker checks
everything at intervals, and whenever a violation is found here.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from operator import add, le

from reference.state import Domain, Host

from .known import WITHOUT_LIMBO
from .numbers import ModelState

_PAGES = frozenset({"node_avail_pages", "total_avail_pages"})
_CLAIMED = frozenset({"node_outstanding_claims", "outstanding_claims"})
_CLAIMS = frozenset({"claims", "node_claims", "global_claims"})
_HELD = frozenset({"tot_pages", "max_pages", "limbo_pages"})
_LEDGER = frozenset({"ledger_installed", "ledger_redeemed", "ledger_released", "ledger_recalled"})
_DYING = frozenset({"is_dying", "is_created"})
_LISTED = frozenset({"is_destroyed"})
"""Fields that matter because a domain that leaves the list also leaves the sums over domains."""

_AGREE = ("aggregates-agree", None)
_REDEEMED_ONCE = ("redeemed-once", None)

BrokenProperties = set[tuple[str, int | None]]
"""Violated properties, each with its domain; None: it is not about a domain."""


@cache
def _concerns(changed: frozenset[str]) -> tuple[bool, bool, bool, bool]:
    """Whether the properties about pages, claims, domains and histories read these fields."""
    of_claims = bool(changed & (_CLAIMS | _CLAIMED | _LISTED))
    of_history = of_claims or bool(changed & _LEDGER)
    return bool(changed & _PAGES), of_claims, of_history or bool(changed & (_HELD | _DYING)), of_history


class Properties:
    """The currently violated properties, updated after each section."""

    def __init__(self, host: Host, s: ModelState) -> None:
        self._host = host
        self._s = s
        self._installed = list(host.node_pages)
        self.broken: BrokenProperties = set()

    def update(self, changed: frozenset[str], domid: int | None, being_killed: Collection[int]) -> BrokenProperties:
        """The properties that a critical section violated and that held before.

        :param changed: the fields that it changed
        :param domid: the only domain that it changed; None: it may have changed any
        :param being_killed: domains between the two steps of domain_kill, which may still hold claims
        """
        now: BrokenProperties = set()
        domains = self._host.domains
        of_pages, of_claims, of_domains, of_history = _concerns(changed)
        of_host = of_pages or of_claims
        if of_host:
            self._of_host(of_pages, of_claims, now)
        if of_domains:
            if domid is None:
                for domain in domains.values():
                    self._of_domain(domain, of_history, now, being_killed)
            elif domid in domains:
                self._of_domain(domains[domid], of_history, now, being_killed)
        if self._host.pages.lost_marks:
            now.add(("offline-mark-kept", None))
        for orphan in self._host.orphans:
            if orphan.global_claims or orphan.node_claims:
                now.add(("dead-hold-nothing", orphan.domid))
        broken = self.broken
        for known in broken:
            about = known[1]
            stays = not of_host if about is None else not of_domains or domid not in (None, about)
            if stays and (about is None or about in domains):
                now.add(known)
        self.broken = now
        return now - broken if now else now

    def _of_host(self, of_pages: bool, of_claims: bool, now: BrokenProperties) -> None:
        host, broken = self._host, self.broken
        claimed, avail = host.node_outstanding_claims, host.node_avail_pages
        if not all(map(le, claimed, avail)):
            now.add(("node-backed", None))
        if host.outstanding_claims > host.total_avail_pages:
            now.add(("host-backed", None))
        if not (of_pages and of_claims) and _AGREE in broken:
            of_pages = of_claims = True  # the other part may be the violated one
        if of_claims and not self._claims_agree(claimed):
            now.add(_AGREE)
        if of_pages:
            if host.total_avail_pages != sum(avail):
                now.add(_AGREE)
            free = [heap.free_pages for heap in host.heap]
            if free != avail or [*map(add, free, host.pages.unavailable)] != self._installed:
                now.add(_REDEEMED_ONCE)
        elif _REDEEMED_ONCE in broken:
            now.add(_REDEEMED_ONCE)

    def _claims_agree(self, claimed: list[int]) -> bool:
        domains = self._host.domains.values()
        if not domains:
            return not any(claimed) and not self._host.outstanding_claims
        if self._host.outstanding_claims != sum([d.global_claims + d.node_claims for d in domains]):
            return False
        return claimed == [*map(sum, zip(*[d.claims for d in domains], strict=True))]

    def _of_domain(
        self, domain: Domain, of_history: bool, now: BrokenProperties, being_killed: Collection[int]
    ) -> None:
        domid = domain.domid
        claims, global_claims = domain.claims, domain.global_claims
        if domain.node_claims != sum(claims):
            now.add(("aggregates-agree", domid))
        held = domain.tot_pages + global_claims + domain.node_claims
        if held > domain.max_pages:
            now.add((WITHOUT_LIMBO, domid))
        if held + sum(self._s.limbo_pages[self._s.slots[domid]]) > domain.max_pages:
            now.add(("entitlement", domid))
        if of_history:
            history = domain.history
            total = zip([*claims, global_claims], history.redeemed, history.released, history.recalled, strict=True)
            if list(map(sum, total)) != history.installed:
                now.add(("redeemed-once", domid))
        elif ("redeemed-once", domid) in self.broken:
            now.add(("redeemed-once", domid))
        if domain.is_dying and (global_claims or domain.node_claims) and domid not in being_killed:
            now.add(("dead-hold-nothing", domid))
        if domain.history.lost:
            now.add(("no-claims-lost", domid))
