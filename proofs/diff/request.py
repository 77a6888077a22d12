"""An allocation as an argument: every search, an order, and whether each node has a block."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import z3

from model.bounded import ListGrid
from model.calls import INTERFACES, CallState
from model.logic import Term
from proofs.diff.execution import Execution
from proofs.diff.search_world import Search, SearchWorld, all_searches
from proofs.diff.symbolic_host import Order
from reference.state import Domain


class Request:
    """An allocation for a domain or none, in one section after the other."""

    def __init__(
        self, x: Execution, domain: Domain | None, order: Order | int, names_node: bool = False, exact: bool = False
    ) -> None:
        self.x, self.domain, self.order = x, domain, order
        self.names_node, self.exact = names_node, exact
        self.renew()

    def renew(self) -> None:
        """The same request in this section: others may have allocated for the domain."""
        x = self.x
        searches = all_searches(x.size.nodes, self.names_node, self.exact, self.domain is not None)
        self.world = x.world = SearchWorld(x.explorer, searches, x.size.nodes, x.kept)
        if self.domain is not None:
            self.domain.node_affinity = self.world.part("affinity")  # type: ignore[assignment]  # compared only
            with x.host.heap_lock:
                self.domain.last_alloc_node = self.world.part("last_alloc_node")  # type: ignore[assignment]  # likewise
        x.assume(self._blocks_exist)

    def _blocks_exist(self) -> list[z3.BoolRef]:
        """A node with a block of the order has that many pages free; every free page is a block of order 0."""
        x, found = self.x, []
        for node in range(x.size.nodes):
            avail, has = x.term(x.start.get("node_avail_pages", node)), self._has_block(node)
            found += [z3.Implies(has, avail >= self.pages), z3.Implies(self.pages == 1, has == (avail >= 1))]
        return found

    def _has_block(self, node: int) -> z3.BoolRef:
        return self.x.explorer.flag(self.x.policy.name(node)).z3()

    @property
    def pages(self) -> Term:
        """2^order, for the model."""
        return self.x.term(self.order.pages) if isinstance(self.order, Order) else 1 << self.order

    @property
    def node(self) -> Any:
        """The requested node, for the reference."""
        return self.world.part("requested") if self.names_node else None

    def for_model(self) -> tuple[dict[str, Any], CallState]:
        """The request as the model is given it, and the state with the domain's node_affinity."""
        x, interface = self.x, INTERFACES[self.x.semantics]
        looks_at = ("requested", "exact", "affinity")
        looks = interface.checks_exact_target or interface.checks_any_target
        search, tried = self.world.settled(looks_at if looks else ())
        order = x.term(self.order.number) if isinstance(self.order, Order) else self.order
        arguments = {
            "order": order,
            "pages": self.pages,
            "candidates": tried,
            "has_block": [self._has_block(n) for n in range(x.size.nodes)],
            "requested": search.requested,
            "exact": search.exact,
        }
        return arguments, self._with_affinity(search) if looks else x.start.state

    def _with_affinity(self, search: Search) -> CallState:
        x, state = self.x, self.x.start.state
        if self.domain is None:
            return state
        rows = [list(row.entries) for row in state.node_affinity.rows]
        rows[self.domain.domid] = [n in search.affinity for n in range(x.size.nodes)]
        key = (id(state), self.domain.domid, search.affinity)
        if key not in x.affinities:
            x.affinities[key] = replace(state, node_affinity=ListGrid(rows))
        return x.affinities[key]
