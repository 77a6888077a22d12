"""Deliberate mistakes in the reference are found, each with an input that shows it."""

from __future__ import annotations

import pytest

from proofs.diff.selftest import found
from proofs.mistakes.edits import EDITS, Edit
from proofs.mistakes.planted import edited
from proofs.traces import read_traces
from reference import claims

QUICK = (
    "deducts-one-too-few",
    "recalls-one-too-few",
    "second-global-entry-passes",
    "dying-before-entries",
    "grows-back-when-gone",
    "extra-pages-do-not-redeem",
    "keeps-a-stash-of-another-order",
    "recalls-from-destroyed-domains",
    "host-check-mixes",
)


def test_at_least_ten_distinct_mistakes_exist() -> None:
    assert len(EDITS) >= 10
    assert len({mistake.name for mistake in EDITS}) == len(EDITS)


def shown(mistake: Edit, tmp_path) -> None:
    row = found(mistake)
    assert row is not None, mistake.name
    assert row.difference is not None
    assert row.difference.operation == mistake.operation
    if row.difference.trace:
        path = tmp_path / "trace.jsonl"
        path.write_text("\n".join(row.difference.trace) + "\n")
        (trace,) = [(t.header, list(t)) for t in read_traces(path)]
        assert trace[0].semantics == mistake.semantics


@pytest.mark.parametrize("mistake", [m for m in EDITS if m.name in QUICK], ids=lambda m: m.name)
def test_diff_finds_the_mistake(mistake: Edit, tmp_path) -> None:
    shown(mistake, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("mistake", [m for m in EDITS if m.name not in QUICK], ids=lambda m: m.name)
def test_diff_finds_the_other_mistakes(mistake: Edit, tmp_path) -> None:
    shown(mistake, tmp_path)


def test_trace_leads_from_boot_to_the_difference() -> None:
    (mistake,) = (m for m in EDITS if m.name == "recalls-one-too-few")
    row = found(mistake)
    assert row is not None
    assert row.difference is not None
    assert ['"op":"boot"' in row.difference.trace[1], '"op":"offline_page"' in row.difference.trace[-1]] == [True, True]
    assert len(row.difference.trace) == 5


def test_mistake_is_removed_after_use() -> None:
    right = claims.recall_claims.__code__
    (mistake,) = (m for m in EDITS if m.name == "recalls-one-too-few")
    with edited(mistake):
        assert claims.recall_claims.__code__ is not right
    assert claims.recall_claims.__code__ is right


def test_mistake_that_does_not_fit_the_source_is_an_error() -> None:
    wrong = Edit("none", "Nothing.", "reference.claims:recall_claims", "no such text", "", "claim-sets", "offline_page")
    with pytest.raises(ValueError, match="does not contain"), edited(wrong):
        pass
