"""docs/hypervisor-bugs.md: every trace that it names replays, and every block is what its maker gives."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest

from docs._make import hypervisor_bugs
from docs._make.blocks import BLOCK, renewed
from proofs.replay import replay_trace
from proofs.replay.replay import TraceResult
from proofs.traces import read_traces

TEXT = hypervisor_bugs.DOCUMENT.read_text(encoding="utf-8")
TRACES = sorted({*re.findall(r"tests/data/[^`\s>]+\.jsonl", TEXT)})
MENDED = {"tails-not-merged": (2, None), "blocks-unaligned": (2, 1)}
"""What the reference expects of the last event, and what the code before its repair answered."""


def replayed(path: str) -> list[TraceResult]:
    return [replay_trace(trace) for file in sorted(Path().glob(path)) for trace in read_traces(file)]


def test_every_trace_is_named_and_exists() -> None:
    assert len(TRACES) >= 12
    assert all(list(Path().glob(path)) for path in TRACES)
    assert {f"{hypervisor_bugs.OWN}/{name}.jsonl" for name in hypervisor_bugs.MADE} <= {*TRACES}


@pytest.mark.parametrize("path", [path for path in TRACES if Path(path).stem not in MENDED])
def test_traces_replay_without_divergence(path: str) -> None:
    for result in replayed(path):
        assert result.divergence is None, result.divergence
        assert result.skipped == 0


@pytest.mark.parametrize("name", MENDED)
def test_replay_detects_mended_heap_bugs(name: str) -> None:
    (result,) = replayed(f"{hypervisor_bugs.OWN}/{name}.jsonl")
    assert result.divergence is not None
    assert (result.divergence.field, result.divergence.expected, result.divergence.observed) == ("mfn", *MENDED[name])


def test_traces_violate_the_documented_properties() -> None:
    broken = {path: {name for result in replayed(path) for name in result.broken} for path in TRACES}
    findings = {path: names for path, names in broken.items() if "/findings/" in path and "no-crash" not in path}
    assert findings
    for path, names in findings.items():
        said = Path(path).stem.partition("+")[0].partition(".")[0]
        assert said in names, path


@pytest.mark.parametrize("name", hypervisor_bugs.MADE)
def test_handwritten_traces_match_their_events(name: str) -> None:
    assert (hypervisor_bugs.OWN / f"{name}.jsonl").read_bytes() == hypervisor_bugs.made(name)


def test_timelines_match_their_generator() -> None:
    makers = {"timeline": hypervisor_bugs.timeline, "verdicts": lambda _: ""}
    for block in BLOCK.finditer(TEXT):
        if block["name"] == "timeline":
            assert renewed(block[0], makers) == block[0]


@pytest.mark.long
@pytest.mark.parametrize("part", ["stash-kept", "marks-kept"])
def test_verdicts_match_a_fresh_run(part: str) -> None:
    """The repairs of the stash and of marks; the other tables are written by the same run."""
    for block in BLOCK.finditer(TEXT):
        rows = [line.strip() for line in block["argument"].split("|")] if block["name"] == "verdicts" else []
        for line in rows:
            if line.startswith(f"mainline-4.22+{part}:"):
                assert hypervisor_bugs.verdicts(line).splitlines()[2:] == [
                    row for row in block[0].splitlines() if row.startswith(f"| `mainline-4.22+{part}`")
                ]


def test_recorded_builds_fall_short_as_documented() -> None:
    path = "tests/data/conformance/cases/stash-1-other-order-loses-the-claim.jsonl"
    last = json.loads(Path(path).read_text().splitlines()[-1])
    assert last["state"]["domains"]["1"]["tot_pages"] == 1032
    crashed = []
    for name in ("tests/data/conformance/single-node-v4", "tests/data/conformance/interleaved/single-node-v4"):
        with gzip.open(f"{name}.jsonl.gz") as file:
            crashed.append(sum(b'"crash"' in line for line in file))
    assert crashed == [12, 14]
    assert "12 and 14" in TEXT
