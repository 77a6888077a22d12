"""How a domain's claims are counted: host-wide claims by themselves or, in later generations, as part of a total.

The hypervisor's deduction helpers, the installer and the legacy call write these counters, and nothing else does (but
for legacy-2013, where freed pages go to its only one). Counts are pages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model.encoding import Encoding, Vector
from model.logic import Term
from model.state import FIELDS, State

if TYPE_CHECKING:
    from model.step import Step


class Separate:
    """`node_claims` and `global_claims` (claim-sets)."""

    def change(self, step: Step, domid: Term, nodes: Term, host_wide: Term) -> None:
        """One domain's claims on nodes and its host-wide claim grow."""
        step.add_at("node_claims", domid, nodes)
        step.add_at("global_claims", domid, host_wide)

    def deduct_everywhere(self, step: Step, nodes: Vector, host_wide: Vector) -> None:
        """The claims of all domains shrink, as in a recall."""
        s, h = step.before, step.encoding
        step.set_vector("node_claims", h.combined([(1, s.node_claims), (-1, nodes)], s.node_claims))
        step.set_vector("global_claims", h.combined([(1, s.global_claims), (-1, host_wide)], s.global_claims))

    def stake(self, step: Step, domid: Term, claim: Term) -> None:
        """The legacy call stakes a host-wide claim for a domain without any."""
        step.set_at("global_claims", domid, claim)


class TotalKept(Separate):
    """`outstanding_pages`, the domain's total, and `node_claims` (claim-sets-v3, per-node-v8)."""

    def change(self, step: Step, domid: Term, nodes: Term, host_wide: Term) -> None:
        """Each helper takes what it deducts off the total, too."""
        step.add_at("node_claims", domid, nodes)
        step.add_at("outstanding_pages", domid, nodes + host_wide)

    def deduct_everywhere(self, step: Step, nodes: Vector, host_wide: Vector) -> None:
        """Both recalls take theirs off the total."""
        s, h = step.before, step.encoding
        assert isinstance(s, StateWithTotal)
        total, node_claims = s.outstanding_pages, s.node_claims
        step.set_vector("node_claims", h.combined([(1, node_claims), (-1, nodes)], node_claims))
        step.set_vector("outstanding_pages", h.combined([(1, total), (-1, nodes), (-1, host_wide)], total))

    def stake(self, step: Step, domid: Term, claim: Term) -> None:
        """All there is."""
        step.set_at("outstanding_pages", domid, claim)


SEPARATE = Separate()
TOTAL_KEPT = TotalKept()


class StateWithTotal(State):
    """A state of a generation that keeps the total: `global_claims` is computed where it is read."""

    outstanding_pages: Vector

    def __init__(self, h: Encoding, of: State, total: Vector) -> None:
        self._of, self.outstanding_pages = of, total
        self.global_claims = h.combined([(1, total), (-1, of.node_claims)], total)

    def __getattribute__(self, name: str) -> Any:
        if name in FIELDS and name != "global_claims":
            return getattr(object.__getattribute__(self, "_of"), name)
        return object.__getattribute__(self, name)

    def held(self, domain: Term) -> Term:
        """All claims of a domain: the total itself, and once it is destroyed what it has then."""
        return self.outstanding_pages[domain] + self.orphaned_claims[domain]
