"""A state that remembers what is read of it."""

from dataclasses import fields
from typing import Any

from model.state import FIELDS, State


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
