"""What differs between stored evidence and what is found is named: any field, any entry, in any section."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from proofs.evidence import judged
from proofs.evidence import verify as module
from proofs.evidence.collect import INTERRUPTED
from proofs.evidence.compare import differences
from proofs.evidence.judged import as_cell, finding_of
from proofs.evidence.request import EvidenceRequest, run_of
from proofs.evidence.structure import (
    NOT_COMPARED,
    Conformance,
    Evidence,
    EvidenceTable,
    Findings,
    Guards,
    Matrix,
    Obligations,
    Proof,
    ReplayedRecording,
    SkippedSection,
    StatementTest,
    StatementTests,
    Tables,
    VacuityCheck,
    digest,
)
from proofs.evidence.verify import rechecked, verified
from proofs.matrix.cells import CellVerdict
from proofs.matrix.rows import MatrixRow
from proofs.prover.verdict import Verdict
from proofs.search.minimise import SearchRequest, search
from tests.sampled import sampled

ROW = MatrixRow("entitlement")


def fields(stored: Any, found: Any) -> list[str]:
    return [difference.field for difference in differences("x", stored, found)]


def test_only_times_are_not_compared() -> None:
    assert {"seconds", "made", "questions"} == NOT_COMPARED


@pytest.mark.parametrize(
    ("stored", "found", "named"),
    [
        ({"a": 1}, {"a": 2}, ["x.a"]),
        ({"a": 1}, {}, ["x.a"]),
        ({}, {"a": 1}, ["x.a"]),
        ([1, 2], [1, 3], ["x[1]"]),
        ([1, 2], [1], ["x"]),
        ([1], [1, 2], ["x"]),
        ([{"name": "a", "v": 1}, {"name": "b", "v": 1}], [{"name": "b", "v": 2}, {"name": "a", "v": 1}], ["x[b].v"]),
        ([{"name": "a"}], [], ["x[a]"]),
        ([{"name": "a"}], [{"name": "b"}], ["x[a]", "x[b]"]),
        ([{"name": "a"}, {"name": "a"}], [{"name": "a"}], ["x[a]"]),
        ([{"name": "a", "v": 1}, {"name": "a", "v": 2}], [{"name": "a", "v": 1}], ["x[a]"]),
        ({"verdict": "proved"}, {"verdict": "unknown"}, ["x.verdict"]),
        ({"a": {"b": [0]}}, {"a": {"b": [1]}}, ["x.a.b[0]"]),
        (True, 1, []),
        (None, 0, ["x"]),
        ({"seconds": 1, "a": 0}, {"seconds": 2, "a": 0}, []),
    ],
)
def test_difference_is_named(stored: Any, found: Any, named: list[str]) -> None:
    assert fields(stored, found) == named
    assert fields(found, found) == []


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    """Every section, with next to nothing in it; the finding is a real one."""
    trace = search(SearchRequest("claim-sets", "entitlement", depth=2)).trace
    assert trace is not None
    cells = [
        CellVerdict("claim-sets", ROW, Verdict.REFUTED, "", trace),
        CellVerdict("claim-sets", MatrixRow("node-backed"), Verdict.PROVED, "any"),
    ]
    matrix = Matrix(cells=[as_cell(cell) for cell in cells])
    proof = Proof("claim-sets/node-backed/boot/parametric", "proved", True, 1, "", [], [], "", {}, 0.0)
    found = Evidence(
        made="",
        seconds=0.0,
        run=run_of(EvidenceRequest(["claim-sets"], ["entitlement"], frozenset(), 1)),
        matrix=matrix,
        findings=Findings(findings=[finding_of(ROW, trace, matrix)]),
        obligations=Obligations(results=[proof], not_applicable=1),
        guards=Guards(transitions=[VacuityCheck("alloc_heap_pages", 1, [], [], {}, {}, [])]),
        conformance=Conformance(files=[ReplayedRecording("f", "", ["claim-sets"], 1, 1, 1, [], 0, {}, 0.0)]),
        tests=StatementTests(tests=[StatementTest("t", "passed", 1)]),
        statements=SkippedSection("left out"),
        further={"fuzz": Tables(tables=[EvidenceTable("t", ["a"], [["1"]])], ok=True)},
    )
    found.statements = module.statements.judged(found.matrix, found.obligations, found.tests, found.findings)
    found.digest = digest(found)
    return found


def otherwise(evidence: Evidence, path: str, value: Any) -> Evidence:
    """With another value somewhere, and a digest that fits."""
    data = msgspec.to_builtins(evidence)
    *inner, last = (int(key) if key.isdigit() else key for key in path.split("/"))
    place = data
    for key in inner:
        place = place[key]
    assert place[last] != value
    place[last] = value
    edited = msgspec.convert(data, Evidence)
    return msgspec.structs.replace(edited, digest=digest(edited))


EDITS: dict[str, tuple[str, Any]] = {
    "matrix/cells/1/verdict": ("matrix", "unknown"),
    "matrix/cells/0/verdict": ("matrix", "proved"),
    "obligations/results/0/verdict": ("obligations", "refuted"),
    "obligations/results/0/claimed": ("obligations", False),
    "guards/transitions/0/vacuous": ("guards", ["x"]),
    "conformance/files/0/divergences": ("conformance", ["x"]),
    "tests/tests/0/outcome": ("tests", "failed"),
    "statements/statements/0/verdict": ("statements", "proved"),
    "statements/statements/0/conditions": ("statements", ["x"]),
    "findings/findings/0/broken": ("findings", []),
    "findings/findings/0/reference": ("findings", []),
    "findings/findings/0/replay/divergence": ("findings", "x"),
    "findings/findings/0/replay/events": ("findings", 7),
    "further/fuzz/ok": ("further", False),
    "further/fuzz/tables/0/rows": ("further", [["2"]]),
    "run/versions": ("run", {}),
    "run/limits": ("run", {}),
}


def test_equal_evidence_has_no_difference(evidence: Evidence) -> None:
    found = verified(evidence, evidence)
    assert (found.differences, found.open) == ([], [])


@pytest.mark.parametrize("path", sampled(EDITS, 2))
def test_changed_value_in_any_section_is_named(path: str, evidence: Evidence) -> None:
    section, value = EDITS[path]
    found = verified(otherwise(evidence, path, value), evidence)
    assert found.differences
    assert {difference.field.partition(".")[0] for difference in found.differences} == {section}


def test_wrong_digest_is_named(evidence: Evidence) -> None:
    found = verified(msgspec.structs.replace(evidence, made="later"), evidence)
    assert [difference.field for difference in found.differences] == ["digest"]


def test_added_or_missing_part_is_named(evidence: Evidence) -> None:
    """A section, a finding, or a further section that only one of the two has."""
    none = msgspec.structs.replace(evidence, findings=Findings(findings=[]))
    assert any(d.field.startswith("findings") for d in verified(evidence, none).differences)
    without = msgspec.structs.replace(evidence, tests=SkippedSection("left out"))
    without.digest = digest(without)
    assert any(d.field.startswith("tests") for d in verified(without, evidence).differences)
    found = verified(evidence, without)
    assert [text for text in found.open if text.startswith("tests: cannot be established")]
    ended = msgspec.structs.replace(evidence, guards=SkippedSection(INTERRUPTED))
    ended.digest = digest(ended)
    assert [text for text in verified(ended, evidence).open if text.startswith("guards: was interrupted")]
    other = msgspec.structs.replace(evidence, further={**evidence.further, "diff": SkippedSection("x")})
    assert any(d.field.startswith("further") for d in verified(evidence, other).differences)


def test_every_finding_is_rerun(evidence: Evidence, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(evidence.findings, Findings)
    assert isinstance(evidence.matrix, Matrix)
    run: list[str] = []
    right = judged.finding_of

    def noted(row: MatrixRow, *others: Any) -> Any:
        run.append(row.part)
        return right(row, *others)

    monkeypatch.setattr(module, "finding_of", noted)
    again = rechecked(evidence.findings.findings * 2, evidence.matrix)
    assert run == ["entitlement"] * 2
    assert fields(evidence.findings.findings[0], again[0]) == []
