"""A state that records which of its fields are read."""

from dataclasses import fields
from typing import Any

from model.state import FIELDS, State


class WatchedState(State):
    """A state that records which of its fields were read."""

    read: set[str]
    asked: bool
    concerned: frozenset[str] | None

    def __getattribute__(self, name: str) -> Any:
        if name in FIELDS:
            self.read.add(name)
        return super().__getattribute__(name)

    def concerns(self, name: str) -> bool:
        """Limits statements about all fields to the fields of concern."""
        self.asked = True
        return self.concerned is None or name in self.concerned


def watched(state: State, concerned: frozenset[str] | None = None) -> WatchedState:
    """The state, recording reads. Statements about all fields cover only those in `concerned`; None: all."""
    copy = WatchedState.__new__(WatchedState)
    copy.read, copy.asked, copy.concerned = set(), False, concerned
    for f in fields(State):
        setattr(copy, f.name, object.__getattribute__(state, f.name))
    copy.read.clear()
    return copy
