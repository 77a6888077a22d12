"""Two solvers on one text: agreement is counted, disagreement is named, unknown is neither."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from model.named import INVARIANTS
from proofs.cli import matrix as of_command
from proofs.cli.prove import prove
from proofs.evidence import second_solver as section
from proofs.evidence.request import EvidenceRequest
from proofs.evidence.structure import SkippedSection
from proofs.matrix import asked as asked_of_matrix
from proofs.matrix.asked import questions_of
from proofs.obligations.auxiliary import hard_obligation
from proofs.obligations.obligation import PARAMETRIC, Obligation, bounded
from proofs.obligations.suite import suite
from proofs.prover import cross_check as module
from proofs.prover import second_solver
from proofs.prover.cross_check import AGREE, ALONE, DISAGREE, UNDECIDED, SolverQuestion, cross_check, crossed, questions
from proofs.prover.export import export
from proofs.prover.induction import Induction, SolverQuery
from proofs.prover.second_solver import UNKNOWN, SolverAnswer, asked_cvc5, asked_z3
from proofs.prover.solve import solve
from proofs.prover.verdict import Settings, Verdict

PROVED = Obligation("claim-sets", "node-backed", "alloc_heap_pages", PARAMETRIC)
REFUTED = replace(PROVED, dropped="guard:node-check")
QUICK = Settings(cores=False)
FEW = ["node-backed", "alloc_heap_pages", "--no-cache", "--jobs", "1", "--cross-check"]


def test_both_solvers_decide_proofs_and_countermodels() -> None:
    obligations = [PROVED, REFUTED, replace(PROVED, encoding=bounded(2, 2))]
    found = cross_check(questions(obligations, [solve(o, QUICK) for o in obligations]), QUICK, 1)
    assert [(one.outcome, one.cvc5.answer) for one in found] == [
        (AGREE, "unsat"),
        (AGREE, "sat"),
        (AGREE, "sat"),  # the countermodel, on a bounded host
        (AGREE, "unsat"),
    ]
    assert found[2].name == f"{REFUTED.name} on bounded-2x2"
    assert all(one.z3.seconds > 0 and one.cvc5.seconds > 0 for one in found)


def test_parallel_results_keep_their_order() -> None:
    asked = [SolverQuestion(replace(PROVED, encoding=bounded(1, 1)))] * 10 + [SolverQuestion(REFUTED)]
    found = cross_check(asked, QUICK, 2)
    assert [one.name for one in found] == [question.name for question in asked]
    assert found[-1].cvc5.answer == "sat"


def test_wrong_answer_of_cvc5_is_named_and_exits_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "asked_cvc5", lambda _text, _settings: SolverAnswer("sat", 0.1))
    outcome = CliRunner().invoke(prove, FEW)
    assert outcome.exit_code == 1
    assert f"disagree: {PROVED.name}: taken for unsat, Z3 says unsat, cvc5 sat" in outcome.output
    assert "3 disagree" in outcome.output


def test_wrong_verdict_of_the_prover_is_named() -> None:
    one = crossed(SolverQuestion(PROVED, "sat"), QUICK)
    assert (one.outcome, one.z3.answer, one.cvc5.answer) == (DISAGREE, "unsat", "unsat")


def test_undecided_cvc5_is_neither_pass_nor_disagreement(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "asked_cvc5", lambda _text, _settings: SolverAnswer(UNKNOWN, 0.1, "for a test"))
    outcome = CliRunner().invoke(prove, [*FEW, "--json"])
    assert outcome.exit_code == 3
    found = json.loads(outcome.output)["cross_check"]
    assert (found["counts"]["undecided"], found["counts"]["disagree"], found["counts"]["unsat"]) == (3, 0, 0)
    assert {(q["outcome"], q["cvc5"]["reason"]) for q in found["questions"]} == {(UNDECIDED, "for a test")}


def test_answer_is_that_of_cvc5_alone_if_z3_is_undecided() -> None:
    one = module.CrossCheckResult("name", "", UNKNOWN, SolverAnswer(UNKNOWN, 0.1), SolverAnswer("unsat", 0.1))
    assert one.outcome == ALONE


def test_exhausted_limit_is_unknown_and_repeatable() -> None:
    little = Settings(rlimit=300_000)
    hard, again = (crossed(SolverQuestion(hard_obligation()), little) for _ in range(2))
    assert (hard.outcome, hard.cvc5.reason) == (UNDECIDED, "RESOURCEOUT")
    assert (hard.z3.answer, hard.cvc5.answer) == (again.z3.answer, again.cvc5.answer)
    assert asked_cvc5("(check-sat", QUICK).answer == UNKNOWN


def test_solvers_decide_the_exported_text(tmp_path: Path) -> None:
    (path,) = export([PROVED], str(tmp_path))
    one = crossed(SolverQuestion(PROVED), QUICK)
    assert f"sha256 of what follows these comments: {one.sha256}" in path.read_text()
    text = path.read_text().partition("(set-info :status unsat)\n")[2]
    assert (asked_cvc5(text, QUICK).answer, asked_z3(text, QUICK).answer) == ("unsat", "unsat")


def test_json_has_solver_version_limits_and_times() -> None:
    outcome = CliRunner().invoke(prove, [*FEW, "--json"])
    assert outcome.exit_code == 0
    found = json.loads(outcome.output)["cross_check"]
    assert found["cvc5"] == second_solver.cvc5_version()
    assert found["limits"]["rlimit-per"] == 4_000_000
    assert found["counts"]["questions"] == found["asked"] == found["counts"]["unsat"] == 3
    assert found["counts"]["cvc5_seconds"] > 0


def test_vacuity_witnesses_are_cross_checked() -> None:
    of_vacuity = [module.SolverQuestion(replace(PROVED, encoding=bounded(2, 2)), "sat", witness=True)]
    (found,) = cross_check(of_vacuity, QUICK, 1)
    assert (found.outcome, found.cvc5.answer) == (AGREE, "sat")
    assert found.name.endswith("(witness)")


def test_matrix_queries_are_recorded_with_their_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    def a_few(semantics: str, _ids: list[str], ask: SolverQuery) -> None:
        for invariants in (INVARIANTS, INVARIANTS, ["node-backed"]):
            ask(Induction(semantics, (), list(invariants)).question("node-backed", "alloc_heap_pages"))
        ask(Induction(semantics, (), ["entitlement"]).question("entitlement", "set_max_pages"))

    monkeypatch.setattr(asked_of_matrix, "proofs_of", a_few)
    asked = asked_of_matrix.questions_of("claim-sets", [])
    assert [(q.obligation.property, q.obligation.invariants, q.expected) for q in asked] == [
        ("node-backed", INVARIANTS, "unsat"),
        ("node-backed", ("node-backed",), UNKNOWN),
        ("entitlement", ("entitlement",), UNKNOWN),
    ]
    found = cross_check(asked, QUICK, 1)
    assert [(one.outcome, one.cvc5.answer) for one in found] == [(AGREE, a) for a in ("unsat", "sat", "sat")]


def test_disagreement_in_the_matrix_exits_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        asked_of_matrix, "all_questions", lambda *_: [SolverQuestion(PROVED), SolverQuestion(PROVED, "sat")]
    )
    monkeypatch.setattr(of_command, "computed", lambda *_: ([], True))
    arguments = ["--generation", "legacy-2013", "--property", "host-backed", "--jobs", "1", "--cross-check"]
    outcome = CliRunner().invoke(prove, arguments)
    assert outcome.exit_code == 1
    assert "1 agree, 1 disagree" in outcome.output


@pytest.mark.long
def test_every_matrix_query_is_sent_once() -> None:
    asked = questions_of("claim-sets-no-recall", ["host-backed"])
    assert len({q.obligation for q in asked}) == len(asked) > 100
    open_ones = [q for q in asked if q.expected == UNKNOWN]
    assert "claim-sets-no-recall/host-backed/offline_page/parametric" in [q.name for q in open_ones]
    found = cross_check(open_ones, QUICK, 1)
    assert {(one.outcome, one.cvc5.answer) for one in found} == {(AGREE, "sat")}


@pytest.mark.long
def test_the_matrix_can_be_cross_checked() -> None:
    arguments = [
        "--generation",
        "legacy-2013",
        "--property",
        "host-backed",
        "--jobs",
        "1",
        "--no-cache",
        "--cross-check",
    ]
    outcome = CliRunner().invoke(prove, [*arguments, "--json"])
    assert outcome.exit_code == 0, outcome.output
    counts = json.loads(outcome.output)["cross_check"]["counts"]
    assert counts["unsat"] > 50
    assert counts["sat"] > 0
    assert counts["unsat"] + counts["sat"] == counts["questions"]


def test_missing_cvc5_gives_one_line_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(second_solver, "find_spec", lambda _name: None)
    for arguments in (FEW, ["--all", "--cross-check"]):
        outcome = CliRunner().invoke(prove, arguments)
        assert outcome.exit_code == 2
        assert outcome.output.endswith("Error: --cross-check needs cvc5: pip install 'claimcheck[cross-check]'\n")
    assert section.collected(EvidenceRequest()) == SkippedSection(
        "--cross-check needs cvc5: pip install 'claimcheck[cross-check]'"
    )


@pytest.mark.parametrize("every", [9, pytest.param(1, marks=pytest.mark.long)])
def test_section_of_the_evidence_is_complete(every: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all questions of a property, or of some of every kind."""

    def some(*asked: list[str]) -> list[Obligation]:
        return [o for number, o in enumerate(suite(*asked)) if number % every == 0 or not o.claimed]

    monkeypatch.setattr(section, "suite", some)
    found = section.collected(EvidenceRequest(properties=["dead-hold-nothing"], jobs=1))
    assert not isinstance(found, SkippedSection)
    (counts,) = found.tables
    assert found.ok
    families = ["lemma", "loop", "section", "views", "abstraction"]
    assert [row[0] for row in counts.rows] == [*families, "any", "countermodel on bounded-2x2", "2x2"]
    assert all(int(row[1]) == int(row[2]) + int(row[3]) > 0 for row in counts.rows)
    assert counts.seconds["cvc5"] > 0
    (wrong,) = cross_check([SolverQuestion(PROVED, "sat")], QUICK, 1)
    other = section.as_tables([wrong])
    assert not other.ok
    assert other.tables[1].rows == [[PROVED.name, DISAGREE, "unsat", "unsat"]]
    assert solve(PROVED, QUICK).verdict is Verdict.PROVED
