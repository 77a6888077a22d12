"""The failures of an outside program."""

from __future__ import annotations

from enum import StrEnum

from proofs.traces.text import one_line


class FailureKind(StrEnum):
    """How an outside program failed. The first three mean that it cannot be used; the others are findings."""

    NOT_STARTED = "not started"  # the program does not exist, or cannot be run
    NO_HELLO = "no hello"  # it ended, was silent, or wrote something else instead of the handshake
    OTHER_VERSION = "other version"  # it supports no version of the protocol that is supported here
    DIED = "died"  # it ended before the last answer
    HUNG = "hung"  # no complete answer within the limit
    GARBAGE = "garbage"  # a line that is no valid answer to the operation
    TOO_LONG = "too long"  # a line beyond the limit
    CLOSED = "closed"  # it closed its standard output, but continues to run
    EXTRA = "extra"  # it wrote more lines than there were messages
    REFUSED = "refused"  # it answered an operation that it supports with an error
    ENDED_BADLY = "ended badly"  # its status is not 0, or it continues to run, after its input ended


NOT_AGAIN = "it did not occur again with one operation at a time"
"""Part of the description of a failure that depends on more than the trace."""
UNUSABLE = frozenset({FailureKind.NOT_STARTED, FailureKind.NO_HELLO, FailureKind.OTHER_VERSION})


class OutsideFailure(Exception):  # what it is called
    """The outside program violated the protocol. ``detail`` is one line for a terminal."""

    def __init__(self, kind: FailureKind, detail: str) -> None:
        self.kind = kind
        self.detail = one_line(detail)
        super().__init__(kind, self.detail)

    @property
    def finding(self) -> bool:
        """Whether the failure is a finding (exit 1); else the program cannot be used (exit 2)."""
        return self.kind not in UNUSABLE

    def __str__(self) -> str:
        return f"{self.kind}: {self.detail}"


class HostRefusal(Exception):  # likewise
    """The outside program does not support the host, so traces on it do not apply to the program."""
