"""Mistakes in single critical sections of the model: an update forgotten or wrong, a check left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from model.logic import minimum
from model.step import EntryUpdate, Step, WholeUpdate

Change = Callable[[Step], None]


@dataclass(frozen=True)
class MistakenStep:
    """A mistake in one transition."""

    transition: str
    change: Change
    breaks: str
    """A property that fails with the mistake and holds without it."""
    sentence: str
    generation: str = "claim-sets"
    """The generation in which the property fails."""


def _forgets(field: str) -> Change:
    """Forget to update a field.

    :raises KeyError: when the step is built, if it does not update the field
    """

    def change(step: Step) -> None:
        del step.updates[field]

    return change


def _unchecked(*names: str) -> Change:
    """Leave out checks.

    :raises ValueError: when the step is built, if it has no such check
    """

    def change(step: Step) -> None:
        left = [guard for guard in step.guards if guard.name not in names]
        if len(left) != len(step.guards) - len(names):
            raise ValueError(f"the step does not have exactly one check of each of these names: {names}")
        step.guards = left

    return change


def _redeems_of_another(step: Step) -> None:
    victim = step.encoding.domain("victim")
    del step.updates["global_claims"]
    step.add_at("global_claims", victim, -minimum(1, step.before.global_claims[victim]))


def _redeems_again(step: Step) -> None:
    redeemed = minimum(1, step.before.global_claims[step.actor])
    step.add_at("global_claims", step.actor, -redeemed)
    step.add_at("global_redeemed", step.actor, redeemed)
    step.add("outstanding_claims", -redeemed)


def _subtracts_held(step: Step) -> None:
    """Subtract pages held from the host-wide entry, in both counters and in the ledger."""
    domid, updates = step.arguments["domid"], cast(dict[str, Any], step.updates)
    less = minimum(step.before.tot_pages[domid], step.arguments["global"])
    updates["global_claims"] = EntryUpdate(domid, step.arguments["global"] - less)
    updates["outstanding_claims"] = WholeUpdate(updates["outstanding_claims"].at(None) - less)
    installed = updates["global_installed"].at(step.before.global_installed, domid)
    updates["global_installed"] = EntryUpdate(domid, installed - less)


def _drops_claim(step: Step) -> None:
    step.set_at("global_claims", step.arguments["domid"], 0)


def _clears_marks(step: Step) -> None:
    step.set_at("marked_pages", step.place, 0)


def _counts_pages(step: Step) -> None:
    step.add_at("tot_pages", step.actor, step.arguments["pages"])


def _leaves_in_limbo(step: Step) -> None:
    step.add_cell("limbo_pages", step.actor, step.place, 1)


def _claims_on_node_too(step: Step) -> None:
    node = step.encoding.node("chosen")
    step.add_cell("claims", step.actor, node, 1)
    step.add_at("node_claims", step.actor, 1)
    step.add_at("node_outstanding_claims", node, 1)


STEPS: dict[str, MistakenStep] = {
    "allocating-forgets-host": MistakenStep(
        "alloc_heap_pages",
        _forgets("total_avail_pages"),
        "aggregates-agree",
        "Allocating leaves total_avail_pages as it was.",
    ),
    "redeeming-forgets-node": MistakenStep(
        "alloc_heap_pages",
        _forgets("node_outstanding_claims"),
        "aggregates-agree",
        "Redeeming leaves node_outstanding_claims as it was.",
    ),
    "redeeming-forgets-domain": MistakenStep(
        "alloc_heap_pages",
        _forgets("node_claims"),
        "aggregates-agree",
        "Redeeming leaves node_claims as it was.",
    ),
    "releasing-forgets-claims": MistakenStep(
        "domain_kill_release",
        _forgets("claims"),
        "claims-within-aggregates",
        "domain_kill lowers the aggregates and leaves the claims on nodes.",
    ),
    "installing-forgets-node": MistakenStep(
        "claim_memory",
        _forgets("node_outstanding_claims"),
        "node-claims-within",
        "Installing leaves node_outstanding_claims as it was.",
    ),
    "installing-beyond-node": MistakenStep(
        "claim_memory",
        _unchecked("first-fits-node"),
        "node-backed",
        "A claim on a node may be for more pages than are unclaimed there.",
    ),
    "installing-beyond-host": MistakenStep(
        "claim_memory",
        _unchecked("host-has-room"),
        "host-backed",
        "A claim set may be for more pages than are unclaimed.",
    ),
    "installing-subtracts-held": MistakenStep(
        "claim_memory",
        _subtracts_held,
        "atomic-install",
        "Pages that the domain has are subtracted from its host-wide entry.",
    ),
    "recalling-forgets-claims": MistakenStep(
        "offline_page",
        _forgets("claims"),
        "redeemed-once",
        "Recall records the pages that it takes, but does not lower the claims.",
    ),
    "allocating-loses-pages": MistakenStep(
        "alloc_heap_pages",
        _forgets("limbo_pages"),
        "no-claims-lost",
        "Pages that leave the heap get no owner.",
    ),
    "assigning-any-pages": MistakenStep(
        "assign_pages",
        _unchecked("in-limbo"),
        "non-negative",
        "assign_pages takes pages that were not allocated for the domain.",
    ),
    "assigning-redeems-again": MistakenStep(
        "assign_pages",
        _redeems_again,
        "redeemed-once",
        "assign_pages redeems a host-wide claim, which the allocation has done before.",
    ),
    "redeeming-of-another": MistakenStep(
        "alloc_heap_pages",
        _redeems_of_another,
        "claims-protected",
        "An allocation redeems the host-wide claim of another domain.",
    ),
    "refusing-drops-claim": MistakenStep(
        "claim_memory_refused",
        _drops_claim,
        "atomic-install",
        "A refused claim call drops the host-wide claim.",
    ),
    "claiming-for-nobody": MistakenStep(
        "claim_memory",
        _unchecked("domain-exists"),
        "unused-ids-empty",
        "A claim call does not check whether the domain exists.",
    ),
    "destroying-with-pages": MistakenStep(
        "destroy_domain",
        _unchecked("no-pages-counted"),
        "destroyed-empty",
        "A domain is destroyed while it has pages.",
    ),
    "freeing-clears-marks": MistakenStep(
        "free_heap_pages",
        _clears_marks,
        "offline-mark-kept",
        "Freeing a page clears the offline marks of its node.",
    ),
    "exchange-counts-pages": MistakenStep(
        "exchange_assign",
        _counts_pages,
        "limbo-within-limit",
        "memory_exchange counts its pages in tot_pages a second time.",
    ),
    "exchange-charges-pages": MistakenStep(
        "exchange_assign",
        _counts_pages,
        "lock-order",
        "memory_exchange charges pages without heap_lock.",
        generation="claim-sets-hardened",
    ),
    "allocating-beyond-limit": MistakenStep(
        "alloc_heap_pages",
        _unchecked("within-limit"),
        "charged-within-limit",
        "The allocator does not check the limit.",
        generation="claim-sets-hardened",
    ),
    "legacy-claims-a-node": MistakenStep(
        "set_outstanding_pages",
        _claims_on_node_too,
        "host-wide-only",
        "The legacy call claims a page on a node, too.",
        generation="mainline-4.22",
    ),
    "allocating-leaves-in-limbo": MistakenStep(
        "alloc_heap_pages",
        _leaves_in_limbo,
        "nothing-in-limbo",
        "The allocator leaves one page in limbo instead of assigning all.",
        generation="claim-sets+one-section",
    ),
    "limit-beyond-type": MistakenStep(
        "set_max_pages",
        _unchecked("fits-type"),
        "no-wrap",
        "max_pages may have more than 32 bits.",
        generation="legacy-2013",
    ),
    "assigning-any-extra-pages": MistakenStep(
        "assign_extra_pages",
        _unchecked("in-transit"),
        "no-wrap",
        "Pages that were not allocated become extra pages of a domain.",
        generation="legacy-2013",
    ),
    "stops-at-any-claim": MistakenStep(
        "redemption_crashes",
        _unchecked("more-than-counted"),
        "no-crash",
        "The BUG_ON where claims are redeemed stops the host at any claim.",
        generation="mainline-4.22",
    ),
}


def spoil(mistake: str, transition: str, step: Step) -> None:
    """Apply the mistake, if it belongs to this transition."""
    found = STEPS.get(mistake)
    if found is not None and found.transition == transition:
        found.change(step)
