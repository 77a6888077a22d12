"""What an outside program can be asked: which operations, in which format of traces."""

from __future__ import annotations

from msgspec import Struct

from proofs.adapters.protocol import Hello
from proofs.traces.events import FORMAT_1, FORMAT_2


class Offered(Struct, frozen=True):
    """What a program said of itself."""

    operations: frozenset[str]
    format: str
    """Of the traces that it is asked: the extended one, if it reads that."""

    @property
    def extended(self) -> bool:
        """Whether traces may have what claim-trace/1 has not: builders, ``no_refcount``, LLC colouring."""
        return self.format == FORMAT_2


def offered_by(hello: Hello) -> Offered:
    """What the program of a greeting can be asked."""
    return Offered(frozenset(hello.operations), FORMAT_2 if FORMAT_2 in hello.formats else FORMAT_1)
