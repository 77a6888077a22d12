"""Which statements there are, what bears on each, and how a verdict comes about."""

import re
from typing import Any

import msgspec

from docs._make.checkout import ROOT
from model.properties import PROPERTIES
from proofs.evidence.statements import bearing_on, judged, named_tests, promises
from proofs.evidence.structure import (
    DesignStatements,
    Evidence,
    EvidenceCell,
    Matrix,
    NotRun,
    Obligations,
    OneTest,
    Proof,
    RunTests,
    Statement,
)

NOT_RUN = NotRun("left out")
LOCKS = EvidenceCell("claim-sets/lock-order", "claim-sets", "lock-order", [], "", "proved", "", "", True, None, 0.0)
MATRIX = Matrix(cells=[LOCKS])


def proof(prop: str, verdict: Any = "proved", claimed: bool = True) -> Proof:
    name = f"claim-sets/{prop}/offline_page/parametric"
    return Proof(name, verdict, claimed, 1, "", [], [], "", {}, 0.0)


def everything(verdict: Any = "proved") -> tuple[Obligations, RunTests]:
    proofs = [proof(name, verdict) for name in PROPERTIES]
    return Obligations(results=proofs, not_applicable=0), RunTests(
        tests=[OneTest(t, "passed", 1) for t in named_tests()]
    )


def verdicts(obligations: Obligations | NotRun, tests: RunTests | NotRun) -> dict[str, Statement]:
    found = judged(MATRIX if isinstance(obligations, Obligations) else NOT_RUN, obligations, tests, NOT_RUN)
    return {s.id: s for s in found.statements}


def test_there_are_34_statements_and_each_has_something_that_bears_on_it() -> None:
    assert list(promises()) == [f"DS-{n:02}" for n in range(1, 35)]
    for name, promise in promises().items():
        assert promise.tests or bearing_on(name), name
    assert {s for p in PROPERTIES.values() for s in p.statements} <= set(promises())


def test_every_test_that_is_named_exists() -> None:
    for name in named_tests():
        path, _, function = name.partition("::")
        assert re.search(rf"^def {function}\(", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE), name


def test_nothing_run_is_nothing_checked() -> None:
    found = verdicts(NOT_RUN, NOT_RUN)
    assert {s.verdict for s in found.values()} == {"not checked"}
    assert found["DS-20"].reason.startswith("not run: node-backed")


def test_everything_run_leaves_nothing_unchecked() -> None:
    found = verdicts(*everything())
    assert {s.verdict for s in found.values()} == {"proved", "holds in tests", "holds on conditions"}


def test_one_part_that_was_not_run_leaves_a_statement_unchecked() -> None:
    obligations, tests = everything()
    obligations.results = [r for r in obligations.results if "/host-backed/" not in r.name]
    found = verdicts(obligations, tests)
    assert (found["DS-21"].verdict, found["DS-20"].verdict) == ("not checked", "proved")


def test_what_is_no_formula_is_judged_by_its_cell() -> None:
    obligations, tests = everything()
    assert verdicts(obligations, tests)["DS-24"].verdict == "proved"
    for verdict in ("refuted", "unknown"):
        cells = Matrix(cells=[msgspec.structs.replace(LOCKS, verdict=verdict)])
        found = {s.id: s for s in judged(cells, obligations, tests, NOT_RUN).statements}
        assert found["DS-24"].verdict == verdict
    found = {s.id: s for s in judged(NOT_RUN, obligations, tests, NOT_RUN).statements}
    assert found["DS-24"].reason == "not run: lock-order"


def test_unknown_is_unknown_and_refuted_wins() -> None:
    obligations, tests = everything()
    obligations.results.append(proof("node-backed", "unknown"))
    assert verdicts(obligations, tests)["DS-20"].verdict == "unknown"
    obligations.results.append(proof("no-wrap.host-counters", "refuted"))
    assert verdicts(obligations, tests)["DS-20"].verdict == "refuted"


def test_a_failed_test_refutes_and_a_skipped_one_checks_nothing() -> None:
    obligations, tests = everything()
    for outcome, verdict in (("failed", "refuted"), ("skipped", "not checked"), ("missing", "not checked")):
        tests.tests = [
            OneTest(t, outcome if "colour" in t or "checks_in_order" in t else "passed", 1) for t in named_tests()
        ]  # type: ignore[arg-type]
        assert verdicts(obligations, tests)["DS-33"].verdict == verdict


def test_a_condition_counts_only_if_its_absence_refutes() -> None:
    obligations, tests = everything()
    plain = verdicts(obligations, tests)["DS-18"]
    obligations.results.append(proof("entitlement", "refuted", claimed=False))
    needed = verdicts(obligations, tests)["DS-18"]
    assert (plain.verdict, needed.verdict) == ("proved", "holds on conditions")
    assert any("max_pages is never set below" in text for text in needed.conditions)


def test_an_exception_counts_only_if_its_test_passed() -> None:
    obligations, tests = everything()
    assert "except: " in verdicts(obligations, tests)["DS-03"].conditions[0]
    shown_by = promises()["DS-03"].exceptions[0].shown_by
    tests.tests = [t for t in tests.tests if t.id != shown_by]
    assert verdicts(obligations, tests)["DS-03"].verdict == "not checked"


def test_the_statements_of_a_run_without_tests_are_not_checked(small: Evidence) -> None:
    assert isinstance(small.statements, DesignStatements)
    assert {s.verdict for s in small.statements.statements} == {"not checked"}
