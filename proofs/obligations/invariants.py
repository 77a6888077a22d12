"""What is assumed of the state before a step: invariants, as formulas."""

from collections.abc import Hashable

from model.encoding import Quantifiers
from model.hosts.parametric import ParametricHost
from model.logic import Term
from model.properties import PROPERTIES
from model.state import State
from model.watched import watched
from proofs.obligations.focus import mentioned


def invariant(name: str, q: Quantifiers, s: State) -> Term:
    """An invariant of a state, by name."""
    of_state = PROPERTIES[name].of_state
    if of_state is None:
        raise TypeError(f"{name} is not a statement about a state")
    return of_state(q, s)


_INSTANCES: dict[Hashable, Term] = {}
"""Invariants of the state before a step, by their instances: many obligations assume the same."""


def parametric_invariants(
    names: list[str], host: ParametricHost, q: Quantifiers, s: State, concerned: frozenset[str] | None
) -> dict[str, Term]:
    """The invariants, cut down to the fields of concern where they can be."""
    found, cut = {}, watched(s, concerned)
    for name in names:
        key = (name, concerned if mentioned(name)[1] else None, host.instances())
        if key not in _INSTANCES:
            terms = host.term_count()
            formula = invariant(name, q, cut)
            if host.term_count() != terms:
                raise AssertionError(f"{name} needs an example, so it is not the same wherever it is assumed")
            _INSTANCES[key] = formula
        found[f"invariant:{name}"] = _INSTANCES[key]
    return found
