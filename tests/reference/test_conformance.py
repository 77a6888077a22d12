"""The recorded claim-set traces, reproduced event by event."""

from pathlib import Path

import pytest

from proofs.replay.files import replay_file

RECORDED = Path("tests/data/conformance/claim-sets.jsonl.gz")


@pytest.mark.parametrize("check_locks", [False, True], ids=["locks plain", "locks checked"])
def test_every_recorded_event_is_reproduced(check_locks: bool) -> None:
    result = replay_file(str(RECORDED), check_locks=check_locks)
    assert (result.error, result.divergences, result.skipped) == (None, [], 0)
    assert (result.traces, result.events, result.comparisons) == (100, 24_350, 625_670)


def test_properties_broken_on_the_way_are_counted_and_do_not_fail_the_replay() -> None:
    result = replay_file(str(RECORDED))
    # Limits lowered under a claim, and the hypervisor's function called for a dying domain.
    assert set(result.broken) == {"entitlement", "entitlement-without-limbo", "dead-hold-nothing"}
    assert "set_max_pages" in result.first_broken["entitlement"]
    assert "install_claim_set" in result.first_broken["dead-hold-nothing"]
