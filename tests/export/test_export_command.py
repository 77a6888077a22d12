"""``claimcheck export``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import pytest
from click.testing import CliRunner

from proofs.cli.export import export
from proofs.cli.main import main
from tests.sampled import sampled

EXAMPLE = "tests/data/examples/redeem.jsonl"
FINDING = "tests/data/findings/claim-sets-no-recall/claims-fulfilled.granted-on-node.jsonl"


def call(*arguments: str) -> tuple[int, str, str]:
    """Exit code, output, and errors of the command in this process."""
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        patch.setattr(sys, "argv", ["claimcheck", "export", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
    return int(ended.value.code or 0), out.getvalue(), err.getvalue()


def test_header_is_written_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "invariants.h"
    ended = CliRunner().invoke(export, ["c", "-o", str(path)])  # here, so that what others need too is proved once
    assert ended.exit_code == 0
    assert ended.output == f"{path}: 10 invariants; left out: 7 that read what only the model has\n"
    assert path.read_text().count("static inline int cc_") == 10


def pytest_status(path: Path) -> int:
    """The status of pytest with this file, without the plugins that it would find."""
    run = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(path.parent), str(path)]
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(run, capture_output=True, timeout=60, env=environment).returncode


@pytest.mark.long
@pytest.mark.parametrize("file", sampled([FINDING, EXAMPLE], 2))
def test_exported_pytest_test_fails_on_a_changed_trace(tmp_path: Path, file: str) -> None:
    path = tmp_path / "test_exported.py"
    assert call("tests", file, "-o", str(path))[0] == 0
    assert pytest_status(path) == 0
    text = path.read_text()
    assert '"claims":[{"pages":' in text
    path.write_text(text.replace('"result":"OK"', '"result":"EINVAL"', 1))
    assert pytest_status(path) == 1


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
