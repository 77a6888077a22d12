"""Which assumptions an obligation needs to be given: those that speak of the fields it speaks of.

Leaving an assumption out can only make a proof fail, never succeed wrongly. The hypervisor's own counters
never depend on ghosts, so an invariant about ghosts serves only goals about the same ghosts.
"""

from dataclasses import fields
from functools import cache
from typing import Any

from model.bounded import BoundedHost
from model.properties import PROPERTIES
from model.state import FIELDS, GHOST, State

GHOSTS = frozenset(info.name for info in FIELDS.values() if info.lock == GHOST)


class WatchedState(State):
    """A state that remembers which of its fields were read."""

    read: set[str]
    asked: bool
    concerned: frozenset[str] | None

    def __getattribute__(self, name: str) -> Any:
        if name in FIELDS:
            self.read.add(name)
        return super().__getattribute__(name)

    def concerns(self, name: str) -> bool:
        """A statement about all fields is cut down to the fields of concern."""
        self.asked = True
        return self.concerned is None or name in self.concerned


def watched(state: State, concerned: frozenset[str] | None = None) -> WatchedState:
    """The state, watched; `concerned` are the fields that statements about all fields are cut down to."""
    copy = WatchedState.__new__(WatchedState)
    copy.read, copy.asked, copy.concerned = set(), False, concerned
    for f in fields(State):
        setattr(copy, f.name, object.__getattribute__(state, f.name))
    copy.read.clear()
    return copy


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
