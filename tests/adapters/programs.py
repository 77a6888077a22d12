"""Outside programs for the tests."""

from __future__ import annotations

import atexit
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import pytest

from docs._make.checkout import ROOT

KIT = ROOT / "docs/adapters"
SERVE = shlex.join([sys.executable, "-m", "proofs.cli.main", "serve"])
MISBEHAVING = Path(__file__).parent / "misbehaving.py"
EXAMPLE = ROOT / "tests/data/examples/redeem.jsonl"
STRICT = ["-std=c99", "-Wall", "-Wextra", "-Werror"]


def misbehaving(mode: str) -> str:
    """The command of a program that misbehaves."""
    return shlex.join([sys.executable, "-S", "-E", str(MISBEHAVING), mode, str(EXAMPLE)])


@cache
def _built(options: tuple[str, ...]) -> Path | None:
    """Built once in a process; none where there is no compiler."""
    if shutil.which("cc") is None:
        return None
    program = Path(tempfile.mkdtemp(prefix="claimcheck-ledger-")) / "ledger"
    atexit.register(shutil.rmtree, program.parent)
    sources = [str(KIT / "attach.c"), str(KIT / "ledger.c")]
    subprocess.run(["cc", *STRICT, "-O1", *options, "-o", str(program), *sources], check=True, timeout=120)
    return program


def ledger(*options: str) -> str:
    """The command of the ledger in C, built with these options. Where there is no compiler, the test is skipped."""
    program = _built(options)
    if program is None:
        pytest.skip("no C compiler: `cc` is not found")
    return shlex.quote(str(program))


def ended(pid: int) -> bool:
    """Whether a process is gone, or waits to be reaped by whoever inherited it."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].startswith("Z")
    except (ProcessLookupError, FileNotFoundError):
        return True
