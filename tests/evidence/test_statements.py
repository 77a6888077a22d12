"""Which statements there are, what bears on each, and how a verdict comes about."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from docs._make.checkout import ROOT
from model.named import GENERATIONS
from model.properties import PROPERTIES
from proofs.evidence import answered
from proofs.evidence.answered import QUESTIONS, answered_questions
from proofs.evidence.statements import bearing_on, judged, named_tests, promises, worded
from proofs.evidence.structure import (
    DesignStatements,
    Evidence,
    EvidenceCell,
    Findings,
    HowItBears,
    Matrix,
    Obligations,
    Proof,
    ReplayedTrace,
    SkippedSection,
    Statement,
    StatementBearing,
    StatementTest,
    StatementTests,
)
from proofs.matrix.rows import rows
from proofs.obligations.names import COMPARING
from proofs.refinement.premises import in_words

NOT_RUN = SkippedSection("left out")
CHECKED = ("legacy-check-in-lock",)


def bears(statement: str, how: HowItBears = "contradicts") -> StatementBearing:
    return StatementBearing(statement, how, "")


def cell(part: str, verdict: Any = "proved", *conditions: str) -> EvidenceCell:
    name = f"claim-sets/{'+'.join((part, *conditions))}"
    return EvidenceCell(name, "claim-sets", part, list(conditions), "", verdict, "", "", True, None, 0.0)


def proof(prop: str, verdict: Any = "proved", claimed: bool = True) -> Proof:
    name = f"claim-sets/{prop}/offline_page/parametric"
    return Proof(name, verdict, claimed, 1, "", [], [], "", {}, 0.0)


def everything() -> tuple[Matrix, Obligations, StatementTests]:
    """All of it proved without conditions, and every test passed."""
    cells = Matrix(cells=[cell(row.part) for row in rows() if not row.conditions])
    obligations = Obligations(results=[proof(name) for name in PROPERTIES], not_applicable=0)
    return cells, obligations, StatementTests(tests=[StatementTest(t, "passed", 1) for t in named_tests()])


def replaced(matrix: Matrix, part: str, *cells: EvidenceCell) -> Matrix:
    """Other cells of a part of a property."""
    return Matrix(cells=[*(c for c in matrix.cells if c.property != part), *cells])


def answer(name: str = "release-refused", **changed: Any) -> Findings:
    """The stored trace of a question, as if it bore on something else, or broke something else."""
    (found,) = [a for a in answered_questions() if a.name.endswith(f"/{name}")]
    return Findings(findings=[], answers=[msgspec.structs.replace(found, **changed)])


def verdicts(
    matrix: Matrix | SkippedSection,
    obligations: Obligations | SkippedSection,
    tests: StatementTests | SkippedSection,
    findings: Findings | SkippedSection = NOT_RUN,
) -> dict[str, Statement]:
    return {s.id: s for s in judged(matrix, obligations, tests, findings).statements}


def test_each_of_34_statements_has_evidence() -> None:
    assert list(promises()) == [f"DS-{n:02}" for n in range(1, 35)]
    for name, promise in promises().items():
        assert promise.tests or bearing_on(name), name
    assert {s for p in PROPERTIES.values() for s in p.statements} <= set(promises())


def test_every_named_test_exists() -> None:
    for name in named_tests():
        path, _, function = name.partition("::")
        assert re.search(rf"^def {function}\(", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE), name


def test_empty_run_leaves_every_statement_unchecked() -> None:
    found = verdicts(NOT_RUN, NOT_RUN, NOT_RUN)
    assert {s.verdict for s in found.values()} == {"not checked"}
    assert found["DS-20"].reason.startswith("not run: node-backed")


def test_full_run_leaves_no_statement_unchecked() -> None:
    found = verdicts(*everything())
    assert {s.verdict for s in found.values()} == {"proved", "holds in tests", "proved if", "holds in tests if"}
    assert all((s.verdict[-3:] == " if") == bool(s.conditions or s.against) for s in found.values())


def test_missing_part_leaves_its_statement_unchecked() -> None:
    matrix, obligations, tests = everything()
    found = verdicts(replaced(matrix, "recall-minimal"), obligations, tests)
    assert (found["DS-26"].verdict, found["DS-20"].verdict) == ("not checked", "proved")


def test_property_without_formula_uses_its_matrix_cell() -> None:
    matrix, obligations, tests = everything()
    assert verdicts(matrix, obligations, tests)["DS-24"].verdict == "proved"
    for verdict in ("refuted", "unknown"):
        cells = replaced(matrix, "lock-order", cell("lock-order", verdict))
        assert verdicts(cells, obligations, tests)["DS-24"].verdict == verdict
    assert verdicts(replaced(matrix, "lock-order"), obligations, tests)["DS-24"].reason == "not run: lock-order"


def test_refuted_takes_precedence_over_unknown() -> None:
    matrix, obligations, tests = everything()
    obligations.results.append(proof("node-backed", "unknown"))
    assert verdicts(matrix, obligations, tests)["DS-20"].verdict == "unknown"
    obligations.results.append(proof("no-wrap.host-counters", "refuted"))
    found = verdicts(matrix, obligations, tests)["DS-20"]
    assert (found.verdict, found.failed) == ("refuted", ["no-wrap.host-counters"])


def test_failed_test_refutes_and_skipped_test_does_not_count() -> None:
    matrix, obligations, tests = everything()
    for outcome, verdict in (("failed", "refuted"), ("skipped", "not checked"), ("missing", "not checked")):
        tests.tests = [
            StatementTest(t, outcome if "colour" in t or "checks_in_order" in t else "passed", 1) for t in named_tests()
        ]  # type: ignore[arg-type]
        assert verdicts(matrix, obligations, tests)["DS-33"].verdict == verdict


def test_condition_counts_only_if_no_proof_exists_without_it() -> None:
    matrix, obligations, tests = everything()
    plain = verdicts(matrix, obligations, tests)["DS-29"]
    for without in ("refuted", "unknown"):
        cells = (cell("dead-hold-nothing", without), cell("dead-hold-nothing", "proved", *CHECKED))
        needed = verdicts(replaced(matrix, "dead-hold-nothing", *cells), obligations, tests)["DS-29"]
        assert needed.verdict == "proved if"
        assert needed.conditions == ["set_outstanding_pages itself checks is_dying, under its locks"]
        assert needed.conditions[0] in worded(needed)
    assert plain.conditions == []
    refuted = replaced(matrix, "dead-hold-nothing", cells[0], cell("dead-hold-nothing", "refuted", *CHECKED))
    assert verdicts(refuted, obligations, tests)["DS-29"].failed == ["dead-hold-nothing"]


def test_premises_of_a_comparison_are_conditions() -> None:
    found = verdicts(*everything())["DS-12"]
    assert found.verdict == "proved if"
    assert all(text in worded(found) for text in in_words("legacy-compatible.host-wide", "claim-sets"))
    assert {prop.id for prop in PROPERTIES.values() if prop.compared} == set(COMPARING)


def test_exception_counts_only_if_its_test_passed() -> None:
    matrix, obligations, tests = everything()
    assert [a.text for a in verdicts(matrix, obligations, tests)["DS-03"].against] == [
        e.text for e in promises()["DS-03"].exceptions
    ]
    shown_by = promises()["DS-03"].exceptions[0].shown_by
    tests.tests = [t for t in tests.tests if t.id != shown_by]
    assert verdicts(matrix, obligations, tests)["DS-03"].verdict == "not checked"


def test_contradicting_trace_refutes_its_statement() -> None:
    matrix, obligations, tests = everything()
    assert verdicts(matrix, obligations, tests, answer())["DS-12"].verdict == "refuted"
    for statement in ("DS-01", "DS-08"):
        spoken_of = verdicts(matrix, obligations, tests, answer(bears_on=[bears(statement)]))
        assert (spoken_of[statement].verdict, spoken_of[statement].failed) == ("refuted", [])
        assert spoken_of[statement].reason == "contradicted by claim-sets/questions/release-refused"
        assert "is refused [contradicts it: claim-sets/questions/release-refused]" in worded(spoken_of[statement])
        assert not [a for a in spoken_of["DS-12"].against if "release-refused" in a.shown_by]


def test_qualifying_trace_is_an_exception() -> None:
    found = verdicts(*everything(), answer(bears_on=[bears("DS-01", "qualifies"), bears("DS-08", "qualifies")]))
    assert (found["DS-01"].verdict, found["DS-08"].verdict) == ("proved if", "holds in tests if")


def test_conditions_of_a_proof_exclude_its_counterexample() -> None:
    matrix, obligations, tests = everything()
    conditions = GENERATIONS["claim-sets"].conditions_of(PROPERTIES["entitlement"])
    cells = replaced(matrix, "entitlement", cell("entitlement", "refuted"), cell("entitlement", "proved", *conditions))
    lowered = answer("limit-lowered-under-a-claim", replay=ReplayedTrace(3, 1, "", {"entitlement": 1}))
    found = verdicts(cells, obligations, tests, lowered)["DS-22"]
    assert (found.verdict, [a.excluded for a in found.against]) == ("proved if", [True])
    found = verdicts(matrix, obligations, tests, lowered)["DS-22"]
    assert (found.verdict, [a.excluded for a in found.against]) == ("refuted", [False])


@pytest.mark.parametrize(
    "changed", [{"shows": ""}, {"replay": ReplayedTrace(1, 1, "event 1 boot: x: 1, 2", {})}, {"trace": [], "shows": ""}]
)
def test_trace_that_no_longer_replays_unchecks_its_statements(changed: dict[str, Any]) -> None:
    found = verdicts(*everything(), answer(**changed))["DS-12"]
    assert found.verdict == "not checked"
    assert found.reason == "not run: claim-sets/questions/release-refused"


def test_every_stored_trace_shows_its_finding() -> None:
    assert [a.name for a in answered_questions()] == list(QUESTIONS)
    for found in answered_questions():
        assert (found.shows != "", found.replay.divergence) == (True, ""), found.name
    bearing = [b.statement for a in answered_questions() for b in a.bears_on]
    assert set(bearing) <= set(promises())
    assert {"DS-12", "DS-13", "DS-22", "DS-27", "DS-28", "DS-29", "DS-32"} <= set(bearing)


def test_missing_trace_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(answered, "CHECKOUT", tmp_path)
    assert {(a.shows, len(a.trace), a.replay.divergence[-11:]) for a in answered_questions()} == {
        ("", 0, "is not here")
    }


def test_statements_are_unchecked_without_tests(small: Evidence) -> None:
    assert isinstance(small.statements, DesignStatements)
    assert {s.verdict for s in small.statements.statements} == {"not checked"}


def test_verdict_with_conditions_is_labelled() -> None:
    """Whether conditions or what speaks against it: none is shown as if it held always."""
    matrix, obligations, tests = everything()
    on = GENERATIONS["claim-sets"].conditions_of(PROPERTIES["entitlement"])
    cells = (cell("entitlement", "refuted"), cell("entitlement", "proved", *on))
    found = verdicts(replaced(matrix, "entitlement", *cells), obligations, tests).values()
    assert [s.id for s in found if s.verdict.endswith(" if") is not bool(s.conditions or s.against)] == []
    assert [s.id for s in found if s.conditions and not s.against]
