"""`explain --as mail`: a trace as text for a review."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from proofs.cli.main import claimcheck
from proofs.explain.mail import WIDTH

FINDINGS = sorted(Path("tests/data/findings/claim-sets").glob("*.jsonl"))


@pytest.mark.parametrize("path", FINDINGS, ids=lambda path: path.stem)
def test_mail_fits_its_width_and_names_the_file(path: Path) -> None:
    done = CliRunner().invoke(claimcheck, ["explain", "--as", "mail", str(path)])
    assert done.exit_code == 0
    lines = done.output.splitlines()
    assert lines[0] == "With the rules of claim-sets:"
    assert lines[-1].endswith(f"claimcheck replay {path}")
    assert all(len(line) <= WIDTH for line in lines if line.startswith(("Violated", "Source")))


@pytest.mark.parametrize("option", [["--json"], ["--svg", "x.svg"], ["--events", "1:2"]])
def test_mail_takes_no_other_form(option: list[str]) -> None:
    done = CliRunner().invoke(claimcheck, ["explain", "--as", "mail", *option, str(FINDINGS[0])])
    assert done.exit_code == 2
    assert "no --svg, no --json, no --events" in done.output


def test_mail_gives_the_violated_inequality() -> None:
    done = CliRunner().invoke(
        claimcheck, ["explain", "--as", "mail", "tests/data/findings/claim-sets/host-backed.jsonl"]
    )
    text = " ".join(done.output.split())
    assert "Violated: host-backed, at event 5 offline_page: host: outstanding_claims 1 > total_avail_pages 0" in text
