"""The state of the model before an operation, with the same unknowns as the reference's host."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import z3

from model.calls import CALL_FIELDS, MAX_PAUSE_COUNT, NONE, UNSEEN, CallHost, CallState
from model.hosts.bounded import ListVector
from model.named import GENERATIONS
from model.state import Shape

from .domains import interface_of
from .formulas import disjunction, equal
from .numbers import Truth
from .terms import Terms
from .world import ALL_THERE, MissingDomains, Size

LISTED = ("is_created", "is_destroyed")
"""Fields that tell whether a domain is on the domain list; they are known."""


class Unknowns:
    """The state of the model before an operation, for every generation: the same unknowns as the reference's host."""

    def __init__(self, size: Size, there: MissingDomains = ALL_THERE) -> None:
        self.size, self.there = size, there
        self.terms = Terms()
        self.host = CallHost(size.nodes, size.domains)
        state = self.host.state()
        assert isinstance(state, CallState)
        self.state = state
        state.is_created = ListVector([d != there.absent for d in range(size.domains)])
        state.orphaned_claims = ListVector([0] * size.domains)  # calls keep them in the domain's own fields
        state.is_destroyed = ListVector([d == there.destroyed for d in range(size.domains)])
        for name, info in CALL_FIELDS.items():
            if name not in UNSEEN and name not in LISTED:
                for label, term in named_entries(name, info.shape, getattr(state, name)):
                    (self.terms.flags if info.flag else self.terms.numbers)[label] = term
        self.before = entries_of(state)
        """By name."""

    def known(self, semantics: str, assumed: Sequence[str]) -> list[Any]:
        """The precondition on states. ``assumed``: properties of the model, by name."""
        from proofs.obligations.invariants import invariant

        state = self.state
        known = [invariant(name, self.host, state) for name in assumed]
        known += linked(semantics, self.host, self.before.__getitem__)
        if self.there.destroyed is not None:
            known += [self.state.is_dying[self.there.destroyed], self.state.is_dead[self.there.destroyed]]
        for d in range(self.size.domains):
            pauses = state.controller_pause_count[d]
            known += [state.max_pages[d] <= 2**32 - 1, pauses >= 0, pauses <= MAX_PAUSE_COUNT]
            has_stash = interface_of(semantics).stashes
            known += [
                state.stash_pages[d] >= 0 if has_stash else state.stash_pages[d] == 0,
                state.stash_scrub_index[d] >= 0,
            ]
            known += [state.stash_node[d] >= 0, state.stash_node[d] < self.size.nodes]
            known.append(z3.Or([state.node_affinity[d, n] for n in range(self.size.nodes)]))
            for field in (state.last_alloc_node, state.claim_node):
                known += [field[d] >= NONE, field[d] < self.size.nodes]
        return [term for term in known if term is not True]


def may_orphan_on_nodes(semantics: str) -> bool:
    """Whether a dying domain may claim on a node, and so be destroyed with that claim."""
    generation = GENERATIONS[semantics]
    return "claim_on_node" in generation.transitions and not generation.rules.refuses_dying


def linked(semantics: str, host: CallHost, at: Callable[[str], Any]) -> list[Any]:
    """The claim is on claim_node. This is not a property of the model, so each path proves it again.

    :param at: returns a number of the state by name
    """
    if not interface_of(semantics).has_claim_node:
        return []
    found = []
    for d in range(host.domains):
        target = at(f"claim_node[{d}]")
        found.append(_either(equal(at(f"global_claims[{d}]"), 0), equal(target, NONE)))
        found += [_either(equal(at(f"claims[{d}][{n}]"), 0), equal(target, n)) for n in range(host.nodes)]
    return found


def _either(one: Any, other: Any) -> Any:
    if one is True or other is True:
        return True
    return disjunction([formula for formula in (one, other) if formula is not False])


def named_entries(name: str, shape: Shape, value: Any) -> list[tuple[str, Any]]:
    """The entries of a field of the model's state, by name."""
    if shape is Shape.HOST:
        return [(name, value)]
    if shape is Shape.CELL:
        return [(f"{name}[{d}][{n}]", e) for d, row in enumerate(value.rows) for n, e in enumerate(row.entries)]
    return [(f"{name}[{i}]", entry) for i, entry in enumerate(value.entries)]


def entries_of(state: CallState) -> dict[str, Any]:
    """Every entry of a state that is compared."""
    found: dict[str, Any] = {}
    for name, info in CALL_FIELDS.items():
        if name not in UNSEEN:
            found.update(named_entries(name, info.shape, getattr(state, name)))
    return found


def term_of(terms: Terms, value: Any) -> Any:
    """A value of the reference in the form of the model."""
    if isinstance(value, Truth | bool):
        return terms.truth(value)
    return terms.count(value)
