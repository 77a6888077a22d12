"""For every part of every property, a deliberate mistake that refutes it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from model.named import GENERATIONS
from model.properties import PROPERTIES
from proofs.mistakes.in_steps import STEPS
from proofs.obligations.names import EVERY_STATE
from proofs.obligations.obligation import Obligation


@dataclass(frozen=True)
class PartRefutation:
    """The refutation of a part: a mistake, and the place where it shows."""

    mistake: str
    place: str
    """The transition, or every state."""
    generation: str = ""
    """The generation; empty: the one in which the mistake is checked."""
    without: str = ""
    """For a part about every state: an invariant that the mistake violates, and which is therefore not assumed."""

    @property
    def shown_in(self) -> str:
        """The generation."""
        step = STEPS.get(self.mistake)
        return self.generation or ("claim-sets" if step is None else step.generation)

    def obligation(self, part: str, encoding: str, spoiled: bool = True) -> Obligation:
        """The obligation about the part, with the mistake if `spoiled`, else without it."""
        conditions = GENERATIONS[self.shown_in].conditions_of(PROPERTIES[part])
        right = Obligation(self.shown_in, part, self.place, encoding, conditions)
        if not spoiled:
            return right
        if self.without:
            left = tuple(invariant for invariant in right.assumptions() if invariant != self.without)
            return replace(right, invariants=left)
        return replace(right, mutation=self.mistake)


REFUTED_BY: dict[str, PartRefutation] = {
    "node-backed": PartRefutation("node-check-ignores-claims", "alloc_heap_pages"),
    "host-backed": PartRefutation("redeem-forgets-host", "alloc_heap_pages"),
    "aggregates-agree.free": PartRefutation("allocating-forgets-host", "alloc_heap_pages"),
    "aggregates-agree.node": PartRefutation("redeeming-forgets-node", "alloc_heap_pages"),
    "aggregates-agree.domain": PartRefutation("redeeming-forgets-domain", "alloc_heap_pages"),
    "aggregates-agree.host": PartRefutation("redeem-forgets-host", "alloc_heap_pages"),
    "pages-counted": PartRefutation("exchange-counts-pages", "exchange_assign"),
    "same-claims-both-ways": PartRefutation("redeeming-forgets-domain", "alloc_heap_pages"),
    "non-negative": PartRefutation("assigning-any-pages", "assign_pages"),
    "sums-non-negative": PartRefutation("assigning-any-pages", "assign_pages"),
    "claims-within-aggregates": PartRefutation("releasing-forgets-claims", "domain_kill_release"),
    "unused-ids-empty": PartRefutation("claiming-for-nobody", "claim_memory"),
    "destroyed-empty": PartRefutation("destroying-with-pages", "destroy_domain"),
    "all-claims-counted": PartRefutation("redeem-forgets-host", "alloc_heap_pages"),
    "node-claims-within": PartRefutation("installing-forgets-node", "claim_memory"),
    "host-wide-only": PartRefutation("legacy-claims-a-node", "set_outstanding_pages"),
    "one-target": PartRefutation("legacy-claims-a-node", "set_outstanding_pages", generation="single-node-v4"),
    "nothing-in-limbo": PartRefutation("allocating-leaves-in-limbo", "alloc_heap_pages"),
    "no-wrap.pages": PartRefutation("limit-beyond-type", "set_max_pages"),
    "no-wrap.extra-pages": PartRefutation("assigning-any-extra-pages", "assign_extra_pages"),
    "no-wrap.pages-and-claims": PartRefutation("assigning-any-extra-pages", "assign_extra_pages"),
    "charged-within-limit": PartRefutation("allocating-beyond-limit", "alloc_heap_pages"),
    "entitlement": PartRefutation("redeem-without-step-3", "alloc_heap_pages"),
    "entitlement-without-limbo.pages-and-claims": PartRefutation("install-without-limit", "claim_memory"),
    "entitlement-without-limbo.claimants": PartRefutation("redeem-without-step-3", "alloc_heap_pages"),
    "limbo-within-limit": PartRefutation("exchange-counts-pages", "exchange_assign"),
    "no-claims-lost": PartRefutation("allocating-loses-pages", "alloc_heap_pages"),
    "redeemed-once.conservation": PartRefutation("allocating-loses-pages", "alloc_heap_pages"),
    "redeemed-once.ledger": PartRefutation("recalling-forgets-claims", "offline_page"),
    "redeemed-once.exact": PartRefutation("redeem-without-step-3", "alloc_heap_pages"),
    "redeem-order": PartRefutation("redeem-global-first", "alloc_heap_pages"),
    "redeemed-once.only-by-allocating": PartRefutation("assigning-redeems-again", "assign_pages"),
    "redeemed-once.claims-do-not-come-back": PartRefutation("free-restores-claims", "free_domheap_pages"),
    "claims-protected.kept": PartRefutation("redeeming-of-another", "alloc_heap_pages"),
    "claims-protected.backed": PartRefutation("no-recall", "offline_page"),
    "unclaimed-only": PartRefutation("node-check-ignores-claims", "alloc_heap_pages_unowned"),
    "claims-fulfilled.granted-on-node": PartRefutation("node-check-wants-one-more", EVERY_STATE),
    "claims-fulfilled.granted": PartRefutation("host-check-wants-one-more", EVERY_STATE),
    "claims-fulfilled.delivered": PartRefutation("assign-leaves-room-for-claims", EVERY_STATE),
    "atomic-install.exact": PartRefutation("install-accumulates", "claim_memory"),
    "atomic-install.nothing-on-failure": PartRefutation("refusing-drops-claim", "claim_memory_refused"),
    "atomic-install.own-claims-credited": PartRefutation("install-without-own-credit", "claim_memory_refused"),
    "dead-hold-nothing": PartRefutation("kill-keeps-claims", "domain_kill_release"),
    "dead-hold-no-node-claims": PartRefutation("kill-keeps-claims", "domain_kill_release"),
    "recall-minimal": PartRefutation("recall-global-first", "offline_page"),
    "offline-mark-kept": PartRefutation("freeing-clears-marks", "free_heap_pages"),
    "no-crash": PartRefutation("stops-at-any-claim", "redemption_crashes"),
    "lock-order.copies": PartRefutation("exchange-charges-pages", "exchange_assign"),
    "no-wrap.domain-counters": PartRefutation("install-without-limit", "claim_memory"),
    "no-wrap.host-counters": PartRefutation(
        "allocating-loses-pages", EVERY_STATE, without="redeemed-once.conservation"
    ),
    "no-wrap.intermediate": PartRefutation("redeem-without-step-3", "alloc_heap_pages"),
    "legacy-compatible.host-wide": PartRefutation("install-without-limit", "set_outstanding_pages"),
    "legacy-compatible.one-node": PartRefutation("redeem-without-step-3", "alloc_heap_pages"),
    "legacy-compatible.derived-counters": PartRefutation(
        "free-restores-claims", "free_domheap_pages", generation="claim-sets-v3"
    ),
}
"""By part, in order of definition."""
