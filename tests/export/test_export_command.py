"""``claimcheck export``."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from proofs.cli.export import export

CLAIMCHECK = [str(Path(sys.executable).parent / "claimcheck"), "export"]
EXAMPLE = "tests/data/examples/redeem.jsonl"
FINDING = "tests/data/findings/claim-sets-no-recall/claims-fulfilled.granted-on-node.jsonl"


def call(*arguments: str) -> tuple[int, str, str]:
    done = subprocess.run([*CLAIMCHECK, *arguments], capture_output=True, text=True, timeout=120)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


def test_header_is_written_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "invariants.h"
    ended = CliRunner().invoke(export, ["c", "-o", str(path)])  # here, so that what others need too is proved once
    assert ended.exit_code == 0
    assert ended.output == f"{path}: 10 invariants; left out: 7 that read what only the model has\n"
    assert path.read_text().count("static inline int cc_") == 10


@pytest.mark.parametrize("file", [EXAMPLE, FINDING])
def test_exported_pytest_test_fails_on_a_changed_trace(tmp_path: Path, file: str) -> None:
    path = tmp_path / "test_exported.py"
    assert call("tests", file, "-o", str(path))[0] == 0
    run = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(path)]
    assert subprocess.run(run, capture_output=True, timeout=60).returncode == 0
    text = path.read_text()
    assert '"claims":[{"pages":' in text
    path.write_text(text.replace('"result":"OK"', '"result":"EINVAL"', 1))
    assert subprocess.run(run, capture_output=True, timeout=60).returncode == 1


def test_trace_is_exported_as_json() -> None:
    code, out, _ = call("tests", EXAMPLE, "--as", "json")
    assert code == 0
    assert [event["op"] for event in json.loads(out)["events"]] == [
        json.loads(line)["op"] for line in Path(EXAMPLE).read_text().splitlines()[1:]
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["c", "--generation", "claim-set"], "claimcheck: no generation 'claim-set'; did you mean 'claim-sets'?"),
        (["c", "-o", "/proc/none/x.h"], "claimcheck: /proc/none/x.h: No such file or directory"),
        (["tests", "no-such-file"], "claimcheck: no-such-file: No such file or directory"),
        (["tests", EXAMPLE, "--trace", "2"], f"claimcheck: {EXAMPLE} has 1 trace, not 2"),
        (["tests", "tests/data/findings/claim-sets/dead-hold-nothing.jsonl", "--as", "c"], "claimcheck: event "),
    ],
)
def test_wrong_use_prints_one_line_and_exits_2(arguments: list[str], message: str) -> None:
    code, _, err = call(*arguments)
    assert code == 2
    assert err.startswith(message)
    assert err.count("\n") == 1
