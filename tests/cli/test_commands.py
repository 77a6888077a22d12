"""The command line: verbs, exit codes, output in a pipe, JSON, wrong use."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from proofs.cli.main import _VERBS
from tests.command import RunOutput, run_here
from tests.sampled import sampled

CLAIMCHECK = [str(Path(sys.executable).parent / "claimcheck")]
EXAMPLE = "tests/data/examples/redeem.jsonl"
RECORDED = "tests/data/conformance/claim-sets.jsonl.gz"


def started(*arguments: str) -> RunOutput:
    """The command as a process of its own."""
    done = subprocess.run([*CLAIMCHECK, *arguments], capture_output=True, text=True, timeout=120)
    assert "Traceback" not in done.stderr
    return RunOutput(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("verb", _VERBS)
def test_help_of_every_verb_has_examples(verb: str) -> None:
    code, out, _ = run_here(verb, "--help")
    assert code == 0
    assert "Examples:" in out
    assert f"  claimcheck {verb} " in out
    assert verb in run_here("--help").out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["repaly"], "claimcheck: no verb 'repaly'; did you mean 'replay'?"),
        (["xyz"], f"claimcheck: no verb 'xyz'; there are: {', '.join(_VERBS)}"),
        (["replay"], "claimcheck: Missing argument 'FILE...'."),
        (["replay", "--jsn", EXAMPLE], "claimcheck: No such option '--jsn'"),
        (["replay", "--jobs", "0", EXAMPLE], "claimcheck: Invalid value for '--jobs'"),
        (["replay", "no-such-file"], "claimcheck: no-such-file: No such file or directory"),
        (["replay", "tests"], "claimcheck: tests: Is a directory"),
        (["explain", "no-such-file"], "claimcheck: no-such-file: No such file or directory"),
        (["explain", EXAMPLE, "--trace", "2"], f"claimcheck: {EXAMPLE}: has 1 trace, not 2"),
        (["explain", EXAMPLE, "--events", "x"], "claimcheck: --events 'x': expected FROM:TO, like 20:30, 20: or 7"),
        (["explain", EXAMPLE, "--events", "9:"], "claimcheck: the trace has no event in 9:"),
    ],
)
def test_wrong_use_prints_one_line_and_exits_2(arguments: list[str], message: str) -> None:
    code, _, err = run_here(*arguments)
    assert code == 2
    assert err.startswith(message)
    assert err.count("\n") == 1


def test_replay_of_the_example() -> None:
    code, out, err = started("replay", EXAMPLE)
    assert (code, err) == (0, "")
    assert EXAMPLE in out


def test_wrong_use_ends_the_process_with_2() -> None:
    ended = started("explain", EXAMPLE, "--trace", "2")
    assert ended == RunOutput(2, "", f"claimcheck: {EXAMPLE}: has 1 trace, not 2\n")
    assert ended == run_here("explain", EXAMPLE, "--trace", "2")


def test_replay_as_json() -> None:
    code, out, _ = run_here("replay", "--json", EXAMPLE, EXAMPLE)
    assert code == 0
    result = json.loads(out)
    counts = {
        "traces": 2,
        "events": 8,
        "comparisons": 90,
        "divergences": 0,
        "wraps": 0,
        "skipped": 0,
        "not_observed": 0,
    }
    assert result["total"] == {"files": 2} | counts
    assert set(result["versions"]) == {"claimcheck", "python", "msgspec"}
    assert [entry["file"] for entry in result["files"]] == [EXAMPLE, EXAMPLE]


def test_explain_shows_a_stash() -> None:
    code, out, err = run_here("explain", "tests/data/conformance/cases/stash-1-other-order-loses-the-claim.jsonl")
    assert (code, err) == (0, "")
    assert "preempt_at=page 256 of extent 0)  => preempted while scrubbing at page 256" in out
    assert "d1.pending_scrub none -> mfn 0 order 9, scrubbed up to page 256" in out
    assert "used 0, ▓ 512 in limbo, claimed 1536" in out
    assert "d1.pending_scrub mfn 0 order 9, scrubbed up to page 256 -> none" in out


def test_replay_of_several_files_prints_totals() -> None:
    code, out, err = run_here("replay", EXAMPLE, EXAMPLE)
    assert (code, err) == (0, "")
    assert (
        "total: 2 files, 2 traces, 8 events with boot, 90 comparisons, 0 divergences, 0 wraps, 0 skipped, 0 not observed\n"
        in out
    )
    assert "total:" not in run_here("replay", EXAMPLE).out


def spoiled(tmp_path: Path, old: str, new: str) -> Path:
    text = Path(EXAMPLE).read_text()
    assert old in text
    path = tmp_path / "spoiled.jsonl"
    path.write_text(text.replace(old, new))
    return path


def test_divergence_is_named_and_its_trace_written(tmp_path: Path) -> None:
    path = spoiled(tmp_path, '"total_avail_pages":6', '"total_avail_pages":7')
    folder = tmp_path / "out"
    code, out, _ = started("replay", str(path), "--divergences", str(folder))
    assert code == 1
    assert f"diverged: {path}:5: seed 0, event 3 alloc_domheap_pages: state.total_avail_pages: expected 6, " in out
    (written,) = folder.glob("spoiled-line5-*.jsonl")
    assert written.read_text() == path.read_text()
    assert run_here("explain", str(written)).code == 0


def test_divergence_is_shown_when_its_folder_is_not_writable(tmp_path: Path) -> None:
    path = spoiled(tmp_path, '"total_avail_pages":6', '"total_avail_pages":7')
    code, out, err = started("replay", str(path), "--divergences", "/proc/none")
    assert code == 2
    assert "expected 6, observed 7" in out
    assert "cannot write" in err


def test_malformed_file_does_not_hide_the_others(tmp_path: Path) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text("{}\n")
    for jobs in ("1", "2"):
        code, out, err = run_here("replay", "--jobs", jobs, str(bad), EXAMPLE)
        assert code == 2
        assert err == f"claimcheck: {bad}:1: not a header line: field `format` is missing\n"
        assert EXAMPLE in out


@pytest.mark.parametrize("jobs", sampled(["1", "2"], keep={"2"}))
def test_interrupt_keeps_finished_work(tmp_path: Path, jobs: str) -> None:
    pipe = tmp_path / "pipe.jsonl"
    os.mkfifo(pipe)
    process = subprocess.Popen(
        [*CLAIMCHECK, "replay", "--jobs", jobs, EXAMPLE, str(pipe)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with pipe.open("w"):  # returns once the replay has opened the pipe and waits there for lines
        time.sleep(1.0)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 3, err
    assert EXAMPLE in out
    assert "interrupted" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("jobs", sampled(["1", "2"], keep={"2"}))
def test_interrupt_keeps_finished_obligations(jobs: str) -> None:
    process = subprocess.Popen(
        [*CLAIMCHECK, "prove", "--no-cache", "--hosts", "8x8", "--jobs", jobs],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    ends = time.monotonic() + 60
    while not Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text() and time.monotonic() < ends:
        time.sleep(0.1)
    time.sleep(1.0)  # into the run, which takes longer
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 3, err
    assert "Traceback" not in err
    finished, of_all = map(int, re.findall(r"interrupted after (\d+) of (\d+) obligations", err)[0])
    assert 0 <= finished < of_all
    assert f"{of_all - finished} not decided." in out
    assert "everything promised" not in out


def test_explain_shows_who_did_what_and_what_changed() -> None:
    code, out, _ = run_here("explain", EXAMPLE)
    assert code == 0
    assert "d1       install_claim_set(claims=[3 on node 0, 1 on global])  => OK" in out
    assert "node_outstanding_claims[0] 0 -> 3" in out
    assert "node 0   ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒········  used 0, claimed 3, unclaimed 1 of 4" in out
    assert "\x1b" not in out  # no colours in a pipe


def test_explain_some_events_as_json() -> None:
    code, out, _ = run_here("explain", "--events", "3", "--json", EXAMPLE)
    assert code == 0
    (event,) = json.loads(out)["events"]
    assert event["result"] == "mfn 8 on_node 1"
    assert "d1.global_claims 1 -> 0" in event["changes"]
    assert event["bars"][1] == {"name": "node 1", "pages": 4, "used": {"d1": 2}, "unclaimed": 2}


def test_explain_shows_the_events_before_a_malformed_line(tmp_path: Path) -> None:
    path = spoiled(tmp_path, '"order":1', '"order":-1')
    code, out, err = run_here("explain", str(path))
    assert code == 2
    assert "install_claim_set" in out
    assert err.startswith(f"claimcheck: {path}:5: ")


def test_closed_pipe_causes_no_traceback() -> None:
    done = subprocess.run(
        f"{CLAIMCHECK[0]} explain {RECORDED} | head -2", shell=True, capture_output=True, text=True, timeout=60
    )
    assert done.stderr == ""
    assert done.stdout.startswith(RECORDED)


def test_versions() -> None:
    code, out, _ = started("--version")
    assert code == 0
    assert out.startswith("claimcheck 0.")
    assert "z3-solver" in out
