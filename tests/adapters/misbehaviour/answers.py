"""In a trace the program answers wrongly, refuses, or leaves its pipes: a finding, exit 1."""

from __future__ import annotations

import os
import sys

from tests.adapters.misbehaviour.program import Answer, Program, mode, wait


@mode
class WrongState(Program):
    """counts wrong"""

    ends = "event 2 install_claim_set: state.node_outstanding_claims[0]: expected 3, observed 4"

    def at(self, answer: Answer) -> None:
        answer["state"]["node_outstanding_claims"][0] += 1
        self.right(answer)


@mode
class WrongResult(Program):
    """gives another result"""

    ends = "event 2 install_claim_set: result: expected OK, observed ENOMEM"

    def at(self, answer: Answer) -> None:
        self.right(answer | {"result": "ENOMEM"})


@mode
class LosesDomain(Program):
    """forgets a domain"""

    ends = "event 2 install_claim_set: state.domains.1: expected {"

    def at(self, answer: Answer) -> None:
        del answer["state"]["domains"]["1"]
        self.right(answer)


@mode
class IllegalBlock(Program):
    """allocates a block that is not free"""

    ends = "event 3 alloc_domheap_pages: mfn: expected 8, observed 12"

    def operation(self, number: int, answer: Answer) -> None:
        self.right(answer if number != 3 else answer | {"mfn": 12})


@mode
class OtherBlock(Program):
    """allocates another free block"""

    ends = ""
    status = 0

    def operation(self, number: int, answer: Answer) -> None:
        self.right(answer if number != 3 else answer | {"mfn": 10})


@mode
class NoState(Program):
    """leaves the state out"""

    ends = "observed garbage: field `state` is missing"

    def at(self, answer: Answer) -> None:
        self.right({"result": "OK"})


@mode
class NoResult(Program):
    """leaves the result out"""

    ends = "event 2 install_claim_set: result: expected OK, observed absent"

    def at(self, answer: Answer) -> None:
        del answer["result"]
        self.right(answer)


@mode
class UnknownField(Program):
    """adds a field"""

    ends = "observed garbage: Object contains unknown field `seconds`"

    def at(self, answer: Answer) -> None:
        self.right(answer | {"seconds": 0.1})


@mode
class WrongShape(Program):
    """has a number too few in a list"""

    ends = "observed garbage: field `state.node_avail_pages` must have 2 numbers"

    def at(self, answer: Answer) -> None:
        answer["state"]["node_avail_pages"].pop()
        self.right(answer)


@mode
class NumberTooLarge(Program):
    """has a counter beyond its 32 bits"""

    ends = "observed garbage: Expected `int` <= 4294967295"

    def at(self, answer: Answer) -> None:
        answer["state"]["domains"]["1"]["node_claims"] = 2**32
        self.right(answer)


@mode
class Refuses(Program):
    """answers an operation that it has with an error"""

    ends = "observed refused: not today"

    def at(self, answer: Answer) -> None:
        self.write('{"error":"not today"}\n')


@mode
class Crashes(Program):
    """reports a crash where the hypervisor does not crash"""

    ends = "event 2 install_claim_set: crash: expected no crash, observed BUG_ON: negative"

    def at(self, answer: Answer) -> None:
        self.write('{"crash":"BUG_ON: negative"}\n')
        sys.exit(0)


@mode
class ReportsAbsentPages(Program):
    """answers that pages are absent, but has them"""

    ends = "observed garbage: `absent`, but the program has these pages"

    def at(self, answer: Answer) -> None:
        self.write('{"absent":true}\n')


@mode
class ClosesOutput(Program):
    """closes its standard output, and continues to run"""

    ends = "observed closed: closed its standard output, but is still running"

    def at(self, answer: Answer) -> None:
        os.close(1)
        wait()


@mode
class ClosesInput(Program):
    """closes its standard input, and continues to run"""

    ends = "observed hung: no answer within"

    def at(self, answer: Answer) -> None:
        os.close(0)
        wait()


@mode
class LeavesChild(Program):
    """ends, but a child of it holds the pipes open"""

    ends = "observed died: ended with status 0"

    def at(self, answer: Answer) -> None:
        if os.fork() == 0:
            wait()
        os._exit(0)
