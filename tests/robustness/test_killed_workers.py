"""A worker that is killed: its work is repeated with the same result."""

import json
from pathlib import Path
from typing import Any

import pytest

from proofs.obligations.obligation import bounded
from proofs.obligations.suite import suite
from tests.robustness.faults import said
from tests.robustness.running import ended, kill_a_worker, run, started, verdicts
from tests.sampled import sampled

PROVE = ("prove", "node-backed", "--hosts", "4x4", "--no-cache", "--json")
MATRIX = ("prove", "--generation", "legacy-redeem-at-alloc", "--property", "host-backed", "--no-cache", "--json")
FUZZ = ("fuzz", "--generation", "claim-sets", "--steps", "30000", "--seed", "7", "--json")


@pytest.mark.parametrize("jobs", sampled(["1", "2"], keep={"2"}))
def test_prove_survives_killed_workers(tmp_path: Path, jobs: str) -> None:
    process = started(tmp_path, *PROVE, "--jobs", jobs)
    kill_a_worker(process, int(jobs))
    code, out, err = ended(process)
    assert (code, err) == (0, [])
    assert set(verdicts(out)) == {o.name for o in suite(["claim-sets"], ["node-backed"], [bounded(4, 4)])}
    assert set(verdicts(out).values()) == {"proved"}


@pytest.mark.long
def test_matrix_survives_killed_workers(tmp_path: Path) -> None:
    process = started(tmp_path, *MATRIX, "--jobs", "2")
    kill_a_worker(process)
    code, out, err = ended(process)
    assert (code, err) == (0, [])
    cells = {(c["property"], c["verdict"]) for c in json.loads(out)["cells"]}
    assert ("host-backed", "refuted") in cells, cells


def without_times(campaign: dict[str, Any]) -> dict[str, Any]:
    for total in campaign["semantics"]:
        del total["processor_seconds"]
    return campaign


@pytest.mark.long
def test_fuzz_gives_equal_results_with_killed_workers(tmp_path: Path) -> None:
    process = started(tmp_path, *FUZZ, "--jobs", "2")
    kill_a_worker(process, 2)
    code, out, err = ended(process)
    assert err == said("fuzz-killed")
    other_code, other, other_err = run(tmp_path, *FUZZ, "--jobs", "1")
    assert other_err == []
    assert code == other_code
    assert without_times(json.loads(out)) == without_times(json.loads(other))
