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
        """Whether traces may use features that claim-trace/1 lacks: builders, ``no_refcount``, LLC colouring."""
        return self.format == FORMAT_2


def offered_by(hello: Hello) -> ProgramCapabilities:
    """What a program offers, from its greeting."""
    return ProgramCapabilities(frozenset(hello.operations), FORMAT_2 if FORMAT_2 in hello.formats else FORMAT_1)
