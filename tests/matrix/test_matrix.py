"""The verdict matrix: what is proved, what is refuted, and that neither is typed in."""

from dataclasses import replace

import pytest
from click.testing import CliRunner

from model.generations import GENERATIONS
from model.generations.parts import PARTS
from model.rules import node_permits_free_pages
from proofs.cli.generations import generations
from proofs.cli.prove import prove
from proofs.explain.source import LARGEST, lines_of_code, reference_diff, rule_changes
from proofs.file_replay import replay_file
from proofs.matrix.cells import CellVerdict, Open, proofs_of
from proofs.matrix.difference import Between, difference
from proofs.matrix.findings import path_of
from proofs.matrix.larger_blocks import search_larger
from proofs.matrix.report import mark, repairs
from proofs.matrix.rows import MatrixRow, promised, rows
from proofs.matrix.searches import searched
from proofs.obligations.obligation import EVERY_STATE
from proofs.prover.induction import induction, shown
from proofs.prover.verdict import Verdict
from reference.generations import GENERATIONS as OF_REFERENCE
from reference.generations.parts import PARTS as PARTS_OF_REFERENCE


def test_the_model_has_every_generation_of_the_reference() -> None:
    assert list(GENERATIONS) == list(OF_REFERENCE)
    assert all(name in GENERATIONS for s in GENERATIONS.values() for name in s.follows)


def test_the_model_has_every_part_of_the_reference() -> None:
    assert set(PARTS) - set(PARTS_OF_REFERENCE) == {"one-section"}
    assert set(PARTS_OF_REFERENCE) < set(PARTS)


def test_what_the_reference_does_not_have_is_unknown() -> None:
    cell = searched(Open("claim-sets+one-section", MatrixRow("entitlement"), "somewhere"))
    assert (cell.verdict, cell.reason) == (Verdict.UNKNOWN, "the reference does not have these rules")


def test_no_generation_is_large() -> None:
    assert all(0 < lines <= LARGEST for both in lines_of_code().values() for lines in both)


def verdicts(semantics: str, *ids: str) -> dict[str, Verdict]:
    cells, left = proofs_of(semantics, list(ids))
    return {cell.row.name: cell.verdict for cell in [*cells, *map(searched, left)]}


def test_without_recall_claims_are_backed_only_while_nothing_goes_offline() -> None:
    assert verdicts("claim-sets-no-recall", "node-backed", "recall-minimal") == {
        "node-backed": Verdict.REFUTED,
        "node-backed if nothing-offlined": Verdict.PROVED,
        "recall-minimal": Verdict.NOT_APPLICABLE,
    }


def test_recall_repairs_it() -> None:
    assert verdicts("claim-sets", "node-backed") == {"node-backed": Verdict.PROVED}


@pytest.mark.parametrize(
    "semantics",
    [
        "single-node-v4",
        *(pytest.param(name, marks=pytest.mark.long) for name in ("legacy-redeem-at-assign", "per-node-v8")),
    ],
)
def test_counters_that_may_exceed_free_pages_fit_their_type_on_any_host(semantics: str) -> None:
    kept = induction(semantics).kept
    assert shown(semantics, "no-wrap.host-counters", EVERY_STATE, (), kept) is not None


def test_only_since_there_are_so_many_domains_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model.properties.ranges.DOMID_FIRST_RESERVED", 2**62)
    kept = [*GENERATIONS["per-node-v8"].invariants]
    kept = [name for name in kept if name not in ("node-backed", "host-backed")]
    assert shown("per-node-v8", "no-wrap.host-counters", EVERY_STATE, (), kept) is None


def test_an_invariant_that_fails_is_not_used_by_others(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = replace(GENERATIONS["claim-sets"].rules, node_permits=node_permits_free_pages)
    monkeypatch.setitem(GENERATIONS, "claim-sets", replace(GENERATIONS["claim-sets"], rules=rules))
    found = verdicts("claim-sets", "node-backed", "claims-fulfilled")
    assert found["node-backed"] is Verdict.UNKNOWN  # the reference does not make the mistake
    assert found["claims-fulfilled.granted-on-node"] is not Verdict.PROVED


@pytest.mark.parametrize(
    ("semantics", "part", "events"),
    [
        ("legacy-2013", "redeemed-once.claims-do-not-come-back", 5),
        ("single-node-v1", "unclaimed-only", 3),
        ("single-node-v3", "unclaimed-only", 3),
        ("single-node-v4", "no-crash", 4),
        ("per-node-v8", "host-backed", 3),
    ],
)
def test_refutations_are_shortest_and_the_reference_reproduces_them(semantics: str, part: str, events: int) -> None:
    cell = searched(Open(semantics, MatrixRow(part), ""))
    assert cell.verdict is Verdict.REFUTED, cell.reason
    assert cell.trace is not None
    assert len(cell.trace.events) == events


def test_what_is_not_found_is_unknown_and_says_how_far() -> None:
    cell = searched(Open("claim-sets", MatrixRow("node-backed", ("nothing-offlined",)), "somewhere"))
    assert cell.verdict is Verdict.UNKNOWN
    assert "no proof at somewhere" in cell.reason
    assert mark(cell) == "?"


def test_repairs_are_read_off_the_matrix() -> None:
    row = MatrixRow("node-backed")
    wrong = CellVerdict("claim-sets-no-recall", row, Verdict.REFUTED)
    right = CellVerdict("claim-sets", row, Verdict.PROVED, "any")
    assert [(r.before, r.after, r.row) for r in repairs([wrong, right])] == [(wrong.semantics, right.semantics, row)]
    assert repairs([wrong, replace(right, verdict=Verdict.UNKNOWN)]) == []


def test_only_the_design_promises_something() -> None:
    assert any(promised("claim-sets", row) for row in rows())
    assert not any(promised("single-node-v4", row) for row in rows())


def test_generations_differ_where_they_are_known_to() -> None:
    found = difference(Between("claim-sets-no-recall", "claim-sets"))
    assert [event["op"] for event in found.events][-1] == "offline_page"
    assert found.differs
    assert {change.rule for change in rule_changes("claim-sets-no-recall", "claim-sets")} == {"recall"}


def test_the_same_rules_show_no_difference() -> None:
    assert {change.rule for change in rule_changes("claim-sets", "claim-sets-v3")} == {
        "counter_type",
        "folds_legacy",
        "keeps_total",
    }
    assert difference(Between("claim-sets", "claim-sets-v3", depth=3)).differs == []
    assert any("outstanding_pages" in line for line in reference_diff("claim-sets", "claim-sets-v3"))


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["--generation", "single-node-v4", "--property", "no-crash"], 0, "refuted"),
        (["--generation", "claim-sets-no-recall", "--property", "node-backed", "--json"], 0, '"conditions"'),
        (["--all", "--mutate", "no-recall"], 2, "takes only"),
    ],
)
def test_endings_of_prove(arguments: list[str], code: int, text: str) -> None:
    outcome = CliRunner().invoke(prove, arguments)
    assert outcome.exit_code == code, outcome.output
    assert text in outcome.output


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["claim-sets-no-recall", "claim-sets", "--no-verdicts"], 0, "offline_page"),
        (["claim-sets", "claim-sets-v3", "--no-verdicts", "--depth", "3"], 0, "No difference in 3 events"),
        (["claim-sets"], 2, "two generations"),
        (["claim-sets", "claim-set"], 2, "did you mean 'claim-sets'"),
        (["claim-sets", "claim-sets+limbo"], 2, "no part of a variant 'limbo'"),
        (["claim-sets", "claim-sets+limbo-counted", "--no-verdicts"], 0, "LimboCounted"),
        (["--no-verdicts", "--json"], 0, '"lines"'),
    ],
)
def test_endings_of_generations(arguments: list[str], code: int, text: str) -> None:
    outcome = CliRunner().invoke(generations, arguments)
    assert outcome.exit_code == code, outcome.output
    assert text in outcome.output


def test_a_fall_back_to_a_node_never_checked_takes_claimed_pages() -> None:
    cell = searched(Open("single-node-v2", MatrixRow("unclaimed-only", ("nothing-offlined",)), ""))
    assert cell.verdict is Verdict.REFUTED
    assert cell.trace is not None
    assert cell.trace.events[-1]["order"] == 1
    assert search_larger("single-node-v4") is None


def test_with_it_claims_of_others_lose_their_pages_too() -> None:
    taken = search_larger("single-node-v2", "claims-protected.backed")
    assert taken is not None
    assert taken.events[-1]["order"] == 1
    assert taken.broken[0].startswith("claims-protected.backed: 2 pages of node 0, where 1 are unclaimed")


def test_a_request_that_names_no_node_is_told() -> None:
    cell = searched(Open("single-node-v1", MatrixRow("unclaimed-only", ("node-insisted-on",)), ""))
    assert cell.verdict is Verdict.REFUTED, cell.reason
    assert cell.trace is not None
    assert (cell.trace.events[-1]["node"], cell.trace.events[-1]["on_node"]) == (None, 0)


def test_of_some_requests_the_next_generation_is_right() -> None:
    kept = [p for p in GENERATIONS["single-node-v3"].invariants if p not in ("node-backed", "host-backed")]
    for place in ("alloc_heap_pages", "alloc_heap_pages_unowned"):
        assert shown("single-node-v3", "unclaimed-only", place, ("claimants-refcounted",), kept) is not None
    assert shown("single-node-v3", "unclaimed-only", "alloc_heap_pages_unowned", (), kept) is None


def test_a_node_insisted_on_is_not_safe_where_its_claims_exceed_its_free_pages() -> None:
    found = replay_file(str(path_of("single-node-v2", MatrixRow("unclaimed-only", ("node-insisted-on",)))))
    assert found.divergences == []
    assert [wrap.op for wrap in found.wraps] == ["set_outstanding_pages", "alloc_heap_pages"]
    assert "node-backed" in found.broken
