"""A trace without a file: its events come from a generator or from a caller."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from proofs.operations import Event
from proofs.traces import TraceError
from proofs.traces.events import Header


class GeneratedTrace:
    """A trace without a file."""

    def __init__(self, header: Header, events: Sequence[Event], path: str = "(made)") -> None:
        self.header = header
        self.path = path
        self.first_line = 1
        self._events = events
        self._read = 0

    @property
    def line(self) -> int:
        """The line that the current event would have in a file."""
        return self.first_line + self._read

    def error(self, reason: str) -> TraceError:
        """An error at the current event."""
        return TraceError(self.path, self.line, reason)

    def __iter__(self) -> Iterator[Event]:
        for event in self._events:
            self._read += 1
            yield event
