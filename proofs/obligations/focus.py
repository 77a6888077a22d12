"""Which assumptions an obligation needs to be given: those that speak of the fields it speaks of.

Leaving an assumption out can only make a proof fail, never succeed wrongly. The hypervisor's own counters
never depend on ghosts, so an invariant about ghosts serves only goals about the same ghosts.
"""

from functools import cache

from model.hosts.bounded import BoundedHost
from model.properties import PROPERTIES
from model.state import FIELDS, GHOST
from model.watched import watched

GHOSTS = frozenset(info.name for info in FIELDS.values() if info.lock == GHOST)


@cache
def mentioned(name: str) -> tuple[frozenset[str], bool]:
    """The fields an invariant speaks of, and whether it can be cut down to fields of concern."""
    host = BoundedHost(1, 1)
    state = watched(host.state())
    of_state = PROPERTIES[name].of_state
    if of_state is None:
        raise TypeError(f"{name} is not a statement about a state")
    of_state(host, state)
    return frozenset(state.read), state.asked


def relevant_invariants(
    names: list[str], own: str, transition: str, read: set[str]
) -> tuple[list[str], frozenset[str]]:
    """The invariants that bear on the fields read, on a property's own parts, and all fields then of concern."""
    kept, concerned = [], set(read)
    for name in names:
        prop = PROPERTIES[name]
        fields_of, can_be_cut = mentioned(name)
        ghosts = fields_of & GHOSTS
        serves = prop.serves is None or prop.serves & {own, transition}
        if prop.id == own or (serves and (can_be_cut or not ghosts or ghosts & read)):
            kept.append(name)
            if not can_be_cut:
                concerned |= fields_of
    return kept, frozenset(concerned)
