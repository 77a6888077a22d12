"""The recorded traces of every generation, reproduced event by event, crashes included."""

from pathlib import Path

import pytest

from proofs.file_replay import replay_file
from reference.generations import GENERATIONS

FOLDER = Path("tests/data/conformance")
CLAIM_SETS = FOLDER / "claim-sets.jsonl.gz"
UNSCRUBBED = FOLDER / "cases/search-1-clean-block-on-another-node.jsonl"
RECORDED = sorted(FOLDER.glob("*.jsonl.gz"))
INTERLEAVED = sorted((FOLDER / "interleaved").glob("*.jsonl.gz"))
CASES = sorted(set((FOLDER / "cases").glob("*.jsonl")) - {UNSCRUBBED})
COUNTS = {
    "claim-sets": (80, 11_901),
    "claim-sets-v7": (80, 12_811),
    "legacy-2013": (80, 12_948),
    "legacy-redeem-at-alloc": (80, 12_971),
    "legacy-redeem-at-assign": (80, 11_971),
    "mainline-4.22": (24, 2_507),
    "single-node-v4": (80, 11_988),
}
"""Traces and events of the interleaved recordings."""
RECORDINGS = RECORDED + INTERLEAVED + CASES
BY_DEFAULT = {
    CLAIM_SETS,
    FOLDER / "legacy-2013.jsonl.gz",
    FOLDER / "single-node-v4.jsonl.gz",
    FOLDER / "interleaved/mainline-4.22.jsonl.gz",
    *CASES,
}
PLAIN_BY_DEFAULT = {
    FOLDER / "single-node-v4.jsonl.gz",
    FOLDER / "interleaved/claim-sets.jsonl.gz",
    CASES[0],
}
WITH_AND_WITHOUT_LOCKS = [
    pytest.param(
        (path, check_locks),
        id=f"{path.parent.name}/{path.name}-locks {'checked' if check_locks else 'plain'}",
        marks=[] if path in by_default else [pytest.mark.long],
    )
    for check_locks, by_default in ((True, BY_DEFAULT), (False, PLAIN_BY_DEFAULT))
    for path in RECORDINGS
]
"""By default some of each kind of generation, with locks checked, one of each folder without, and every case."""


@pytest.mark.parametrize("case", WITH_AND_WITHOUT_LOCKS)
def test_every_recorded_event_is_reproduced(case: tuple[Path, bool]) -> None:
    path, check_locks = case
    result = replay_file(str(path), check_locks=check_locks)
    assert (result.error, result.divergences, result.skipped) == (None, [], 0)
    assert result.traces > 0
    if path not in CASES:
        assert result.semantics == [path.name.removesuffix(".jsonl.gz")]
    if path in INTERLEAVED:
        assert (result.traces, result.events) == COUNTS[path.name.removesuffix(".jsonl.gz")]
    if path == CLAIM_SETS:
        assert (result.traces, result.events, result.comparisons) == (100, 24_350, 625_670)
        # Counted, and no divergence: limits lowered under a claim, pages refused at assignment, and the hypervisor's
        # function called for a dying domain.
        assert set(result.broken) == {"entitlement", "entitlement-without-limbo", "dead-hold-nothing", "no-claims-lost"}
        assert "set_max_pages" in result.first_broken["entitlement"]
        assert "install_claim_set" in result.first_broken["dead-hold-nothing"]
        assert "alloc_domheap_pages" in result.first_broken["no-claims-lost"]


def test_every_recording_exists() -> None:
    assert set(RECORDINGS) >= BY_DEFAULT | PLAIN_BY_DEFAULT
    assert (len(RECORDED), len(INTERLEAVED), len(CASES)) == (8, 7, 20)
    assert {path.name.removesuffix(".jsonl.gz") for path in RECORDED + INTERLEAVED} <= set(GENERATIONS)


def test_unscrubbed_memory_is_the_only_divergence(tmp_path: Path) -> None:
    """docs/limits.md: the reference takes all free memory for scrubbed, and finds the block on the earlier node."""
    result = replay_file(str(UNSCRUBBED), write_to=str(tmp_path))
    assert result.error is None
    (found,) = result.divergences
    divergence = found.divergence
    assert (divergence.event, divergence.op) == (4, "alloc_domheap_pages")
    assert (divergence.field, divergence.expected, divergence.observed) == ("mfn", 0, 1024)
