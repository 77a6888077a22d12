"""Sections of the report that other verbs fill: a short campaign, paths, and scenarios. Small here, and the same each time."""

from __future__ import annotations

from functools import partial

import msgspec
import pytest

from proofs.diff.selftest import work_with
from proofs.diff.world import Size
from proofs.evidence import explored, fuzzed, simulated
from proofs.evidence.compare import differences
from proofs.evidence.further import FURTHER
from proofs.evidence.request import EvidenceRequest
from proofs.evidence.structure import SkippedSection, Tables
from proofs.fuzz.known import GenerationFacts
from proofs.prover.verdict import Verdict
from proofs.simulate.build import BuildEnding
from proofs.simulate.policies import default_policies
from proofs.simulate.results import ScenarioResult, rows
from proofs.simulate.run import RunOutcome
from proofs.simulate.scenario import built_in, load

DESIGN = EvidenceRequest(["claim-sets"], jobs=1)


def twice(collect: object) -> Tables:
    """The section, which comes out the same when it is run again, times left out."""
    assert callable(collect)
    found, again = collect(DESIGN), collect(DESIGN)
    assert isinstance(found, Tables)
    assert list(differences("", found, again)) == []
    assert found.seconds > 0
    return found


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few steps; what is known beforehand, for which a solver takes seconds, is made up."""
    monkeypatch.setattr(fuzzed, "STEPS", 100)
    monkeypatch.setattr(
        fuzzed, "known_of", lambda name, cache: GenerationFacts(name, [], {"never: seen": "", "not: possible": "why"})
    )


def test_fuzz_section_reports_a_short_campaign(short: None) -> None:
    found = twice(fuzzed.collected)
    assert found.ok
    counts, missed = found.tables
    (row,) = counts.rows
    assert row[0] == "claim-sets"
    assert int(row[2].replace(",", "")) >= 100
    assert row[3:] == ["0", "1", "0"]
    assert missed.rows == [["claim-sets", "never: seen"]]
    assert set(counts.seconds) == {"claim-sets"}


def test_campaign_without_the_design_is_not_run() -> None:
    assert fuzzed.collected(EvidenceRequest(["legacy-2013"])) == SkippedSection(
        "is about claim-sets, which was not requested"
    )


@pytest.fixture
def one_scenario(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulated, "SEEDS", {"boot-storm": 1})


def test_scenario_section_lists_every_policy(one_scenario: None) -> None:
    found = twice(simulated.collected)
    assert found.ok
    (table,) = found.tables
    assert [row[0] for row in table.rows] == default_policies(load(built_in()["boot-storm"]))
    assert table.columns[1:5] == table.drawn == [ending.value for ending in BuildEnding]
    assert "No property broken, no crash." in table.note
    for name in set(built_in()) - {"boot-storm"}:
        assert name in table.note, "what is left out is said"


def test_crash_in_a_scenario_fails_the_section(one_scenario: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(outcomes: list[RunOutcome]) -> list[ScenarioResult]:
        return [msgspec.structs.replace(row, crashes=int(row.policy == "legacy")) for row in rows(outcomes)]

    monkeypatch.setattr(simulated, "rows", stopped)
    found = simulated.collected(DESIGN)
    assert not found.ok
    assert "legacy: ; 1 crashes" in found.tables[0].note


@pytest.fixture
def small_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explored, "SIZES", [Size(1, 1)])
    monkeypatch.setattr(explored, "OPERATIONS", ["claim_memory", "offline_page"])


def test_paths_section_lists_operations_and_generations(small_hosts: None) -> None:
    found = twice(explored.collected)
    assert found.ok
    operations, generations = found.tables
    assert [row[0] for row in operations.rows] == ["claim_memory", "offline_page"]
    assert all(row[5:] == ["1", "0", "0"] for row in operations.rows)
    assert [row[:2] for row in generations.rows] == [["claim-sets", "2"]]
    assert sum(int(row[4].replace(",", "")) for row in operations.rows) == int(generations.rows[0][4].replace(",", ""))
    assert "hosts of 1x1" in operations.note
    for counts in (operations.seconds, operations.questions):
        assert list(counts) == ["claim_memory", "offline_page"]
        assert all(count > 0 for count in counts.values())


def test_differing_path_fails_the_section(small_hosts: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explored, "work", partial(work_with, "recalls-one-too-few"))
    found = explored.collected(DESIGN)
    assert isinstance(found, Tables)
    assert not found.ok
    ((name, verdict, why),) = found.tables[-1].rows
    assert (name, verdict) == ("claim-sets offline_page 1x1", "refuted")
    assert "page=free" in why


def test_undecided_path_leaves_the_section_open() -> None:
    row = explored.OperationResult("claim-sets", "offline_page", "1x1", Verdict.UNKNOWN, reason="out of work")
    found = explored.as_tables([row])
    assert not found.ok
    assert found.tables[-1].rows == [["claim-sets offline_page 1x1", "unknown", "out of work"]]


def test_paths_section_needs_a_generation() -> None:
    assert explored.collected(EvidenceRequest([])) == SkippedSection("no generation was requested")


def test_every_section_has_a_page_and_a_command() -> None:
    assert {section.page for section in FURTHER.values()} <= {"proofs", "differential", "scenarios"}
    assert all(section.how.startswith(("claimcheck ", "make ")) for section in FURTHER.values())
