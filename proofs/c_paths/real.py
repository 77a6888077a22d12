"""Runs the compiled code on an input of every path: it must end as the interpreter says."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import weakref
from collections.abc import Sequence
from pathlib import Path

from proofs.diff.world import Size

from .binding import BoundSource, compiler
from .driver import INTRINSICS
from .examine import RealRun
from .memory import UNDEFINED
from .reading import SourceError
from .world import slots_of

_PROGRAM = Path(__file__).parent / "real_program.c"
PLAIN = ("-O2",)
SANITIZED = ("-O1", "-fsanitize=undefined", "-fsanitize-undefined-trap-on-error")
QUIET = ("-w", "-std=gnu11", "-fno-strict-aliasing")
_SECONDS = 600


class CompiledProgram:
    """A C file, compiled with what calls its functions."""

    def __init__(self, bound: BoundSource, options: Sequence[str]) -> None:
        """:raises SourceError: the compiler refuses it"""
        self.bound = bound
        folder = Path(tempfile.mkdtemp(prefix="claimcheck-c-"))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self.path = folder / "program"
        (folder / "file.i").write_text(bound.text, encoding="utf-8")
        (folder / "intrinsics.h").write_text(INTRINSICS, encoding="utf-8")
        steps = (
            [*options, "-c", "-fpreprocessed", "-x", "cpp-output", "file.i", "-o", "file.o"],
            ["-O1", "-c", "-include", "intrinsics.h", str(_PROGRAM), "-o", "main.o"],
            [*options, "-Wl,--unresolved-symbols=ignore-all", "file.o", "main.o", "-o", "program"],
        )
        for step in steps:
            command = [*compiler(), *QUIET, *step]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
            if done.returncode:
                lines = [line for line in done.stderr.splitlines() if "error" in line or "undefined" in line]
                why = (lines or done.stderr.splitlines() or ["no reason given"])[0]
                raise SourceError(f"{bound.shown}: does not compile to a program: {why}")

    def run(self, size: Size, runs: Sequence[RealRun]) -> list[str]:
        """What the program prints for each run."""
        slots = slots_of(self.bound, size)
        counters, operations = list(self.bound.loaded.map.counters), list(self.bound.loaded.map.operations)
        fields = list(self.bound.loaded.map.entries)
        head = [size.nodes, size.domains, len(slots)]
        for slot in slots:
            head += [counters.index(slot.counter), slot.d, slot.n]
        lines = [head]
        for one in runs:
            line = [operations.index(one.operation), one.actor, *one.state, len(one.entries), len(fields)]
            for entry in one.entries:
                line += [entry[field] for field in fields]
            lines.append([*line, len(one.arguments), *one.arguments, len(one.asked), *one.asked])
        text = "".join(" ".join(str(_signed(number)) for number in line) + "\n" for line in lines)
        done = subprocess.run([self.path], input=text, capture_output=True, text=True, timeout=_SECONDS, check=False)
        answers = done.stdout.splitlines()
        if len(answers) != len(runs):
            raise SourceError(f"{self.bound.shown}: the compiled program ended early: {done.returncode}")
        return answers


def _signed(number: int) -> int:
    """The number with the same 64 bits that ``long`` can hold."""
    return (number + (1 << 63)) % (1 << 64) - (1 << 63)


def disagreement(run: RealRun, answer: str, sanitized: bool) -> str | None:
    """How the compiled code ended otherwise than the interpreter said; empty: it did not; None: not comparable."""
    if run.result == UNDEFINED:
        if not sanitized or run.unseen:
            return None
        return "" if answer.startswith("signal") else f"not stopped by the sanitizer: {answer[:80]}"
    if run.result:
        return "" if answer == run.result else f"{run.result} expected, the program said {answer[:80]}"
    expected = " ".join(str(_signed(number)) for number in (run.returned, *run.after))
    return "" if answer == expected else f"{expected[:200]} expected, the program said {answer[:200]}"


def compared(
    programs: Sequence[tuple[CompiledProgram, bool]], size: Size, runs: Sequence[RealRun]
) -> tuple[int, list[str]]:
    """The number of runs that could be compared, and every disagreement."""
    ran, wrong = set[int](), []
    for program, sanitized in programs:
        for number, (run, answer) in enumerate(zip(runs, program.run(size, runs), strict=True)):
            found = disagreement(run, answer, sanitized)
            if found is not None:
                ran.add(number)
            if found:
                wrong.append(f"{run.operation}: {found}")
    return len(ran), wrong
