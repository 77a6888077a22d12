"""The verdict matrix: what is proved, what is refuted, and that neither is typed in."""

from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner

from model.generations import GENERATIONS
from model.generations.parts import PARTS
from proofs.cli.generations import generations
from proofs.cli.prove import prove
from proofs.explain.source import LARGEST, lines_of_code, reference_diff, rule_changes
from proofs.file_replay import replay_file
from proofs.matrix.cells import CellVerdict, UnprovedRow, proofs_of
from proofs.matrix.difference import DifferenceRequest, difference
from proofs.matrix.findings import path_of
from proofs.matrix.larger_blocks import search_larger
from proofs.matrix.report import mark, repairs
from proofs.matrix.rows import MatrixRow, promised, rows
from proofs.matrix.searches import DEPTH, searched
from proofs.mistakes.in_rules import node_permits_free_pages
from proofs.obligations.obligation import EVERY_STATE, Obligation
from proofs.prover.induction import Induction, candidates, induction, shown
from proofs.prover.verdict import Verdict
from reference.generations import GENERATIONS as OF_REFERENCE
from reference.generations.parts import PARTS as PARTS_OF_REFERENCE
from tests.sampled import sampled


def test_the_model_has_every_generation_of_the_reference() -> None:
    assert list(GENERATIONS) == list(OF_REFERENCE)
    assert all(name in GENERATIONS for s in GENERATIONS.values() for name in s.follows)


def test_the_model_has_every_part_of_the_reference() -> None:
    assert set(PARTS) - set(PARTS_OF_REFERENCE) == {"one-section"}
    assert set(PARTS_OF_REFERENCE) < set(PARTS)


def test_property_that_the_reference_lacks_is_unknown() -> None:
    cell = searched(UnprovedRow("claim-sets+one-section", MatrixRow("entitlement"), "somewhere"))
    assert (cell.verdict, cell.reason) == (Verdict.UNKNOWN, "the reference does not have these rules")


def test_generation_files_are_small() -> None:
    assert all(0 < lines <= LARGEST for both in lines_of_code().values() for lines in both)


def verdicts(semantics: str, *ids: str) -> dict[str, Verdict]:
    cells, left = proofs_of(semantics, list(ids))
    return {cell.row.name: cell.verdict for cell in [*cells, *map(searched, left)]}


@pytest.mark.long
def test_claims_without_recall_are_backed_until_offlining() -> None:
    assert verdicts("claim-sets-no-recall", "node-backed", "recall-minimal") == {
        "node-backed": Verdict.REFUTED,
        "node-backed if nothing-offlined": Verdict.PROVED,
        "recall-minimal": Verdict.NOT_APPLICABLE,
    }


EXCEEDING = ("single-node-v4", "legacy-redeem-at-assign", "per-node-v8")
"""Their counters of claims may exceed the free pages."""


def listed(semantics: str) -> list[str]:
    """What a generation says it keeps, without that claims are backed."""
    return [name for name in GENERATIONS[semantics].invariants if name not in ("node-backed", "host-backed")]


def is_in_range(given: Induction) -> bool:
    """Whether every counter fits its type, by what is kept."""
    return shown(given.question("no-wrap.host-counters", EVERY_STATE)) is not None


@pytest.mark.parametrize("semantics", EXCEEDING)
def test_counters_above_free_pages_fit_their_type(semantics: str) -> None:
    assert is_in_range(Induction(semantics, (), listed(semantics)))


@pytest.mark.long
@pytest.mark.parametrize("semantics", EXCEEDING)
def test_inductive_invariants_keep_counters_in_their_type(semantics: str) -> None:
    assert is_in_range(induction(semantics))


def test_counters_fit_only_because_domain_ids_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model.properties.ranges.DOMID_FIRST_RESERVED", 2**62)
    assert not is_in_range(Induction("per-node-v8", (), listed("per-node-v8")))


def test_statement_is_shown_again_without_a_failed_invariant() -> None:
    asked: list[tuple[str, str, bool]] = []

    def ask(question: Obligation) -> set[str] | None:
        """One step does not keep `host-backed`, another keeps `node-backed` only where `host-backed` held before."""
        name, place = question.property, question.transition
        helped = "host-backed" in (question.invariants or ())
        asked.append((name, place, helped))
        if (name, place) == ("host-backed", "alloc_heap_pages"):
            return None
        if (name, place) != ("node-backed", "offline_page"):
            return set()
        return {"host-backed"} if helped else None

    found = induction("claim-sets", ask=ask)
    assert found.fails_at == {"host-backed": "alloc_heap_pages", "node-backed": "offline_page"}
    assert set(candidates("claim-sets")) - set(found.kept) == set(found.fails_at)
    assert [helped for name, place, helped in asked if (name, place) == ("node-backed", "offline_page")] == [
        True,
        False,
    ]
    assert len(asked) == found.asked


@pytest.mark.long
def test_failed_invariant_is_not_assumed(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = replace(GENERATIONS["claim-sets"].rules, node_permits=node_permits_free_pages)
    monkeypatch.setitem(GENERATIONS, "claim-sets", replace(GENERATIONS["claim-sets"], rules=rules))
    found = verdicts("claim-sets", "node-backed", "claims-fulfilled")
    assert found["node-backed"] is Verdict.UNKNOWN  # the reference does not make the mistake
    assert found["claims-fulfilled.granted-on-node"] is not Verdict.PROVED


@pytest.mark.parametrize(
    ("semantics", "part", "events"),
    sampled(
        [
            ("legacy-2013", "redeemed-once.claims-do-not-come-back", 5),
            ("single-node-v1", "unclaimed-only", 3),
            ("single-node-v3", "unclaimed-only", 3),
            ("single-node-v4", "no-crash", 4),
            ("per-node-v8", "host-backed", 3),
        ],
        keep=[("per-node-v8", "host-backed", 3)],
    ),
)
def test_refutations_are_shortest_and_reproduced(semantics: str, part: str, events: int) -> None:
    cell = searched(UnprovedRow(semantics, MatrixRow(part), ""))
    assert cell.verdict is Verdict.REFUTED, cell.reason
    assert cell.trace is not None
    assert len(cell.trace.events) == events


@pytest.mark.parametrize("depth", [3, pytest.param(DEPTH, marks=pytest.mark.long)])
def test_search_without_result_is_unknown_with_its_depth(depth: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proofs.matrix.searches.DEPTH", depth)
    cell = searched(UnprovedRow("claim-sets", MatrixRow("node-backed", ("nothing-offlined",)), "somewhere"))
    assert cell.verdict is Verdict.UNKNOWN
    assert f"no proof at somewhere; no trace of at most {depth} events" in cell.reason
    assert mark(cell) == "?"


def test_repairs_are_derived_from_the_matrix() -> None:
    row = MatrixRow("node-backed")
    wrong = CellVerdict("claim-sets-no-recall", row, Verdict.REFUTED)
    right = CellVerdict("claim-sets", row, Verdict.PROVED, "any")
    assert [(r.before, r.after, r.row) for r in repairs([wrong, right])] == [(wrong.semantics, right.semantics, row)]
    assert repairs([wrong, replace(right, verdict=Verdict.UNKNOWN)]) == []


def test_only_the_design_has_promises() -> None:
    assert any(promised("claim-sets", row) for row in rows())
    assert not any(promised("single-node-v4", row) for row in rows())


def test_known_generation_differences_are_found() -> None:
    found = difference(DifferenceRequest("claim-sets-no-recall", "claim-sets"))
    assert [event["op"] for event in found.events][-1] == "offline_page"
    assert found.differs
    assert {change.rule for change in rule_changes("claim-sets-no-recall", "claim-sets")} == {"recall"}


def test_equal_rules_show_no_difference() -> None:
    assert {change.rule for change in rule_changes("claim-sets", "claim-sets-v3")} == {
        "counter_type",
        "folds_legacy",
        "keeps_total",
    }
    assert difference(DifferenceRequest("claim-sets", "claim-sets-v3", depth=3)).differs == []
    assert any("outstanding_pages" in line for line in reference_diff("claim-sets", "claim-sets-v3"))


def long(*arguments: object) -> Any:
    """A case that is checked for every step of a generation."""
    return pytest.param(*arguments, marks=pytest.mark.long)


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["--generation", "single-node-v4", "--property", "superpage-fulfilled", "--json"], 0, '"conditions"'),
        long(["--generation", "single-node-v4", "--property", "no-crash"], 0, "refuted"),
        long(["--generation", "claim-sets-no-recall", "--property", "node-backed", "--json"], 0, '"conditions"'),
        (["--all", "--mutate", "no-recall"], 2, "takes only"),
    ],
)
def test_prove_exit_codes_and_messages(arguments: list[str], code: int, text: str) -> None:
    outcome = CliRunner().invoke(prove, arguments)
    assert outcome.exit_code == code, outcome.output
    assert text in outcome.output


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["claim-sets-no-recall", "claim-sets", "--no-verdicts"], 0, "offline 0"),
        (["claim-sets", "claim-sets-v3", "--no-verdicts", "--depth", "3"], 0, "No difference in 3 events"),
        (["claim-sets", "claim-sets-v3", "claim-sets-v7"], 2, "one generation, two to compare"),
        (["claim-sets", "claim-set"], 2, "did you mean 'claim-sets'"),
        (["claim-sets", "claim-sets+limbo"], 2, "no part of a variant 'limbo'"),
        (["claim-sets", "claim-sets+limbo-counted", "--no-verdicts"], 0, "LimboCounted"),
        (["--no-verdicts", "--json"], 0, '"lines"'),
    ],
)
def test_generations_exit_codes_and_messages(arguments: list[str], code: int, text: str) -> None:
    outcome = CliRunner().invoke(generations, arguments)
    assert outcome.exit_code == code, outcome.output
    assert text in outcome.output


@pytest.mark.long
def test_fallback_to_an_unchecked_node_takes_claimed_pages() -> None:
    cell = searched(UnprovedRow("single-node-v2", MatrixRow("unclaimed-only", ("nothing-offlined",)), ""))
    assert cell.verdict is Verdict.REFUTED
    assert cell.trace is not None
    assert cell.trace.events[-1]["order"] == 1


def test_fallback_takes_pages_that_back_other_claims() -> None:
    taken = search_larger("single-node-v2", "claims-protected.backed")
    assert taken is not None
    assert taken.events[-1]["order"] == 1
    assert taken.broken[0].startswith("claims-protected.backed: 2 pages of node 0, where 1 are unclaimed")
    assert search_larger("single-node-v4") is None


def test_finding_shows_a_request_without_a_node() -> None:
    cell = searched(UnprovedRow("single-node-v1", MatrixRow("unclaimed-only", ("node-insisted-on",)), ""))
    assert cell.verdict is Verdict.REFUTED, cell.reason
    assert cell.trace is not None
    assert (cell.trace.events[-1]["node"], cell.trace.events[-1]["on_node"]) == (None, 0)


def test_v3_protects_claims_from_refcounted_requests() -> None:
    kept = [p for p in GENERATIONS["single-node-v3"].invariants if p not in ("node-backed", "host-backed")]
    for place in ("alloc_heap_pages", "alloc_heap_pages_unowned"):
        on_condition = Induction("single-node-v3", ("claimants-refcounted",), kept)
        assert shown(on_condition.question("unclaimed-only", place)) is not None
    without = Induction("single-node-v3", (), kept)
    assert shown(without.question("unclaimed-only", "alloc_heap_pages_unowned")) is None


def test_exact_node_is_unsafe_if_its_claims_exceed_free_pages() -> None:
    found = replay_file(str(path_of("single-node-v2", MatrixRow("unclaimed-only", ("node-insisted-on",)))))
    assert found.divergences == []
    assert [wrap.op for wrap in found.wraps] == ["set_outstanding_pages", "alloc_heap_pages"]
    assert "node-backed" in found.broken
