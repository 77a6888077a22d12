"""After the last trace: a finding, exit 1; and what is odd, but right: exit 0."""

from __future__ import annotations

import json
import os
import sys

from tests.adapters.misbehaviour.program import Answer, Program, mode, wait


@mode
class EndsWithStatus(Program):
    """ends with a status that is not 0, as a leak checker does"""

    ends = "end: answer: expected none, observed ended badly: its input ended, and it ended with status 23"

    def end(self) -> None:
        sys.stderr.write("leaked 24 bytes\n")
        os._exit(23)


@mode
class NeverEnds(Program):
    """does not end when its input ends"""

    ends = "end: answer: expected none, observed ended badly: still running"

    def end(self) -> None:
        wait()


@mode
class LastWords(Program):
    """writes when its input has ended"""

    ends = "end: answer: expected none, observed extra: 'done\\n' after the last answer"

    def end(self) -> None:
        self.write("done\n")


# Odd, but right: exit 0.


@mode
class FloodsStandardError(Program):
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
class AddsBlanks(Program):
    """writes blanks and carriage returns around its answers"""

    ends = ""
    status = 0

    def right(self, answer: Answer) -> None:
        self.write("  " + json.dumps(answer, indent=None, separators=(" , ", " : ")) + " \r\n")
