"""The stored findings: each replays on the reference, and a fresh search finds the same set."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from proofs.explain.request import request_of, without_outcome
from proofs.file_replay import replay_file
from proofs.matrix.cells import UnprovedRow
from proofs.matrix.findings import FOLDER, measure, path_of, stored
from proofs.matrix.rows import MatrixRow
from proofs.matrix.searches import searched
from proofs.operations import Events2
from reference.properties import STATE_PROPERTIES
from tests.sampled import sampled

FILES = sorted(FOLDER.glob("*/*.jsonl"))
NAMES = [f"{path.parent.name}/{path.stem}" for path in FILES]
CLAIMS_EXCEED_FREE_PAGES = {
    *(
        f"{semantics}/legacy-compatible.host-wide{condition}"
        for semantics in ("claim-sets-no-recall", "per-node-v8")
        for condition in ("", "+legacy-check-in-lock")
    ),
    "single-node-v2/unclaimed-only+node-insisted-on",
}
"""Found only because `free pages - claims` wraps: the call then accepts what it should refuse."""


def test_stored_findings_exist() -> None:
    assert len(FILES) > 50


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_reference_reproduces_the_finding(path: Path) -> None:
    result = replay_file(str(path))
    assert result.error is None
    assert result.divergences == []
    prop = path.stem.split("+")[0]
    name = f"{path.parent.name}/{path.stem}"
    # A counter that wraps, or claims that exceed the free pages where the C code subtracts one from the other.
    expected = prop == "no-wrap.domain-counters" or name in CLAIMS_EXCEED_FREE_PAGES
    assert bool(result.wraps) == expected, result.wraps
    if prop in {*STATE_PROPERTIES, "entitlement-without-limbo.pages-and-claims"}:
        assert prop.split(".")[0] in result.broken


@pytest.mark.parametrize(
    "name",
    sampled(
        [
            "legacy-redeem-at-alloc/no-wrap.intermediate",
            "single-node-v2/claims-fulfilled.granted",
            "claim-sets-no-recall/claims-protected.backed",
            "legacy-2013/entitlement+limit-not-lowered+no-claim-in-flight+requests-within-limit",
        ],
        keep={"single-node-v2/claims-fulfilled.granted"},
    ),
)
def test_fresh_search_finds_what_is_stored(name: str) -> None:
    semantics, stem = name.split("/")
    part, *conditions = stem.split("+")
    row = MatrixRow(part, tuple(conditions))
    path = path_of(semantics, row)
    fresh = stored([searched(UnprovedRow(semantics, row, ""))])
    assert path.exists() == bool(fresh)
    if fresh:
        assert measure(fresh[path]) == measure(path.read_bytes())


@pytest.mark.long
def test_fresh_run_gives_the_document_and_findings() -> None:
    command = [sys.executable, "-m", "docs._make.generations", "--check"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize("path", FILES[::7], ids=NAMES[::7])
def test_request_of_an_event_has_no_outcome(path: Path) -> None:
    written = [line for line in map(msgspec.json.decode, path.read_bytes().splitlines()) if "op" in line]
    for line in written:
        request = request_of(line)
        assert not {"state", "crash", "result", "nr_done", "preempted", "scrub_index"} & request.keys()
        event = msgspec.json.decode(msgspec.json.encode(line), type=Events2)
        assert without_outcome(event) == msgspec.convert(request, Events2)
