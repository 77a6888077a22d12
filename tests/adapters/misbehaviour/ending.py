"""In a trace the program ends, hangs or answers half: a finding, exit 1."""

from __future__ import annotations

import json
import os
import signal
import sys
import time

from tests.adapters.misbehaviour.program import Answer, Program, mode, more_to_read, wait


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
    """forgets the line end after an answer"""

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
