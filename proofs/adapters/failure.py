"""What can go wrong with an outside program."""

from __future__ import annotations

from enum import StrEnum

from proofs.traces.text import one_line


class FailureKind(StrEnum):
    """How an outside program failed. The first three say that it cannot be used at all; the others are findings."""

    NOT_STARTED = "not started"  # there is no such program, or it cannot be run
    NO_HELLO = "no hello"  # it ended, was silent, or said something else where the handshake was expected
    OTHER_VERSION = "other version"  # it speaks no version of the protocol that is spoken here
    DIED = "died"  # it ended before the last answer
    HUNG = "hung"  # no complete answer within the limit
    GARBAGE = "garbage"  # a line that is no answer to what was asked
    TOO_LONG = "too long"  # a line beyond the limit
    CLOSED = "closed"  # it closed its standard output, and goes on
    EXTRA = "extra"  # more was written than asked for
    REFUSED = "refused"  # it answered an operation that it has with an error
    ENDED_BADLY = "ended badly"  # a status that is not 0, or no end, after its input ended


UNUSABLE = frozenset({FailureKind.NOT_STARTED, FailureKind.NO_HELLO, FailureKind.OTHER_VERSION})


class OutsideFailure(Exception):  # what it is called
    """The outside program did not keep to the protocol. ``detail`` is one line fit for a terminal."""

    def __init__(self, kind: FailureKind, detail: str) -> None:
        self.kind = kind
        self.detail = one_line(detail)
        super().__init__(kind, self.detail)

    @property
    def finding(self) -> bool:
        """Whether that is a finding (exit 1), or the program cannot be used at all (exit 2)."""
        return self.kind not in UNUSABLE

    def __str__(self) -> str:
        return f"{self.kind}: {self.detail}"


class HostRefused(Exception):  # likewise
    """The outside program cannot have such a host: traces on it do not apply to the program."""
