"""Output: 80 columns, encodings that lack characters, a reader that goes away."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from proofs.cli.output import show_table, table
from tests.command import run_here

CLAIMCHECK = str(Path(sys.executable).parent / "claimcheck")
FINDING = "tests/data/findings/claim-sets/host-backed.jsonl"


def call(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [CLAIMCHECK, *arguments], capture_output=True, text=True, timeout=120, env={**os.environ, **environment}
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("prove", "--no-cache", "--property", "recall-minimal"),
        pytest.param(("prove", "--no-cache", "--property", "entitlement-without-limbo"), marks=pytest.mark.long),
        ("generations", "single-node-v4"),
        ("generations",),
        ("explain", FINDING),
        ("replay", FINDING),
        ("serve", "--list-mistakes"),
        ("diff", "--operation", "claim_pages", "--shape", "1x1", "--generation", "claim-sets"),
    ],
    ids=" ".join,
)
def test_output_fits_80_columns_and_breaks_no_word(arguments: tuple[str, ...]) -> None:
    wide, narrow = (run_here(*arguments, columns=width).out for width in (1000, 80))
    assert all(len(line) <= 80 or " " not in line.strip() for line in narrow.splitlines()), narrow
    steady = {word for word in wide.split() if word.isascii() and not any(c in word for c in "0123456789!")}
    assert steady <= set(narrow.split())


def test_narrow_table_wraps_between_words(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    shown = table("property", "number#", "what it says")
    shown.add_row("claims-within-aggregates", "1,000,000", "no more than there is")
    show_table(shown)
    out = capsys.readouterr().out
    assert "claims-within-aggregates" in out
    assert "1,000,000" in out


def test_encoding_without_bars_shows_others() -> None:
    found = call("explain", FINDING, PYTHONIOENCODING="ascii")
    assert found.returncode == 0
    assert "host     xxxxxxxxxxxxxxxx!!!!!!!!!!!!!!!!  used 0, x 1 offline, claimed 1" in found.stdout


@pytest.mark.parametrize(
    "arguments", [("explain", "tests/data/conformance/claim-sets.jsonl.gz"), ("serve", "--list-mistakes")]
)
def test_closed_pipe_is_no_refutation(arguments: tuple[str, ...]) -> None:
    process = subprocess.Popen([CLAIMCHECK, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (3, b"")
