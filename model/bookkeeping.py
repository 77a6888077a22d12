"""How a domain's claims are counted: host-wide claims in a counter of their own, or as part of a total.

Only the hypervisor's deduction helpers, the installer and the legacy call write these counters. In legacy-2013,
freeing pages also grows its one counter. Counts are pages.
"""

from __future__ import annotations

from typing import Any, Protocol

from model.encoding import Encoding, Vector
from model.logic import Term
from model.state import FIELDS, State


class Updates(Protocol):
    """The part of a step that updates claim counters."""

    @property
    def before(self) -> State:
        """The state before."""
        ...

    @property
    def encoding(self) -> Encoding:
        """The host's encoding."""
        ...

    def add_at(self, name: str, index: Term, amount: Term) -> None:
        """One entry of a vector grows."""
        ...

    def set_at(self, name: str, index: Term, value: Term) -> None:
        """One entry of a vector gets a new value."""
        ...

    def set_vector(self, name: str, values: Vector) -> None:
        """All entries of a vector get new values."""
        ...


class SeparateBookkeeping:
    """Claims in `node_claims` and `global_claims` (claim-sets)."""

    def change(self, step: Updates, domid: Term, nodes: Term, host_wide: Term) -> None:
        """One domain's claims on nodes and its host-wide claim grow."""
        step.add_at("node_claims", domid, nodes)
        step.add_at("global_claims", domid, host_wide)

    def deduct_everywhere(self, step: Updates, nodes: Vector, host_wide: Vector) -> None:
        """The claims of all domains shrink, as in a recall."""
        s, h = step.before, step.encoding
        step.set_vector("node_claims", h.combined([(1, s.node_claims), (-1, nodes)], s.node_claims))
        step.set_vector("global_claims", h.combined([(1, s.global_claims), (-1, host_wide)], s.global_claims))

    def stake(self, step: Updates, domid: Term, claim: Term) -> None:
        """The legacy call installs a host-wide claim for a domain without claims."""
        step.set_at("global_claims", domid, claim)


class TotalBookkeeping(SeparateBookkeeping):
    """Claims in `outstanding_pages`, the domain's total, and `node_claims` (claim-sets-v3, per-node-v8)."""

    def change(self, step: Updates, domid: Term, nodes: Term, host_wide: Term) -> None:
        """Each helper also deducts from the total."""
        step.add_at("node_claims", domid, nodes)
        step.add_at("outstanding_pages", domid, nodes + host_wide)

    def deduct_everywhere(self, step: Updates, nodes: Vector, host_wide: Vector) -> None:
        """Both recalls also deduct from the total."""
        s, h = step.before, step.encoding
        assert isinstance(s, StateWithTotal)
        total, node_claims = s.outstanding_pages, s.node_claims
        step.set_vector("node_claims", h.combined([(1, node_claims), (-1, nodes)], node_claims))
        step.set_vector("outstanding_pages", h.combined([(1, total), (-1, nodes), (-1, host_wide)], total))

    def stake(self, step: Updates, domid: Term, claim: Term) -> None:
        """The claim is the total."""
        step.set_at("outstanding_pages", domid, claim)


SEPARATE = SeparateBookkeeping()
TOTAL_KEPT = TotalBookkeeping()


class StateWithTotal(State):
    """A state of a generation that keeps the total: `global_claims` is computed on each read."""

    outstanding_pages: Vector

    def __init__(self, h: Encoding, of: State, total: Vector) -> None:
        self._of, self.outstanding_pages = of, total
        self.global_claims = h.combined([(1, total), (-1, of.node_claims)], total)

    def __getattribute__(self, name: str) -> Any:
        if name in FIELDS and name != "global_claims":
            return getattr(object.__getattribute__(self, "_of"), name)
        return object.__getattribute__(self, name)

    def held(self, domain: Term) -> Term:
        """All claims of a domain: the total; for a destroyed domain, its orphaned claims."""
        return self.outstanding_pages[domain] + self.orphaned_claims[domain]
