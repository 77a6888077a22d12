"""Programs that misbehave: each ends as the table of docs/adapters.md says, none hangs, no finding is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from proofs.cli.main import main
from tests.adapters.misbehaving import MODES, Program
from tests.adapters.programs import EXAMPLE, ended, misbehaving
from tests.sampled import first_of_each, sampled

CLAIMCHECK = [sys.executable, "-m", "proofs.cli.main"]
TRACES = 2
BEHIND_ALL = {"ends-with-status", "never-ends", "last-words"}
"""Modes that begin when all traces are done: one finding."""


def at_and_end(name: str) -> tuple[str, str]:
    """When the mode begins, and the kind of its end: the modes alike in both are tried by the long run."""
    return MODES[name].__module__, MODES[name].ends.partition(":")[0]


def give_up(_signal: int, _frame: object) -> None:
    pytest.fail("it hangs")


@pytest.fixture(autouse=True)
def alarm() -> Iterator[None]:
    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(100)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def traces(tmp_path: Path) -> Path:
    path = tmp_path / "traces.jsonl"
    path.write_bytes(EXAMPLE.read_bytes() * TRACES)
    return path


def limits(name: str) -> list[str]:
    """Short where a limit is waited for; beyond what a busy machine takes where it is not."""
    ends = MODES[name].ends
    start = "0.5" if "no hello: hung" in ends else "60"
    step = "0.3" if "hung" in ends or "still running" in ends else "60"
    return ["--start-limit", start, "--step-limit", step]


@pytest.mark.parametrize("name", first_of_each(MODES, str, at_and_end))
def test_each_misbehaviour_ends_as_the_document_says(
    name: str, traces: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program: type[Program] = MODES[name]
    folder = str(traces.parent / "divergences")
    arguments = ["replay", "--against", misbehaving(name), *limits(name), "--divergences", folder, str(traces)]
    monkeypatch.setattr(sys, "argv", ["claimcheck", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    out, err = capsys.readouterr()
    found = [line for line in out.splitlines() if line.startswith("diverged: ")]
    assert ended.value.code == program.status, out + err
    if program.status == 2:
        assert found == []
        assert err.count("\n") == 1
        assert program.ends in err
        return
    assert all("no answer" in line for line in err.splitlines())  # a hang is reported at once
    more = sum(int(line.split()[1]) for line in out.splitlines() if " more of this kind (" in line)
    assert len(found) + more == (0 if program.status == 0 else 1 if name in BEHIND_ALL else TRACES)
    assert all(program.ends in line for line in found), found


@pytest.mark.parametrize("jobs", sampled(["1", "2"], keep={"2"}))
def test_interrupt_keeps_results_and_ends_the_program(tmp_path: Path, jobs: str) -> None:
    started = tmp_path / "started"
    command = f"sh -c 'echo $$ >> {started}; exec {misbehaving('hangs')}'"
    files = [str(EXAMPLE)] * int(jobs)
    process = subprocess.Popen(
        [*CLAIMCHECK, "replay", "--jobs", jobs, "--against", command, "--step-limit", "600", *files],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while not started.exists() or len(started.read_text().split()) < 1 + int(jobs):  # one for the handshake
        time.sleep(0.05)
    time.sleep(1.0)  # it gets an operation, and hangs
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 3, err
    assert str(EXAMPLE) in out
    assert err == "claimcheck: interrupted; the counts are those of what was replayed\n"
    assert all(ended(int(pid)) for pid in started.read_text().split())
