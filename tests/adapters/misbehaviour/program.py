"""A program that answers as a trace has it; a mode is a subclass that overrides one method."""

from __future__ import annotations

import json
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


def more_to_read() -> bool:
    """Whether another line is there to be read."""
    import select

    return bool(select.select([0], [], [], 0)[0])
