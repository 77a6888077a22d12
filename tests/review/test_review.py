"""What a review finds: halves that differ, verdicts that change, locks; and how it ends."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from docs._make import reviews as maker
from proofs.cli.generations import _verdicts
from proofs.cli.main import claimcheck
from proofs.cli.review import exit_code
from proofs.diff.run import OperationResult
from proofs.explain.source import rule_changes
from proofs.matrix.cells import CellVerdict, UnprovedRow
from proofs.matrix.difference import DifferenceRequest, difference
from proofs.matrix.rows import MatrixRow
from proofs.matrix.verdicts import load as stored_verdicts
from proofs.matrix.verdicts import of_this_code
from proofs.prover.verdict import Verdict
from proofs.review import parts, run
from proofs.review.changes import refuted_alike, verdict_changes
from proofs.review.lock_costs import lock_changes
from proofs.review.result import Direction, Review, VerdictChange
from proofs.review.template import NotANameError, documented_rules, template
from proofs.review.text import answer, as_text
from proofs.review.traces import files
from proofs.search.events import Trace
from proofs.search.row_verdict import ANY_HOST
from reference.generations import GENERATIONS
from tests.review.files import REVIEWS, RIGHT, known, uncommented, written
from tests.sampled import PLAIN, sampled

STEP_3 = REVIEWS / "step-3-forgotten.py"
ALLOCATING = {"alloc_heap_pages"}


def call(*arguments: str) -> Any:
    return CliRunner().invoke(claimcheck, arguments)


# ------------------------------------------------------------------------------------------------ a file to begin with


@pytest.mark.parametrize("base", sampled(GENERATIONS, keep=PLAIN))
def test_template_loads_and_changes_nothing(base: str, tmp_path: Path) -> None:
    with known(written(tmp_path, template("a-new-one", base))) as rules:
        assert rules.base == base
        assert run.review(rules, 1, cached=False).identical


@pytest.mark.parametrize("base", sampled(GENERATIONS, keep={"claim-sets", "legacy-2013"}))
def test_every_rule_of_the_template_is_that_of_the_base(base: str, tmp_path: Path) -> None:
    """Uncommented, the functions are copies; what they do is the same."""
    text = uncommented(template("a-new-one", base))
    with known(written(tmp_path, text)) as rules:
        changed = {change.rule for change in rule_changes(base, rules.name)}
        assert changed <= {"redeem", "host_permits", "node_permits", "recall", "limit_permits"}
        assert not difference(DifferenceRequest(base, rules.name, depth=3, nodes=2, domains=1)).differs
        assert not lock_changes(base, rules.name)


def test_template_explains_every_rule() -> None:
    text = template("a-new-one", "claim-sets")
    documented = documented_rules()
    for rule, sentence in documented.items():
        if rule not in ("name", "summary", "interface"):
            assert f"        # {rule}=" in text, rule
            assert " ".join(sentence.split()[:5]) in text, rule
    assert text.count("    # def ") == len(re.findall(r'^    #     """\S', text, re.MULTILINE)) > 10


@pytest.mark.parametrize("name", ["Redeem", "claim-sets", "a+b", "", "a b"])
def test_template_of_a_wrong_name_is_refused(name: str) -> None:
    with pytest.raises(NotANameError):
        template(name, "claim-sets")


# ------------------------------------------------------------------------------------------------ parts


def test_halves_agree_where_both_have_the_patch() -> None:
    with known(REVIEWS / "redeem-host-wide-first.py") as rules:
        assert [row.verdict for row in smallest(rules.name)] == [Verdict.PROVED]
        assert [row.verdict for row in smallest(rules.name, rules.base)] == [Verdict.REFUTED]


def test_rules_in_other_words_are_those_of_the_base() -> None:
    with known(REVIEWS / "restated.py") as rules:
        assert [row.verdict for row in smallest(rules.name, rules.base)] == [Verdict.PROVED]


def smallest(name: str, base: str = "") -> list[OperationResult]:
    """`alloc_heap_pages` on one node, or on the smallest host on which the order of redeeming matters."""
    tasks = [part for part in parts.halves(name, base) if part.task.operation in ALLOCATING]
    (task,) = [part for part in tasks if str(part.task.size) == "1x1"]
    return task.run()


def test_review_reports_halves_that_differ(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The whole of it, but for most operations: the model's half is the base's, so nothing is to be proved."""
    every = parts.halves

    def few(name: str, base: str = "") -> list[parts.HalvesTask]:
        return [p for p in every(name, base) if p.task.operation in ALLOCATING and str(p.task.size) != "3x2"]

    monkeypatch.setattr(run, "halves", few)
    monkeypatch.setattr(run, "FOLDER", str(tmp_path))
    steps: list[tuple[str, int, int]] = []
    with known(STEP_3) as rules:
        found = run.review(rules, 1, progress=lambda *step: steps.append(step))
        again = run.review(rules, 1)
    assert [row.size for row in found.disagreements()] == ["2x2"]
    assert found.difference is not None
    assert len(found.difference.events) == 3
    assert (found.model_unchanged, found.changes, found.missing) == (True, [], [])
    assert exit_code(found) == 1
    assert steps[-1][1:] == (3, 3)
    assert again.stored
    assert again.halves == found.halves
    text = as_text(again, 76)
    assert text.startswith("The two halves of step-3-forgotten disagree: alloc_heap_pages.")
    assert "d0 node_claims: 0 / 1" in text
    assert set(files(again)) >= {"claim-sets--step-3-forgotten.jsonl"}
    assert all(len(line) <= 76 for line in text.splitlines() if "=> " not in line)


def test_interrupted_review_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "in_processes", lambda *_: iter(()))
    with known(STEP_3) as rules:
        found = run.review(rules, 1, cached=False)
    assert found.missing == ["where behaviour first differs", "some operations of the comparison of the halves"]
    assert exit_code(found) == 3
    assert "verdicts the same so far.\nInterrupted. Not done: where behaviour" in as_text(found, 200)
    assert "verdicts not judged." in as_text(replace(found, cells=[]), 200)


def test_verdicts_of_other_code_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proofs.matrix.verdicts.is_older", lambda _made: False)
    found = of_this_code("claim-sets")
    assert found is not None
    assert found[1] == [cell for cell in stored_verdicts() if cell.semantics == "claim-sets"]
    monkeypatch.setattr("proofs.matrix.verdicts.is_older", lambda _made: True)
    assert of_this_code("claim-sets") is None


def test_generations_judges_only_rules_from_files(monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[list[str]] = []
    monkeypatch.setattr("proofs.cli.matrix.computed", lambda names, *_: (judged.append(names) or [], True))
    with known(REVIEWS / "restated.py"):
        cells, _, whole = _verdicts(["claim-sets", "restated"], 1, True)
    assert (judged, whole) == ([["restated"]], True)
    assert cells == [one for one in stored_verdicts() if one.semantics == "claim-sets"]


def test_same_trace_refutes_what_it_did_for_the_base() -> None:
    judged = [cell for cell in stored_verdicts() if cell.semantics == "claim-sets"]
    refuted = [cell.row for cell in judged if cell.verdict is Verdict.REFUTED]
    with known(REVIEWS / "restated.py") as rules:
        rows = [UnprovedRow(rules.name, row, "") for row in refuted]
        alike = {cell.row for cell in refuted_alike("claim-sets", rules.name, judged, rows)}
    with known(REVIEWS / "dying-under-the-locks.py") as rules:
        fewer = {cell.row for cell in refuted_alike("claim-sets", rules.name, judged, rows)}
    assert MatrixRow("host-backed") in alike
    assert not {row for row in alike if row.part.startswith(("legacy-compatible", "superpage"))}
    assert fewer < alike
    assert MatrixRow("dead-hold-nothing") in alike - fewer


LOCKED = RIGHT.replace(
    'name = "mine"\n',
    'name = "mine"\n\n    def pages_released(self, host, domain, pages, refcounted):\n'
    "        with host.heap_lock:\n            domain.claims[0] += 0\n",
)


def test_another_lock_is_reported(tmp_path: Path) -> None:
    with known(written(tmp_path, LOCKED)) as rules:
        (change,) = lock_changes(rules.base, rules.name)
    assert change.operation == "free_domheap_pages"
    assert (change.before, change.after) == (
        "page_alloc_lock, heap_lock, page_alloc_lock",
        "page_alloc_lock (heap_lock), heap_lock, page_alloc_lock",
    )
    assert not lock_changes("claim-sets", "claim-sets-no-recall")
    assert lock_changes("legacy-2013", "claim-sets")


# ------------------------------------------------------------------------------------------------ what it says


def cell(part: str, verdict: Verdict, reason: str = "", conditions: tuple[str, ...] = ()) -> CellVerdict:
    events = [{"op": "create_domain", "domid": 0, "max_pages": 1, "node_affinity": [0]}]
    trace = Trace("claim-sets", "", part, {"node_span": 1, "nodes": [1]}, events, [], [], [f"{part}: 1 <= 0"])
    return CellVerdict("claim-sets", MatrixRow(part, conditions), verdict, reason, trace if reason == "t" else None)


PROVED, SOME, UNKNOWN = (Verdict.PROVED, ANY_HOST), (Verdict.PROVED, "at most 4 nodes"), (Verdict.UNKNOWN, "gave up")
REFUTED, NOTHING = (Verdict.REFUTED, "t"), (Verdict.NOT_APPLICABLE, "no claim is on a node")


@pytest.mark.parametrize(
    ("before", "after", "direction"),
    [
        (PROVED, PROVED, None),
        (PROVED, REFUTED, Direction.WORSE),
        (PROVED, SOME, Direction.WORSE),
        (PROVED, UNKNOWN, Direction.UNKNOWN),
        (PROVED, NOTHING, Direction.OTHER),
        (SOME, PROVED, Direction.BETTER),
        (REFUTED, REFUTED, None),
        (REFUTED, PROVED, Direction.BETTER),
        (REFUTED, SOME, Direction.BETTER),
        (REFUTED, UNKNOWN, Direction.UNKNOWN),
        (UNKNOWN, REFUTED, Direction.WORSE),
        (UNKNOWN, UNKNOWN, None),
        (UNKNOWN, PROVED, Direction.BETTER),
        (NOTHING, NOTHING, None),
        (NOTHING, REFUTED, Direction.OTHER),
    ],
)
def test_direction_of_a_changed_verdict(before: Any, after: Any, direction: Direction | None) -> None:
    found = verdict_changes([cell("node-backed", *before)], [cell("node-backed", *after)])
    assert [change.direction for change in found] == ([] if direction is None else [direction])
    if direction is Direction.WORSE and after == REFUTED:
        assert found[0].violated == ["node-backed: 1 <= 0"]
        assert found[0].trace.count("\n") == 3


def test_row_that_needs_no_condition_holds_on_it() -> None:
    conditions = ("nothing-offlined",)
    own = [cell("node-backed", *REFUTED), cell("node-backed", *PROVED, conditions)]
    found = verdict_changes([cell("node-backed", *PROVED)], own)
    assert [(change.row, change.after) for change in found] == [("node-backed", "refuted in 1 event")]
    assert not verdict_changes(own, own)


EMPTY = Review("rules.py", "mine", "claim-sets", "claim sets", [], [], "")


def row(verdict: Verdict) -> OperationResult:
    return OperationResult("mine", "alloc_heap_pages", "1x1", verdict, reason="gave up")


def change(direction: Direction) -> VerdictChange:
    return VerdictChange("node-backed", "before", "after", direction)


@pytest.mark.parametrize(
    ("found", "code", "unchanged"),
    [
        (replace(EMPTY, identical=True), 0, True),
        (replace(EMPTY, halves=[row(Verdict.PROVED)], like_base=[row(Verdict.PROVED)]), 0, True),
        (replace(EMPTY, halves=[row(Verdict.PROVED)]), 0, False),
        (replace(EMPTY, halves=[row(Verdict.PROVED)], like_base=[row(Verdict.UNKNOWN)]), 0, False),
        (replace(EMPTY, halves=[row(Verdict.UNKNOWN)], like_base=[row(Verdict.PROVED)]), 3, False),
        (replace(EMPTY, halves=[row(Verdict.REFUTED)], changes=[change(Direction.UNKNOWN)]), 1, False),
        (replace(EMPTY, changes=[change(Direction.BETTER)]), 0, False),
        (replace(EMPTY, changes=[change(Direction.OTHER)]), 0, False),
        (replace(EMPTY, changes=[change(Direction.UNKNOWN)]), 3, False),
        (replace(EMPTY, changes=[change(Direction.WORSE), change(Direction.UNKNOWN)]), 1, False),
        (replace(EMPTY, missing=["everything"]), 3, False),
    ],
)
def test_exit_code_of_a_review(found: Review, code: int, unchanged: bool) -> None:
    assert exit_code(found) == code
    assert found.is_unchanged() == unchanged
    assert answer(found)[0].startswith("No change") == unchanged


def test_unchanged_file_ends_at_once(tmp_path: Path) -> None:
    begun = call("review", "--new", "mine")
    assert begun.exit_code == 0
    path = written(tmp_path, begun.output)
    with known(path):
        found = call("review", "--no-cache", path)
        assert (found.exit_code, found.output.splitlines()[0]) == (0, "No change: mine does what claim-sets does.")
        mail = call("review", "--no-cache", "--as", "mail", path)
        assert mail.output.splitlines()[-1].endswith(f"To run it again: claimcheck review {path}")
        whole = msgspec.json.decode(call("review", "--no-cache", "--json", path).output)
        assert (whole["exit_code"], whole["review"]["identical"]) == (0, True)
        out = tmp_path / "traces"
        assert f"{out}: 0 traces" in call("review", "--no-cache", "--out", str(out), path).output


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ([], "a FILE with rules, or --new NAME to begin one"),
        (["x.py", "--new", "mine"], "--new takes --from only; it prints a file"),
        (["x.py", "--from", "claim-sets"], "--from goes with --new"),
        (["--new", "mine", "--from", "claim-set"], "no generation 'claim-set'; did you mean 'claim-sets'?"),
        (["--new", "claim-sets"], "--new claim-sets: there is such a generation; choose another name"),
        (["--new", "Mine"], "--new Mine: only lower-case letters, digits, `-` and `.`"),
        (["x.py", "--as", "mail", "--json"], "--as mail and --json: one of them"),
    ],
)
def test_wrong_use_of_review_is_one_sentence(arguments: list[str], why: str) -> None:
    found = call("review", *arguments)
    assert found.exit_code == 2
    assert why in found.output


@pytest.mark.parametrize("name", maker.there())
def test_stored_reviews_are_of_the_files(name: str) -> None:
    found = maker.stored(name).review
    with known(REVIEWS / f"{name}.py") as rules:
        assert (found.name, found.base, found.path) == (rules.name, rules.base, rules.file.path)
        assert found.rules == rule_changes(rules.base, rules.name)
        assert found.locks == lock_changes(rules.base, rules.name)
        assert not found.missing
    assert as_text(found, 76).startswith(answer(found)[0][:40])


def test_stored_reviews_end_as_they_should() -> None:
    found = {name: maker.stored(name).review for name in maker.there()}
    ends = {"offline-marks-kept": 3, "restated": 0}  # 3: two verdicts are not decided within the limits
    assert {name: exit_code(one) for name, one in found.items()} == {name: ends.get(name, 1) for name in found}
    for name, one in found.items():
        repairs = name in ("offline-marks-kept", "dying-under-the-locks")
        assert one.is_unchanged() == (name == "restated")
        assert bool(one.of_direction(Direction.BETTER)) >= repairs, name
        assert bool(one.disagreements()) == (name == "step-3-forgotten")


def test_traces_of_stored_reviews_replay_on_their_rules(tmp_path: Path) -> None:
    found = maker.stored(maker.EXAMPLE).review
    with known(REVIEWS / f"{maker.EXAMPLE}.py"):
        paths = [written(tmp_path, lines.decode(), name) for name, lines in files(found).items()]
        replayed = call("replay", *paths)
    assert len(paths) > 3
    assert replayed.exit_code == 0, replayed.output


@pytest.mark.long
def test_review_of_restated_rules_finds_no_change(tmp_path: Path) -> None:
    """All of it, in two processes."""
    done = subprocess.run(
        [Path(sys.executable).parent / "claimcheck", "review", "--no-cache", REVIEWS / "restated.py"],
        capture_output=True,
        text=True,
        env=os.environ,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("No change: restated does what claim-sets does.")
