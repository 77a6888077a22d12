"""Outside programs for the tests."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.documents import ROOT

KIT = ROOT / "docs/adapters"
SERVE = shlex.join([sys.executable, "-m", "proofs.cli.main", "serve"])
MISBEHAVING = Path(__file__).parent / "misbehaving.py"
EXAMPLE = ROOT / "tests/data/examples/redeem.jsonl"
STRICT = ["-std=c99", "-Wall", "-Wextra", "-Werror"]


def misbehaving(mode: str) -> str:
    """The command of a program that misbehaves."""
    return shlex.join([sys.executable, "-S", "-E", str(MISBEHAVING), mode, str(EXAMPLE)])


@cache
def _compiler() -> str | None:
    return shutil.which("cc")


def ledger(folder: Path, *options: str) -> str:
    """The command of the ledger in C, built with these options. Where there is no compiler, the test is skipped."""
    if _compiler() is None:
        pytest.skip("no C compiler: `cc` is not found")
    program = folder / "ledger"
    sources = [str(KIT / "attach.c"), str(KIT / "ledger.c")]
    subprocess.run(["cc", *STRICT, "-O1", *options, "-o", str(program), *sources], check=True, timeout=120)
    return shlex.quote(str(program))
