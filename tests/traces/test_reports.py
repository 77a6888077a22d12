"""Cases from public reports, as operations without counters: each replays, and what it shows is as reported."""

from pathlib import Path

import pytest

from proofs.file_replay import FileResult, replay_file

FOLDER = Path(__file__).parents[1] / "data/reports"
FILES = sorted(FOLDER.glob("*.jsonl"))
DIVERGES = {"r8-replace-at-capacity-v8": ("claim_memory", "result", "EINVAL", "OK")}
"""The report expects OK; the specification gives EINVAL."""
BREAKS = {
    "r1-dying-assign": ["aggregates-agree", "dead-hold-nothing"],
    "r1-dying-race": ["aggregates-agree", "dead-hold-nothing"],
    "r11-lowmem-v8": ["host-backed", "node-backed"],
    "r7-mainline-stash": ["no-claims-lost"],
    "r7-stash-dropped": ["no-claims-lost"],
    "r7-stash-dropped-v8": ["no-claims-lost"],
    "r8-cm016-mainline": ["host-backed"],
    "r8-cm016-v4": ["host-backed"],
}


def replayed(name: str) -> FileResult:
    return replay_file(str(FOLDER / f"{name}.jsonl"), check_locks=True)


@pytest.mark.parametrize("name", [path.stem for path in FILES])
def test_report_gives_the_expected_results(name: str) -> None:
    result = replayed(name)
    assert result.error is None
    found = [
        (w.divergence.op, w.divergence.field, w.divergence.expected, w.divergence.observed) for w in result.divergences
    ]
    assert found == ([DIVERGES[name]] if name in DIVERGES else [])
    assert result.comparisons >= 1
    assert result.not_observed > result.comparisons
    assert sorted(result.broken) == BREAKS.get(name, [])


def test_every_report_is_here() -> None:
    assert len(FILES) == 25
    assert {*DIVERGES, *BREAKS} <= {path.stem for path in FILES}


def test_unobserved_crash_at_the_end_is_reported() -> None:
    result = replayed("r8-cm016-v4")
    (crash,) = result.crashes
    assert crash.endswith("event 13 alloc_domheap_pages: not observed; the reference: BUG_ON: claims > avail_pages")


def test_claim_over_too_much_offlined_memory_wraps_in_mainline() -> None:
    (wrap,) = replayed("r8-cm016-mainline").wraps
    assert (wrap.op, wrap.exact) == ("claim_pages", -1)
