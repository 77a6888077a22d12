"""Ctrl-C ends a report within two seconds, also where it cannot be raised at once, and keeps what was finished."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from proofs import interrupts
from proofs.evidence import collect, further, recordings
from proofs.evidence.request import EvidenceRequest
from proofs.evidence.structure import Conformance, SkippedSection
from proofs.report.write import NAMES
from tests.sampled import sampled

LIMIT = 2.0 * (2 + len(os.sched_getaffinity(0)))  # seconds; two on a machine that does nothing else


def started(out: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "proofs.cli.main", "report", "--out", str(out), "--jobs", "2"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


@pytest.mark.parametrize(
    "whole_group",
    [pytest.param(True, id="of-a-terminal"), pytest.param(False, id="to-one-process", marks=pytest.mark.long)],
)
def test_report_ends_in_its_first_section(whole_group: bool, tmp_path: Path) -> None:
    process = started(tmp_path / "out")
    assert process.stderr is not None
    assert process.stderr.readline() == "matrix: begun\n"
    time.sleep(0.5)
    sent = time.monotonic()
    (os.killpg if whole_group else os.kill)(process.pid, signal.SIGINT)
    try:
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert time.monotonic() - sent < LIMIT
    assert (process.returncode, out) == (3, "")
    assert err == "claimcheck: interrupted: no section was finished, nothing is written\n"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("seconds", sampled([0.6, 1.2], keep={0.6}))
def test_report_ends_while_it_is_loaded(seconds: float, tmp_path: Path) -> None:
    process = started(tmp_path / "out")
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    try:
        _out, err = process.communicate(timeout=LIMIT)
    finally:
        process.kill()
    assert process.returncode in (3, -signal.SIGINT)  # before the command has begun, Python ends by the signal
    assert "Traceback" not in err or process.returncode == -signal.SIGINT


def test_ctrl_c_that_is_only_noted_ends_the_section(monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes while a pool of processes ends: nothing reads the note after that."""
    ran: list[str] = []

    def conformance(request: EvidenceRequest) -> Conformance:
        with interrupts.interrupts_noted():
            os.kill(os.getpid(), signal.SIGINT)
        ran.append("conformance")
        request.progress("conformance", 1, 2)
        ran.append("more of it")
        return Conformance(files=[])

    monkeypatch.setattr(recordings, "conformance", conformance)
    without = frozenset(collect.SECTIONS) - {"conformance", "fuzz"}
    with interrupts.interrupts_raised():
        evidence = collect.collected(EvidenceRequest(["claim-sets"], ["node-backed"], without, jobs=1))
    assert ran == ["conformance"]
    assert evidence.conformance == evidence.further["fuzz"] == SkippedSection(collect.INTERRUPTED)
    assert collect.is_empty(evidence)
    assert not interrupts.is_command_interrupted()


def test_page_is_not_written_after_ctrl_c(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from click.testing import CliRunner

    from proofs.cli.report import report

    def ctrl_c(_request: EvidenceRequest) -> SkippedSection:
        raise KeyboardInterrupt

    monkeypatch.setattr(recordings, "conformance", lambda _request: Conformance(files=[]))
    monkeypatch.setattr(further, "collected", lambda _name, request: ctrl_c(request))
    left_out = [name for name in collect.SECTIONS if name not in ("conformance", "fuzz")]
    (tmp_path / "report.html").write_text("an older page")
    options = [option for name in left_out for option in ("--without", name)]
    outcome = CliRunner().invoke(report, ["--out", str(tmp_path), *options])
    assert outcome.exit_code == 3
    assert "conformance: begun" in outcome.output
    assert f"`claimcheck report --from {tmp_path}/evidence.json` makes it" in outcome.output
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(set(NAMES) - {"report.html"})
