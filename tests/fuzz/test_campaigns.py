"""Campaigns: shards, journals, one finding per kind, killed at any moment, resumed, on processes and on Dask."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from proofs.cli.main import main
from proofs.fuzz.campaign import Budget, Campaign
from proofs.fuzz.known import CACHE, GenerationFacts
from proofs.fuzz.shard import seed_of
from proofs.fuzz.store import CampaignSettings, ShardRecord, ShrinkRecord, Store, StoreError
from proofs.stored import store
from tests.fuzz.spoiled import spoil
from tests.sampled import sampled

ROOT = Path(__file__).parents[2]
CLAIMCHECK = str(Path(sys.executable).parent / "claimcheck")
SPOILED = [sys.executable, "-m", "tests.fuzz.spoiled"]
BUG = "install-accumulates"
KNOWN = GenerationFacts(
    "claim-sets", [], {"claim_pages_check: checked": "", "never: reached": "", "cannot: be": "a reason"}
)


def settings(shard_steps: int = 200) -> CampaignSettings:
    return CampaignSettings(["claim-sets"], shard_steps=shard_steps)


def campaign(folder: Path, steps: int) -> Campaign:
    """Run or resume a campaign in this folder."""
    with Store(folder, settings()) as store:
        done = Campaign(store.settings, [KNOWN], folder / "findings", store)
        done.run(Budget(steps=steps), jobs=1)
        done.finish()
        return done


def files(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(folder.glob("findings/*"))}


@pytest.fixture
def spoiled(monkeypatch: pytest.MonkeyPatch) -> None:
    spoil(BUG, monkeypatch.setattr)


def test_seeds_of_traces_differ() -> None:
    assert len({seed_of(c, s, n) for c in range(5) for s in range(5) for n in range(5)}) == 125


def test_unreached_classes_are_listed_unless_unreachable() -> None:
    done = Campaign(settings(), [KNOWN], Path("nowhere"))
    assert done.totals["claim-sets"].unreached() == ["claim_pages_check: checked", "never: reached"]
    done.run(Budget(steps=2000), jobs=1)
    assert done.totals["claim-sets"].unreached() == ["never: reached"]
    assert done.steps >= 2000


def test_each_generation_counts_its_own_classes() -> None:
    other = GenerationFacts("legacy-2013", [], KNOWN.classes)
    both = Campaign(CampaignSettings(["claim-sets", "legacy-2013"]), [KNOWN, other], Path("nowhere"))
    both.totals["claim-sets"].hits["never: reached"] += 1
    assert both.totals["legacy-2013"].unreached() == ["claim_pages_check: checked", "never: reached"]


def test_resumed_campaign_equals_uninterrupted_run(spoiled: None, tmp_path: Path) -> None:
    whole = campaign(tmp_path / "whole", 1600)
    campaign(tmp_path / "parts", 400)
    parts = campaign(tmp_path / "parts", 1600)
    found = whole.findings()
    assert sum(finding.traces for finding in found) > len(found) > 0
    assert len({finding.found.failure.kind for finding in found}) == len(found)
    assert files(tmp_path / "whole") == files(tmp_path / "parts")
    assert len(files(tmp_path / "whole")) == 2 * len(found)  # a trace and a test each
    assert [f.traces for f in parts.findings()] == [f.traces for f in found]
    counted = [(t.traces, t.steps, t.hits) for c in (whole, parts) for t in c.totals.values()]
    assert counted[0] == counted[1]
    again = campaign(tmp_path / "parts", 1600)
    assert (again.steps, again.findings()) == (parts.steps, parts.findings())


def test_campaign_resumes_after_a_truncated_journal_line(spoiled: None, tmp_path: Path) -> None:
    whole = campaign(tmp_path, 800)
    journal = tmp_path / "journal.jsonl"
    journal.write_bytes(journal.read_bytes()[:-40])
    for path in tmp_path.glob("findings/*"):
        path.unlink()
    again = campaign(tmp_path, 800)
    assert again.steps == whole.steps
    assert {f.found.failure.kind for f in again.findings()} == {f.found.failure.kind for f in whole.findings()}
    assert len(files(tmp_path)) == 2 * len(again.findings())


@pytest.mark.parametrize(
    ("spoil_it", "message"),
    [
        (lambda folder: (folder / "campaign.json").write_text("{"), "not the settings of a campaign"),
        (lambda folder: (folder / "journal.jsonl").write_bytes(b"garbage\n"), "journal.jsonl:1:"),
        (
            lambda folder: (folder / "campaign.json").write_text('{"semantics":["legacy-2013"]}'),
            "the campaign in this folder has semantics",
        ),
    ],
)
def test_unusable_campaign_folder_is_an_error(spoil_it: object, message: str, tmp_path: Path) -> None:
    with Store(tmp_path, settings()):
        pass
    spoil_it(tmp_path)  # type: ignore[operator]
    with pytest.raises(StoreError, match=message):
        Store(tmp_path, settings())


def test_two_runs_do_not_share_a_folder(tmp_path: Path) -> None:
    with Store(tmp_path, settings()):
        with pytest.raises(StoreError, match="another run is using this campaign"):
            Store(tmp_path, settings())


def prepared(folder: Path, shard_steps: int = 300) -> Path:
    """A campaign of short shards, not yet begun."""
    folder.mkdir()
    (folder / "campaign.json").write_bytes(msgspec.json.encode(settings(shard_steps)))
    return folder


@pytest.fixture
def answers_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands find `KNOWN` in their cache, here: what is proved of claim sets takes long to prove, and is not used."""
    store(tmp_path / CACHE, "claim-sets", KNOWN)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.chdir(tmp_path)


def records(folder: Path) -> Iterator[ShardRecord | ShrinkRecord]:
    with Store(folder, settings()) as store:
        yield from store.records


def killed_again_and_again(folder: Path, times: int, steps: int, longest: float) -> int:
    """Run the command with the mistake, killing it with all its processes at random moments; returns how often."""
    draw, killed = random.Random(times), 0
    command = [*SPOILED, BUG, "fuzz", "--out", str(folder), "--steps", str(steps), "--jobs", "2", "--json"]
    while killed < times:
        child = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if killed % 4 == 3:  # at once, so that the very start is hit too
            time.sleep(draw.random() * 0.5)
        else:
            begun = len(_journal(folder))
            ends = time.monotonic() + 60
            while child.poll() is None and len(_journal(folder)) == begun and time.monotonic() < ends:
                time.sleep(0.02)
            time.sleep(draw.random() * longest)
        if child.poll() is not None:
            break  # it was done before it could be killed
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        killed += 1
    return killed


def _journal(folder: Path) -> bytes:
    path = folder / "journal.jsonl"
    return path.read_bytes() if path.exists() else b""


def check_killed(tmp_path: Path, times: int, steps: int, longest: float) -> None:
    folder = prepared(tmp_path / "killed")
    assert killed_again_and_again(folder, times, steps, longest) == times
    for name in ("killed", "whole"):
        command = [*SPOILED, BUG, "fuzz", "--out", str(tmp_path / name), "--steps", str(steps), "--jobs", "2", "--json"]
        if name == "whole":
            prepared(tmp_path / name)
        done = subprocess.run(command, capture_output=True, text=True, timeout=600)
        assert done.returncode == 1, done.stderr
        result = json.loads(done.stdout)
        if name == "killed":
            counted = result["semantics"][0] | {"processor_seconds": 0}, result["findings"]
    whole = result["semantics"][0] | {"processor_seconds": 0}
    assert counted[0] == whole
    assert [f | {"trace": ""} for f in counted[1]] == [f | {"trace": ""} for f in result["findings"]]
    assert files(folder) == files(tmp_path / "whole")
    shards = Counter(r.result.index for r in records(folder) if isinstance(r, ShardRecord))
    kinds = Counter(r.kind for r in records(folder) if isinstance(r, ShrinkRecord))
    assert set(shards.values()) == {1}
    assert set(kinds.values()) == {1}


@pytest.mark.parametrize(
    ("times", "steps", "longest"),
    sampled([(1, 1000, 0.05), (3, 9000, 0.1), (20, 60_000, 0.5)], keep=[(1, 1000, 0.05)]),
)
def test_kills_lose_and_duplicate_no_finding(
    times: int, steps: int, longest: float, answers_known: None, tmp_path: Path
) -> None:
    check_killed(tmp_path, times, steps, longest)


def test_ctrl_c_keeps_finished_work(answers_known: None, tmp_path: Path) -> None:
    folder = prepared(tmp_path / "campaign")
    command = [CLAIMCHECK, "fuzz", "--out", str(folder), "--duration", "100", "--jobs", "1"]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    ends = time.monotonic() + 60
    while b"\n" not in _journal(folder) and time.monotonic() < ends:
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 3
    assert err == "claimcheck: interrupted; the counts are those of what was done\n"
    assert "claim-sets" in out
    assert len(list(records(folder))) >= 1


def fuzz_here(capfd: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """The command in this process: its exit code, what it printed, and its errors."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["claimcheck", "fuzz", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
    assert isinstance(ended.value.code, int)
    return ended.value.code, *capfd.readouterr()


def fuzz(*arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([CLAIMCHECK, "fuzz", *arguments], capture_output=True, text=True, timeout=120)
    assert "Traceback" not in done.stderr
    return done


def test_unreached_classes_are_listed_and_exit_is_not_0(
    answers_known: None, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code, out, err = fuzz_here(capfd, "--steps", "300", "--jobs", "1", "--out", str(tmp_path))
    assert (code, err) == (3, "")
    assert "claim-sets: not reached: " in out
    assert not list(tmp_path.glob("findings/*"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--generation", "claim-setz"], "claimcheck: no generation 'claim-setz'; did you mean 'claim-sets'?"),
        (["--steps", "10", "--duration", "1"], "claimcheck: --duration and --steps: one of them"),
        (["--steps", "0"], "claimcheck: Invalid value for '--steps'"),
        (["--out", "/proc/campaign", "--steps", "10"], "claimcheck: --out: /proc/campaign: "),
        (["--out", "pyproject.toml", "--steps", "10"], "claimcheck: --out: pyproject.toml: File exists"),
        (["--against", "no-such-program", "--steps", "10"], "claimcheck: --against: "),
        (["--against", "cat", "--steps", "10"], "claimcheck: --against: "),
    ],
)
def test_wrong_use_prints_one_line_and_exits_2(
    arguments: list[str], message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    check_refused(*fuzz_here(capfd, *arguments), message)


@pytest.mark.parametrize("scheduler", ["nonsense://", pytest.param("tcp://127.0.0.1:9", marks=pytest.mark.long)])
def test_scheduler_that_does_not_answer_is_one_line(scheduler: str) -> None:
    """In a process of its own; one that is waited for takes ten seconds."""
    done = fuzz("--scheduler", scheduler, "--steps", "10")
    check_refused(done.returncode, done.stdout, done.stderr, f"claimcheck: --scheduler {scheduler}: ")


def check_refused(code: int, out: str, err: str, message: str) -> None:
    assert (code, out) == (2, "")
    assert err.startswith(message), err
    assert err.count("\n") == 1, err


@pytest.mark.long
def test_dask_cluster_gives_the_same_shards_as_processes(answers_known: None, tmp_path: Path) -> None:
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        arguments = ["--steps", "6000", "--json", "--jobs", "2"]
        on_dask = fuzz("--scheduler", cluster.scheduler_address, "--out", str(prepared(tmp_path / "dask")), *arguments)
        assert on_dask.returncode in (0, 3), on_dask.stderr
    here = fuzz("--out", str(prepared(tmp_path / "here")), *arguments)
    counted = [json.loads(done.stdout)["semantics"][0] | {"processor_seconds": 0} for done in (on_dask, here)]
    assert counted[0] == counted[1]
    assert counted[0]["steps"] >= 6000
