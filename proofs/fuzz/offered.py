"""What an outside program offers: its operations, and the trace format that it reads."""

from __future__ import annotations

from msgspec import Struct

from proofs.adapters.protocol import Hello
from proofs.traces.events import FORMAT_1, FORMAT_2


class ProgramCapabilities(Struct, frozen=True):
    """What a program's greeting offers."""

    operations: frozenset[str]
    format: str
    """The trace format sent to the program: the extended one, if it reads that."""

    @property
    def extended(self) -> bool:
        """Whether traces may use features that claim-trace/1 lacks: ``no_refcount``, LLC colouring, hypercalls."""
        return self.format == FORMAT_2

    @property
    def builders(self) -> bool:
        """Whether other builders may run between the critical sections of an operation."""
        return self.extended and "continue" in self.operations


def offered_by(hello: Hello) -> ProgramCapabilities:
    """What a program offers, from its greeting."""
    return ProgramCapabilities(frozenset(hello.operations), FORMAT_2 if FORMAT_2 in hello.formats else FORMAT_1)
