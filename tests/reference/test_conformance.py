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


@pytest.mark.parametrize("path", RECORDED + INTERLEAVED + CASES, ids=lambda path: f"{path.parent.name}/{path.name}")
@pytest.mark.parametrize("check_locks", [False, True], ids=["locks plain", "locks checked"])
def test_every_recorded_event_is_reproduced(path: Path, check_locks: bool) -> None:
    result = replay_file(str(path), check_locks=check_locks)
    assert (result.error, result.divergences, result.skipped) == (None, [], 0)
    assert result.traces > 0
    if path not in CASES:
        assert result.semantics == [path.name.removesuffix(".jsonl.gz")]
    if path == CLAIM_SETS:
        assert (result.traces, result.events, result.comparisons) == (100, 24_350, 625_670)


def test_every_recording_is_there() -> None:
    assert (len(RECORDED), len(INTERLEAVED), len(CASES)) == (8, 7, 20)
    assert {path.name.removesuffix(".jsonl.gz") for path in RECORDED + INTERLEAVED} <= set(GENERATIONS)


def test_interleaved_recordings_are_complete() -> None:
    results = [replay_file(str(path), check_properties=False) for path in INTERLEAVED]
    assert sum(result.traces for result in results) == 504
    assert sum(result.events for result in results) == 77_097


def test_unscrubbed_memory_is_the_one_divergence(tmp_path: Path) -> None:
    """docs/limits.md: the reference takes all free memory for scrubbed, and finds the block on the earlier node."""
    result = replay_file(str(UNSCRUBBED), write_to=str(tmp_path))
    assert result.error is None
    (found,) = result.divergences
    divergence = found.divergence
    assert (divergence.event, divergence.op) == (4, "alloc_domheap_pages")
    assert (divergence.field, divergence.expected, divergence.observed) == ("mfn", 0, 1024)


def test_properties_broken_on_the_way_are_counted_and_do_not_fail_the_replay() -> None:
    result = replay_file(str(CLAIM_SETS))
    # Limits lowered under a claim, pages refused at assignment, and the hypervisor's function called for a dying domain.
    assert set(result.broken) == {"entitlement", "entitlement-without-limbo", "dead-hold-nothing", "no-claims-lost"}
    assert "set_max_pages" in result.first_broken["entitlement"]
    assert "install_claim_set" in result.first_broken["dead-hold-nothing"]
    assert "alloc_domheap_pages" in result.first_broken["no-claims-lost"]
