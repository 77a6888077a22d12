"""Programs that abort, hang, or answer wrongly: what `fuzz` and `replay` make of them."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner
from msgspec import UNSET

from docs._make.checkout import ROOT
from proofs.adapters import OutsideProgram
from proofs.adapters.against import replay_against
from proofs.adapters.kinds import few_values, grouped
from proofs.adapters.made import GeneratedTrace
from proofs.cli.main import claimcheck
from proofs.fuzz.campaign import Budget, Campaign
from proofs.fuzz.known import GenerationFacts
from proofs.fuzz.program import Program
from proofs.fuzz.shard import MOST_HANGS, run_shard
from proofs.fuzz.store import CampaignSettings
from proofs.fuzz.target import FailingTrace
from proofs.operations import AllocDomheapPages, Boot, CreateDomain
from proofs.replay.replay import Divergence
from proofs.traces import Header, HostShape
from proofs.traces.events import FORMAT_1, FORMAT_2
from tests.adapters.programs import SERVE, ended, faulty, ledger, recorded

KNOWN = GenerationFacts("claim-sets", [], {})


@contextmanager
def attached(command: str, step_limit: float = 20, shrinking: float = 3.0) -> Iterator[Program]:
    program = Program(KNOWN, command, step_limit, 60, shrinking)
    try:
        yield program
    finally:
        program.close()


def first_found(program: Program, value: str) -> FailingTrace:
    for seed in range(40):
        trial = program.trial(seed, {})
        if trial.failure is not None and value in trial.failure.values:
            return FailingTrace(trial.host, trial.events, trial.failure, trial.seed)
    raise AssertionError(f"no failure with {value}")


@pytest.mark.long
def test_abort_is_shrunk_to_the_same_abort() -> None:
    with attached(faulty("ABORTS")) as program:
        found = first_found(program, "SIGABRT")
        small = program.shrunk(found)
    assert small is not None
    assert small.failure.symptom == found.failure.symptom == "answer died ended by SIGABRT"
    assert [event.op for event in small.events].count("alloc_domheap_pages") == 5
    assert {event.builder for event in small.events} == {UNSET}  # the program has no builders


def test_builder_event_without_continue_is_skipped() -> None:
    header = Header(FORMAT_1, "claim-sets", "", HostShape(4, [4]))
    events = [
        Boot(),
        CreateDomain(domid=1, max_pages=4, node_affinity=[0]),
        AllocDomheapPages(domid=1, order=0, node=None, memflags=[], builder="b1"),
    ]
    with OutsideProgram(ledger()) as outside:
        result = replay_against(GeneratedTrace(header, events), outside).result
    assert result.divergence is None
    assert result.not_applicable == {"the program has no builders: it does not offer the operation continue": 1}


def test_died_hung_and_refused_are_different_failures() -> None:
    def kind(observed: str, expected: str = "an observation") -> str:
        return few_values(Divergence("f", 1, 0, 1, "op", "answer", expected, observed))

    assert kind("died: ended by SIGABRT; its standard error ends: 7") == "died ended by SIGABRT"
    assert kind("died: ended with status 1") == "died ended with status 1"
    assert kind("hung: no answer within 10 s") == kind("hung: no answer within 0.5 s") == "hung"
    assert kind("refused: no page 17") == kind("refused: no page 3")
    assert kind("refused: a field that is not known") != kind("refused: no page 3")


def test_results_with_other_values_are_other_kinds(tmp_path: Path) -> None:
    settings = CampaignSettings(["claim-sets"], against=faulty("REFUSES"), shard_steps=4000)
    campaign = Campaign(settings, [KNOWN], tmp_path)
    with attached(faulty("REFUSES")) as program:
        result = run_shard(program, KNOWN, 0, 0, 4000)
    campaign._take(result)
    kinds = {finding.found.failure.kind for finding in campaign.findings()}
    observed = {kind.rpartition(", not ")[2] for kind in kinds}
    assert observed == {"OK", "ENOMEM"}
    assert {kind.partition(" by ")[2].partition(",")[0] for kind in kinds} >= {"over-limit", "no-node"} or len(
        kinds
    ) > 2


def facts(_semantics: str) -> GenerationFacts:
    """Stands in for what is proved, which takes long and decides nothing here."""
    return KNOWN


def test_every_finding_is_printed_when_a_program_dies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proofs.fuzz.known.known_of", facts)
    monkeypatch.setattr(Program.__init__, "__defaults__", (0.3,))  # seconds to shrink
    options = ["--against", faulty("ABORTS", "-DREFUSES"), "--steps", "600", "--jobs", "1", "--out", str(tmp_path)]
    done = CliRunner().invoke(claimcheck, ["fuzz", *options], catch_exceptions=False)
    assert done.exit_code == 1
    found = [line for line in done.stdout.splitlines() if line.startswith("found: ")]
    assert len(found) == len(list((tmp_path / "findings").glob("*.jsonl"))) > 1
    assert any("SIGABRT" in line for line in found)


def test_program_that_is_gone_ends_the_campaign_in_one_line(tmp_path: Path) -> None:
    gone = tmp_path / "ledger"
    settings = CampaignSettings(["claim-sets"], against=str(gone), shard_steps=100)
    campaign = Campaign(settings, [KNOWN], tmp_path)
    campaign.run(Budget(steps=100), 1)
    assert campaign.interrupted
    assert campaign.unusable.startswith("not started: ")


def test_hang_is_reported_after_the_first_limit(capfd: pytest.CaptureFixture[str]) -> None:
    with attached(faulty("HANGS"), step_limit=0.5) as program:
        result = run_shard(program, KNOWN, 0, 0, 20_000)
    assert sum(result.failures.values()) == MOST_HANGS  # not as many limits as the shard has traces
    told = capfd.readouterr().err
    assert told.count("no answer to alloc_domheap_pages within 0.5 s") == 1


@pytest.mark.long
def test_hang_is_shrunk_within_its_budget() -> None:
    with attached(faulty("HANGS"), step_limit=1.0, shrinking=2.0) as program:
        found = first_found(program, "hung")
        begun = time.monotonic()
        small = program.shrunk(found)
        seconds = time.monotonic() - begun
    assert seconds < 20  # the budget, and what runs when it ends
    assert small is None or (small.failure.values == "hung" and "within 1 s" in small.failure.detail)


_OWNER = """
import sys
from proofs.adapters import OutsideProgram
OutsideProgram(sys.argv[1]).hello
"""


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "SIGKILL"])
def test_no_child_outlives_claimcheck(end: signal.Signals, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    loop = shlex.quote(f"echo $$ >> {shlex.quote(str(pids))}; while :; do sleep 1; done")
    command = shlex.join(["sh", "-c", f"sh -c {loop}; true"])
    owner = subprocess.Popen([sys.executable, "-c", _OWNER, command], cwd=ROOT)
    wait_until(lambda: pids.exists() and pids.read_text().strip() != "")
    pid = int(pids.read_text())
    assert not ended(pid)
    os.kill(owner.pid, end)
    owner.wait(30)
    wait_until(lambda: ended(pid))


def wait_until(holds: object, limit: float = 60.0) -> None:
    ends = time.monotonic() + limit
    while not holds():  # type: ignore[operator]  # a function
        assert time.monotonic() < ends
        time.sleep(0.02)


def test_divergences_of_one_cause_are_grouped() -> None:
    def made(event: int, op: str, node: int) -> Divergence:
        return Divergence("f", event, 0, event, op, f"state.node_avail_pages[{node}]", 1, 2)

    groups = grouped([made(9, "a", 1), made(3, "a", 0), made(4, "b", 0), made(5, "a", 2)])
    assert [[one.event for one in group.members] for group in groups] == [[3, 5, 9], [4]]


def test_replay_prints_the_shortest_trace_of_each_kind(tmp_path: Path) -> None:
    written_to = tmp_path / "divergences"
    options = ["--against", ledger("-DLEDGER_SLACK=1"), "--no-properties", "--divergences", str(written_to)]
    given = ["replay", *options, str(recorded(tmp_path, 40))]
    done = CliRunner().invoke(claimcheck, given, catch_exceptions=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("diverged: ")]
    more = [line for line in done.stdout.splitlines() if " more of this kind (" in line]
    assert done.exit_code == 1
    written = len(list(written_to.glob("*.jsonl")))
    assert written > 5 > len(lines)
    assert len(lines) + sum(int(line.split()[1]) for line in more) == written


def test_reference_itself_hangs_nobody() -> None:
    header = Header(FORMAT_2, "claim-sets", "", HostShape(4, [4], last_alloc_node=0))
    with OutsideProgram(SERVE) as outside:
        assert replay_against(GeneratedTrace(header, [Boot()]), outside).result.divergence is None
        outside.stop()
