"""Outside programs for the tests."""

from __future__ import annotations

import gzip
import os
import shlex
import sys
from functools import cache
from pathlib import Path

from docs._make.checkout import ROOT
from tests.adapters.c_store import compiled

KIT = ROOT / "docs/adapters"
SERVE = shlex.join([sys.executable, "-m", "proofs.cli.main", "serve"])
MISBEHAVING = Path(__file__).parent / "misbehaving.py"
RECORDED = ROOT / "tests/data/conformance/claim-sets.jsonl.gz"
EXAMPLE = ROOT / "tests/data/examples/redeem.jsonl"
STRICT = ["-std=c99", "-Wall", "-Wextra", "-Werror"]


def misbehaving(mode: str) -> str:
    """The command of a program that misbehaves."""
    return shlex.join([sys.executable, "-S", "-E", str(MISBEHAVING), mode, str(EXAMPLE)])


@cache
def built(sources: tuple[Path, ...], options: tuple[str, ...] = (), compiler: str = "cc") -> str:
    """The command of a program in C. It is not optimised: that would take longer than what the tests run.

    :raises subprocess.CalledProcessError: it does not build, or gives a warning
    """
    return shlex.quote(str(compiled(compiler, [*STRICT, "-O0", f"-I{KIT}", *options], sources)))


def ledger(*options: str, attached: str = "attach.c") -> str:
    """The command of the ledger in C, built with these options."""
    return built((KIT / attached, KIT / "ledger.c"), options)


def faulty(fault: str, *options: str) -> str:
    """The command of the ledger with a fault at its fifth allocation: ``ABORTS``, ``HANGS``, or ``REFUSES``."""
    source = Path(__file__).parent / "faulty.c"
    return built((source, KIT / "ledger.c"), (f"-D{fault}", "-D_POSIX_C_SOURCE=200809L", *options))


def recorded(folder: Path, traces: int) -> Path:
    """The first traces of the recording of claim sets, as a file in this folder."""
    path, begun = folder / "recorded.jsonl", 0
    with gzip.open(RECORDED, "rt") as lines, path.open("w") as file:
        for line in lines:
            begun += line.startswith('{"format"')
            if begun > traces:
                break
            file.write(line)
    return path


def ended(pid: int) -> bool:
    """Whether a process is gone, or waits to be reaped by whoever inherited it."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].startswith("Z")
    except (ProcessLookupError, FileNotFoundError):
        return True
