"""At the start: the program cannot be used, exit 2."""

from __future__ import annotations

import os
import sys

from tests.adapters.misbehaviour.program import Program, mode, wait


class AtStart(Program):
    """Failures before the first operation."""

    status = 2


@mode
class EndsAtOnce(AtStart):
    """ends before the handshake"""

    ends = "no hello: died: ended with status 0"

    def hello(self) -> None:
        sys.exit(0)


@mode
class FailsAtStart(AtStart):
    """says on standard error why it cannot run, and ends"""

    ends = "no hello: died: ended with status 3; its standard error ends: no licence"

    def hello(self) -> None:
        sys.stderr.write("starting\nno licence\n")
        sys.exit(3)


@mode
class SilentAtStart(AtStart):
    """does not answer the greeting"""

    ends = "no hello: hung: no answer within"

    def hello(self) -> None:
        wait()


@mode
class HalfHello(AtStart):
    """ends in the middle of the handshake"""

    ends = 'no hello: died: ended with status 0, in the middle of the line \'{"hello": "claim\''

    def hello(self) -> None:
        self.write('{"hello": "claim')
        sys.exit(0)


@mode
class GreetsPeople(AtStart):
    """writes a banner first"""

    ends = "no hello: not JSON"

    def hello(self) -> None:
        self.write("Welcome to the ledger!\n")
        super().hello()


@mode
class OtherVersion(AtStart):
    """speaks another version"""

    ends = "other version: the program supports 'claim-adapter/9'; supported here: claim-adapter/1"

    def hello(self) -> None:
        self.write('{"hello":"claim-adapter/9","name":"n","formats":[],"semantics":[],"operations":[]}\n')


@mode
class RefusesGreeting(AtStart):
    """refuses the version"""

    ends = "other version: claim-adapter/1 is refused: too old"

    def hello(self) -> None:
        self.write('{"error":"too old"}\n')


@mode
class OtherOperations(AtStart):
    """has operations that there are not"""

    ends = "no hello: unknown operation 'instal_claim_set'"

    def hello(self) -> None:
        self.write(
            '{"hello":"claim-adapter/1","name":"n","formats":[],"semantics":[],"operations":["instal_claim_set"]}\n'
        )


@mode
class ClosesAtStart(AtStart):
    """closes its standard output at the start, and continues to run"""

    ends = "no hello: closed: closed its standard output, but is still running"

    def hello(self) -> None:
        os.close(1)
        wait()


@mode
class OtherSemantics(AtStart):
    """has other semantics than the traces"""

    ends = "no event was sent to the program: the program has no generation claim-sets"

    def hello(self) -> None:
        self.write('{"hello":"claim-adapter/1","name":"n","formats":[],"semantics":["mine"],"operations":[]}\n')


@mode
class RefusesHost(AtStart):
    """cannot have the host of any trace"""

    ends = "no event was sent to the program: the program does not support this host: too large"

    def header(self) -> None:
        self.write('{"error":"too large"}\n')
