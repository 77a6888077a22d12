"""In a trace the program writes lines that are no answers, or too many or too few: a finding, exit 1."""

from __future__ import annotations

import json
import os

from tests.adapters.misbehaviour.program import Answer, Program, mode


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
class NestsDeeply(Program):
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
    """writes one line more after the last answer of a trace"""

    ends = 'end: answer: expected none, observed extra: after the last answer: \'{"bye": 1}'

    def operation(self, number: int, answer: Answer) -> None:
        self.write(json.dumps(answer) + "\n" + '{"bye": 1}\n' * (number == 3))
