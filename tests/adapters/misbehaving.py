"""An outside program that misbehaves: ``misbehaving.py MODE TRACE`` answers as the trace has it, but for one thing.

The standard library only, and little of it: it is started often.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from typing import Any

AT = 2  # the operation at which it begins

Answer = dict[str, Any]


class Program:
    """Does as it should; a mode overrides one method, its docstring saying what it does instead."""

    ends: str  # how that ends, as it is printed; empty: nothing is found
    status = 1

    def __init__(self, trace: str) -> None:
        with open(trace, encoding="utf-8") as file:
            self.answers: list[Answer] = [json.loads(line) for line in file][1:]
        self.asked = 0

    def write(self, text: str) -> None:
        """Write and flush."""
        sys.stdout.write(text)
        sys.stdout.flush()

    def hello(self) -> None:
        """Answer the greeting."""
        names = ["boot", "create_domain", "install_claim_set", "alloc_domheap_pages"]
        hello = {"hello": "claim-adapter/1", "name": "misbehaving", "formats": ["claim-trace/1", "claim-trace/2"]}
        self.write(json.dumps(hello | {"semantics": ["claim-sets"], "operations": names}) + "\n")

    def header(self) -> None:
        """Answer a header."""
        self.write('{"ready": true}\n')

    def operation(self, number: int, answer: Answer) -> None:
        """Answer an operation."""
        if number == AT:
            self.at(answer)
        else:
            self.right(answer)

    def right(self, answer: Answer) -> None:
        """The right answer."""
        self.write(json.dumps(answer) + "\n")

    def at(self, answer: Answer) -> None:
        """Answer the operation at which the modes begin."""
        self.right(answer)

    def end(self) -> None:
        """The input has ended."""

    def run(self) -> None:
        """Answer until the input ends."""
        for line in sys.stdin:
            asked = json.loads(line)
            if "hello" in asked:
                self.hello()
            elif "format" in asked:
                self.asked = 0
                self.header()
            else:
                recorded = self.answers[self.asked]
                answer: Answer = {k: recorded[k] for k in ("result", "mfn", "on_node", "state") if k in recorded}
                self.operation(self.asked, answer)
                self.asked += 1
        self.end()


MODES: dict[str, type[Program]] = {}


def mode(cls: type[Program]) -> type[Program]:
    """Enter a mode by its name."""
    MODES["".join("-" + c.lower() if c.isupper() else c for c in cls.__name__).removeprefix("-")] = cls
    return cls


def wait() -> None:
    """Do nothing more."""
    time.sleep(600)


# At the start: the program cannot be used, exit 2.


class AtStart(Program):
    """Before anything is asked."""

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

    ends = "other version: the program speaks 'claim-adapter/9'; spoken here: claim-adapter/1"

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
    """closes its standard output at the start, and goes on"""

    ends = "no hello: closed: closed its standard output, and goes on"

    def hello(self) -> None:
        os.close(1)
        wait()


@mode
class OtherSemantics(AtStart):
    """has other semantics than the traces"""

    ends = "nothing was asked of the program: the program has no semantics claim-sets"

    def hello(self) -> None:
        self.write('{"hello":"claim-adapter/1","name":"n","formats":[],"semantics":["mine"],"operations":[]}\n')


@mode
class RefusesHost(AtStart):
    """cannot have the host of any trace"""

    ends = "nothing was asked of the program: the program cannot have such a host: too large"

    def header(self) -> None:
        self.write('{"error":"too large"}\n')


# In a trace: a finding, exit 1.


@mode
class HeaderGarbage(Program):
    """answers a header with something else"""

    ends = 'observed garbage: neither `"ready": true` nor `error`, for a header'

    def header(self) -> None:
        self.write("{}\n")


@mode
class Ends(Program):
    """ends instead of an answer"""

    ends = "observed died: ended with status 0"

    def at(self, answer: Answer) -> None:
        sys.exit(0)


@mode
class Aborts(Program):
    """stops at an assertion"""

    ends = "observed died: ended by SIGABRT; its standard error ends: Assertion `pages >= 0' failed."

    def at(self, answer: Answer) -> None:
        os.write(2, b"Assertion `pages >= 0' failed.\n")
        os.abort()


@mode
class Segfaults(Program):
    """is killed by a signal"""

    ends = "observed died: ended by SIGSEGV"

    def at(self, answer: Answer) -> None:
        os.kill(os.getpid(), signal.SIGSEGV)


@mode
class LosesAnswers(Program):
    """keeps its answers in a buffer and dies: which operation was it?"""

    ends = "event 2 install_claim_set: answer: expected an observation, observed died: ended by SIGKILL"

    def __init__(self, trace: str) -> None:
        super().__init__(trace)
        self.kept = ""

    def right(self, answer: Answer) -> None:
        self.kept += json.dumps(answer) + "\n"
        if self.asked == 0 or not more_to_read():
            self.write(self.kept)
            self.kept = ""

    def at(self, answer: Answer) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


@mode
class Hangs(Program):
    """does not answer any more"""

    ends = "observed hung: no answer within"

    def at(self, answer: Answer) -> None:
        wait()


@mode
class HalfLineAndEnd(Program):
    """ends in the middle of an answer"""

    ends = "observed died: ended with status 0, in the middle of the line '{\"resu'"

    def at(self, answer: Answer) -> None:
        self.write('{"resu')
        sys.exit(0)


@mode
class HalfLineAndWait(Program):
    """stops in the middle of an answer"""

    ends = "observed hung: no answer within"

    def at(self, answer: Answer) -> None:
        self.write('{"resu')
        wait()


@mode
class NoLineEnd(Program):
    """forgets the line end behind an answer"""

    ends = "observed hung: no answer within"

    def at(self, answer: Answer) -> None:
        self.write(json.dumps(answer))
        wait()


@mode
class Trickles(Program):
    """writes an answer so slowly that it never ends"""

    ends = "observed hung: no answer within"

    def at(self, answer: Answer) -> None:
        while True:
            self.write(" ")
            time.sleep(0.02)


@mode
class NotJson(Program):
    """prints a message among its answers"""

    ends = "observed garbage: not JSON: JSON is malformed"

    def at(self, answer: Answer) -> None:
        self.write("claim installed\n")
        self.right(answer)


@mode
class NotUtf8(Program):
    """writes bytes that are no text"""

    ends = "observed garbage: "

    def at(self, answer: Answer) -> None:
        os.write(1, b'{"result": "\xff\xfe"}\n')


@mode
class Nested(Program):
    """nests without end"""

    ends = "observed garbage: Expected `int`, got `object`"

    def at(self, answer: Answer) -> None:
        self.write('{"state":{"total_avail_pages":' + '{"1":' * 100_000 + "\n")


@mode
class EmptyLine(Program):
    """writes an empty line"""

    ends = "observed garbage: not JSON: Input data was truncated, in ''"

    def at(self, answer: Answer) -> None:
        self.write("\n")
        self.right(answer)


@mode
class LongLine(Program):
    """writes megabytes without a line end"""

    ends = "observed too long: a line of more than 4,194,304 bytes: 'xxx"

    def at(self, answer: Answer) -> None:
        while True:
            self.write("x" * 65536)


@mode
class Flood(Program):
    """writes lines without end"""

    ends = "observed garbage: field `state` is missing, in '{}'"

    def at(self, answer: Answer) -> None:
        while True:
            self.write("{}\n" * 10_000)


@mode
class TwoInOneLine(Program):
    """writes two answers in one line"""

    ends = "observed garbage: not JSON: JSON is malformed: trailing characters"

    def at(self, answer: Answer) -> None:
        self.write(json.dumps(answer) + json.dumps(answer) + "\n")


@mode
class AnswersTwice(Program):
    """answers an operation twice"""

    ends = "observed garbage: Object contains unknown field `result`"

    def at(self, answer: Answer) -> None:
        self.right(answer)
        self.right(answer)


@mode
class SkipsAnAnswer(Program):
    """leaves an operation out"""

    ends = "observed garbage: Object contains unknown field `mfn`"

    def at(self, answer: Answer) -> None:
        pass


@mode
class ExtraLine(Program):
    """writes one line more behind the last answer of a trace"""

    ends = 'end: answer: expected none, observed extra: behind the last answer: \'{"bye": 1}'

    def operation(self, number: int, answer: Answer) -> None:
        self.write(json.dumps(answer) + "\n" + '{"bye": 1}\n' * (number == 3))


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
    """tells of a crash where the hypervisor goes on"""

    ends = "event 2 install_claim_set: crash: expected no crash, observed BUG_ON: negative"

    def at(self, answer: Answer) -> None:
        self.write('{"crash":"BUG_ON: negative"}\n')
        sys.exit(0)


@mode
class Absent(Program):
    """says that pages are absent where it was told none"""

    ends = "observed garbage: `absent`, of pages that the program has"

    def at(self, answer: Answer) -> None:
        self.write('{"absent":true}\n')


@mode
class ClosesOutput(Program):
    """closes its standard output, and goes on"""

    ends = "observed closed: closed its standard output, and goes on"

    def at(self, answer: Answer) -> None:
        os.close(1)
        wait()


@mode
class ClosesInput(Program):
    """closes its standard input, and goes on"""

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


# Behind the last trace.


@mode
class EndsWithStatus(Program):
    """ends with a status that is not 0, as a leak checker does"""

    ends = "end: answer: expected none, observed ended badly: its input ended, and it ended with status 23"

    def end(self) -> None:
        sys.stderr.write("leaked 24 bytes\n")
        os._exit(23)


@mode
class GoesOn(Program):
    """does not end when its input ends"""

    ends = "end: answer: expected none, observed ended badly: goes on"

    def end(self) -> None:
        wait()


@mode
class LastWords(Program):
    """writes when its input has ended"""

    ends = "end: answer: expected none, observed extra: 'done\\n' behind the last answer"

    def end(self) -> None:
        self.write("done\n")


# Odd, but right: exit 0.


@mode
class Noisy(Program):
    """writes megabytes on its standard error"""

    ends = ""
    status = 0

    def at(self, answer: Answer) -> None:
        for _ in range(40):
            os.write(2, b"debug: " * 10_000)
        self.right(answer)


@mode
class ByteByByte(Program):
    """writes its answers byte by byte"""

    ends = ""
    status = 0

    def write(self, text: str) -> None:
        for byte in text.encode():
            os.write(1, bytes([byte]))


@mode
class Spaced(Program):
    """writes blanks and carriage returns around its answers"""

    ends = ""
    status = 0

    def right(self, answer: Answer) -> None:
        self.write("  " + json.dumps(answer, indent=None, separators=(" , ", " : ")) + " \r\n")


def more_to_read() -> bool:
    """Whether another line is there to be read."""
    import select

    return bool(select.select([0], [], [], 0)[0])


if __name__ == "__main__":
    MODES[sys.argv[1]](sys.argv[2]).run()
