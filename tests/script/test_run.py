"""`claimcheck run`: what a script shows, and what its exit code means."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from proofs.cli.main import claimcheck
from proofs.replay import replay_trace
from proofs.traces import read_traces

REPORTS = sorted(Path("tests/data/reports").glob("*.claims"))
FIRST = "tests/data/scripts/first.claims"
FINDING = "tests/data/findings/claim-sets/host-backed.jsonl"
HOST = "host 4 4\nd1 create max=8\nd2 create max=8\n"


def run(*arguments: str, script: str | None = None) -> Result:
    return CliRunner().invoke(claimcheck, ["run", *arguments, *(["-"] if script is not None else [])], input=script)


@pytest.mark.parametrize("path", REPORTS, ids=lambda path: path.stem)
def test_each_reported_case_runs_as_its_script_says(path: Path) -> None:
    done = run(str(path))
    assert done.exit_code == 0, done.output


def test_every_case_of_the_reports_has_a_script() -> None:
    assert {path.stem.partition("-")[0] for path in REPORTS} == {
        *"12456789",
        "11",
    }  # case 3 has two numbers in `ops`: 4


def test_refusal_shows_the_check_and_its_numbers() -> None:
    done = run(script=f"{HOST}d1 claim 3@0\nd2 claim 2@0 => ENOMEM\n")
    assert done.exit_code == 0
    assert "node-has-no-room: 2 > 4 node_avail_pages[0] - 3 node_outstanding_claims[0] + 0 d2.claims[0]" in done.output


def test_search_of_nodes_gives_a_reason_for_each() -> None:
    done = run(script=f"{HOST}d1 claim 3@0 3@1\nd2 alloc order=1 => refused\n")
    assert "node-check (node 0): 2 > 4 node_avail_pages[0] - 3" in " ".join(done.output.split())
    assert "node-check (node 1): 2 > 4 node_avail_pages[1] - 3" in " ".join(done.output.split())


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("d1 claim 3@0 => ENOMEM\n", "expected ENOMEM, got OK"),
        ("d1 alloc node=0 => mfn=3\n", "expected mfn=3, got 0"),
        ("A: d1 alloc => OK\n", "expected OK, got unfinished"),
        ("expect breaks node-backed\n", "node-backed holds here"),
        ("expect d1.tot_pages = 1\n", "d1.tot_pages is 0, not 1"),
        ("expect d1.outstanding_pages = 1\n", "claim-sets has no counter d1.outstanding_pages here"),
    ],
)
def test_line_that_does_not_hold_ends_with_1(script: str, message: str) -> None:
    done = run(script=HOST + script)
    assert done.exit_code == 1
    assert message in done.output
    assert "1 not as expected" in done.output


def test_unexpected_violation_ends_with_1() -> None:
    script = f"{HOST}d1 populate 4\nd1 limit 2\n"
    done = run(script=script)
    assert done.exit_code == 1
    assert "breaks here: entitlement: d1: tot_pages 4" in done.output
    assert "A property breaks that the script does not expect to: entitlement" in done.output
    assert run(script=f"{script}expect breaks entitlement\n").exit_code == 0


def test_builders_take_turns_between_critical_sections() -> None:
    assigned = "A: d1 alloc node=0 as x => unfinished\nd1 kill => OK\nA: continue => unfinished\n"
    done = run(script=f"{HOST}{assigned}A: continue => refused\n")
    assert done.exit_code == 0, done.output
    assert done.output.count("why: dying: d1.is_dying") == 2  # where it is decided, and at the end


def test_named_block_keeps_its_order() -> None:
    done = run(script=f"{HOST}d1 alloc order=2 node=1 as x => OK mfn=4\noffline x+1\nfree x\nexpect d1.tot_pages = 0\n")
    assert done.exit_code == 0, done.output


def test_sizes_are_pages_of_4_kib() -> None:
    script = "host 8MiB 1GiB\nd1 create max=4MiB\nd1 populate 4MiB order=9 => OK\nexpect d1.tot_pages = 1024\n"
    done = run(script=script)
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize("form", ["trace", "script"])
def test_written_form_runs_to_the_same_end(form: str, tmp_path: Path) -> None:
    path = tmp_path / "again"
    assert run(str(REPORTS[0]), "--as", form, "--out", str(path)).exit_code == 0
    done = run(str(path))
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[-1] == run(str(REPORTS[0])).output.splitlines()[-1]


def test_trace_form_replays_with_every_counter(tmp_path: Path) -> None:
    path = tmp_path / "case.jsonl"
    run("tests/data/reports/7-stash-dropped.claims", "--as", "trace", "--out", str(path))
    (result,) = [replay_trace(trace) for trace in read_traces(path)]
    assert result.divergence is None
    assert set(result.broken) == {"no-claims-lost"}


def test_mail_fits_80_columns_and_says_how_to_run_it() -> None:
    done = run(FIRST, "--as", "mail")
    assert all(len(line) <= 80 for line in done.output.splitlines())
    assert f"To run it again: claimcheck run {FIRST}" in done.output


def test_two_generations_show_the_first_difference() -> None:
    done = run("--generation", "claim-sets", "--generation", "per-node-v8", "tests/data/scripts/replace.claims")
    assert done.output.count("<- first difference") == 1
    assert "result: OK / EINVAL" in done.output


def test_same_generation_twice_has_no_difference() -> None:
    done = run("--generation", "claim-sets", "--generation", "claim-sets", FIRST)
    assert "No difference" in done.output
    assert done.exit_code == 0


def test_json_has_reasons_and_violations() -> None:
    done = run("--json", script=f"{HOST}d1 claim 9@host\n")
    found = json.loads(done.stdout)
    assert found["lines"][-1]["event"]["why"] == ["global-beyond-limit: 9 > 8 d1.max_pages"]
    assert found["as_expected"] is True


def test_json_says_where_the_model_stopped_following() -> None:
    reused = "host 4 4\nd1 create max=8\nA: d1 populate 1\nd1 destroy\nd1 create max=8\n"
    found = json.loads(run("--json", script=f"{reused}A: continue\n").stdout)
    assert found["model_unfollowed"] == "no caller of the hypervisor makes this call here: create_domain"
    assert found["model_differs"] == ""
    assert not json.loads(run("--json", script=HOST).stdout)["model_unfollowed"]


def test_wrong_line_keeps_what_ran_before() -> None:
    done = run(script=f"{HOST}d1 claim 3@\n")
    assert done.exit_code == 2
    assert done.stderr == "claimcheck: standard input:4:12: the line ends too early; expected a number or a word\n"
    assert "create_domain" in done.stdout


def test_pytest_form_of_a_recording_knows_what_breaks() -> None:
    path = "tests/data/conformance/cases/stash-1-other-order-loses-the-claim.jsonl"  # its header expects nothing
    done = CliRunner().invoke(claimcheck, ["explain", "--as", "pytest", path])
    assert done.output.rstrip().endswith('assert set(result.broken) == {"no-claims-lost"}')


def test_found_trace_runs_as_a_script(tmp_path: Path) -> None:
    path = tmp_path / "found.claims"
    done = CliRunner().invoke(claimcheck, ["explain", "--as", "script", "--out", str(path), FINDING])
    assert done.exit_code == 0
    assert run(str(path)).exit_code == 0


def test_search_can_be_piped_into_explain() -> None:
    searches = {"searches": [{"script": ["host 1", "d1 create max=1"]}]}
    done = CliRunner().invoke(claimcheck, ["explain", "-"], input=json.dumps(searches))
    assert done.exit_code == 0
    assert "create_domain(max_pages=1" in done.output
