"""The recorded traces of every generation, reproduced event by event, crashes included."""

from pathlib import Path

import pytest

from proofs.replay.files import replay_file
from reference.generations import SEMANTICS

RECORDED = sorted(Path("tests/data/conformance").glob("*.jsonl.gz"))
CLAIM_SETS = Path("tests/data/conformance/claim-sets.jsonl.gz")


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.name.split(".")[0])
@pytest.mark.parametrize("check_locks", [False, True], ids=["locks plain", "locks checked"])
def test_every_recorded_event_is_reproduced(path: Path, check_locks: bool) -> None:
    result = replay_file(str(path), check_locks=check_locks)
    assert (result.error, result.divergences, result.skipped) == (None, [], 0)
    assert result.semantics == [path.name.removesuffix(".jsonl.gz")]
    if path == CLAIM_SETS:
        assert (result.traces, result.events, result.comparisons) == (100, 24_350, 625_670)


def test_every_recorded_generation_is_there() -> None:
    assert len(RECORDED) == 8
    assert {path.name.removesuffix(".jsonl.gz") for path in RECORDED} <= set(SEMANTICS)


def test_properties_broken_on_the_way_are_counted_and_do_not_fail_the_replay() -> None:
    result = replay_file(str(CLAIM_SETS))
    # Limits lowered under a claim, and the hypervisor's function called for a dying domain.
    assert set(result.broken) == {"entitlement", "entitlement-without-limbo", "dead-hold-nothing"}
    assert "set_max_pages" in result.first_broken["entitlement"]
    assert "install_claim_set" in result.first_broken["dead-hold-nothing"]
