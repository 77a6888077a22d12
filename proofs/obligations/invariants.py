"""The assumptions about the state before a step: invariants, as formulas."""

from model.encoding import Quantifiers
from model.logic import Term
from model.properties import PROPERTIES
from model.state import State
from model.watched import watched


def invariant(name: str, q: Quantifiers, s: State) -> Term:
    """An invariant of a state, by name."""
    of_state = PROPERTIES[name].of_state
    if of_state is None:
        raise TypeError(f"{name} is not a statement about a state")
    return of_state(q, s)


def parametric_invariants(
    names: list[str], q: Quantifiers, s: State, concerned: frozenset[str] | None
) -> dict[str, Term]:
    """The invariants, limited to the fields of concern where possible."""
    cut = watched(s, concerned)
    return {f"invariant:{name}": invariant(name, q, cut) for name in names}
