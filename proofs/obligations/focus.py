"""Selects the assumptions of an obligation: those about the fields that it reads.

Leaving out an assumption can make a proof fail, but never succeed wrongly. The hypervisor's counters do not depend on
ghosts, so an invariant about ghosts is used only for goals about the same ghosts, and for those in its `serves`.
"""

from functools import cache

from model.hosts.bounded import BoundedHost
from model.properties import PROPERTIES
from model.state import FIELDS, GHOST
from model.watched import watched

GHOSTS = frozenset(info.name for info in FIELDS.values() if info.lock == GHOST)


@cache
def mentioned(name: str) -> tuple[frozenset[str], bool]:
    """The fields that an invariant reads, and whether it can be limited to fields of concern."""
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
    """The invariants about the fields read and about a property's own parts, and all fields then of concern."""
    kept, concerned = [], set(read)
    for name in names:
        prop = PROPERTIES[name]
        fields_of, can_be_cut = mentioned(name)
        ghosts = fields_of & GHOSTS
        bears = can_be_cut or not ghosts or ghosts & read if prop.serves is None else prop.serves & {own, transition}
        if prop.id == own or bears:
            kept.append(name)
            if not can_be_cut:
                concerned |= fields_of
    return kept, frozenset(concerned)
