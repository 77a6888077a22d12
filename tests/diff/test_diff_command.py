"""``claimcheck diff``: exit codes, JSON, wrong use."""

from __future__ import annotations

import json
import re
from datetime import date

import pytest
from click.testing import CliRunner

from proofs.cli.diff import diff
from proofs.evidence.dated import fingerprint


def run(*arguments: str):
    return CliRunner().invoke(diff, [*arguments, "--jobs", "1"])


def test_diff_exits_0_when_all_rows_match() -> None:
    done = run("--shape", "1x1", "--generation", "claim-sets", "--operation", "mark_dying")
    assert done.exit_code == 0, done.output
    assert "mark_dying" in done.output
    assert "1 proved on 1x1" in done.output


def test_diff_exits_1_and_shows_the_difference() -> None:
    done = run("--shape", "1x1", "--mistake", "recalls-one-too-few")
    assert done.exit_code == 1, done.output
    assert "=> OFFLINED" in done.output
    assert re.search(r"outstanding_claims: (\d) in the reference, (?!\1)\d in the model", done.output)


def test_json_has_every_row() -> None:
    done = run("--shape", "1x1", "--mistake", "second-global-entry-passes", "--json")
    content = json.loads(done.output)
    (row,) = content["rows"]
    assert done.exit_code == 1
    assert content["versions"]["z3"]
    assert content["code"] == fingerprint()
    assert date.fromisoformat(content["made"])
    assert row["verdict"] == "refuted"
    assert [entry["target"] for entry in row["difference"]["arguments"]["entries"]] == [2**31] * 2


def test_diff_exits_3_when_undecided() -> None:
    done = run("--shape", "2x2", "--generation", "claim-sets", "--operation", "install_claim_set", "--rlimit", "1")
    assert done.exit_code == 3, done.output
    assert "unknown: claim-sets install_claim_set 2x2" in done.output


@pytest.mark.parametrize(
    "arguments",
    [("--shape", "0x1"), ("--shape", "2"), ("--operation", "nothing"), ("--generation", "x"), ("--mistake", "x")],
)
def test_diff_exits_2_on_wrong_use(arguments: tuple[str, ...]) -> None:
    assert run(*arguments).exit_code == 2
