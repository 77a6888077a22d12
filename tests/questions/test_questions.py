"""The questions: each stored trace happens, is as short as a fresh search finds, and is what the documents show."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from docs._make.blocks import renewed
from docs._make.host_check import claims
from docs._make.questions import BLOCKS, DOCUMENTS, QUESTIONS, main, smallest
from proofs.matrix.findings import measure
from proofs.matrix.rows import MatrixRow
from proofs.prover.verdict import Verdict
from proofs.questions import claim_sets
from proofs.questions.contrast import contrast
from proofs.questions.question import StoredQuestion, UnansweredQuestionError, answer, lines_of, still_shown, write
from proofs.questions.variants import ASKED, GRID, LIMIT, judge, stored
from proofs.replay import replay_trace
from proofs.review.lock_costs import OPERATIONS, locks_taken
from proofs.traces import read_traces
from tests.sampled import sampled

SLOW = {"used-up-elsewhere", "offlined-page-costs-another"}
FILES = sorted(Path("tests/data/findings").glob("*/questions/*.jsonl"))


def test_every_stored_trace_answers_a_question() -> None:
    assert {question.path for question in QUESTIONS.values()} == set(FILES)


@pytest.mark.parametrize("name", QUESTIONS)
def test_reference_reproduces_the_stored_trace(name: str) -> None:
    found = StoredQuestion(QUESTIONS[name])
    (result,) = [replay_trace(trace, check_locks=True) for trace in read_traces(QUESTIONS[name].path)]
    assert result.divergence is None
    assert sorted(result.broken) == found.breaks
    assert still_shown(QUESTIONS[name]) == found.shows != ""


@pytest.mark.parametrize("name", sampled(QUESTIONS, keep=[n for n in QUESTIONS if n not in SLOW][::4]))
def test_fresh_search_finds_no_shorter_trace(name: str) -> None:
    question = QUESTIONS[name]
    assert measure(lines_of(question, answer(question))) == measure(question.path.read_bytes())


@pytest.mark.parametrize(
    "name", ["limit-lowered-under-a-claim", "claimed-while-in-limbo", "dead-domain-holds-memory", "redeemed-in-vain"]
)
def test_hardened_claim_sets_prevent_the_trace(name: str) -> None:
    question = QUESTIONS[name]
    with pytest.raises(UnansweredQuestionError, match=name):
        answer(replace(question, semantics=claim_sets.HARDENED, depth=len(StoredQuestion(question).events)))


def test_missing_trace_is_written_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    question = QUESTIONS["limit-lowered-under-a-claim"]
    monkeypatch.setattr("proofs.questions.question.FOLDER", tmp_path)
    assert write([question], only_say=True) == [question.path]
    assert not question.path.exists()
    assert write([question]) == [question.path]
    assert write([question]) == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=str)
def test_documents_show_the_stored_answers(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("<!-- generated: ") > 10
    assert renewed(text, BLOCKS) == text, "run python -m docs._make.questions"


def test_every_question_is_in_a_document() -> None:
    shown = "".join(path.read_text(encoding="utf-8") for path in DOCUMENTS)
    assert [name for name in BLOCKS if f"<!-- generated: {name} -->" not in shown] == []


def test_stale_documents_are_noticed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BLOCKS, "locks", lambda: "nothing")
    assert main(["--check"]) == 1
    assert capsys.readouterr().out == f"not up to date: {DOCUMENTS[0]}\n"


def test_limit_needs_exactly_three_changes() -> None:
    assert smallest(MatrixRow("entitlement")) == [{"limbo-counted", "low-limit-refused", "charged-at-alloc"}]
    assert [(v.semantics, MatrixRow(v.part, v.conditions)) for v in stored()] == [
        (n, r) for n, of in ASKED.items() for r in of
    ]
    assert [(v.semantics, v.part) for v in stored() if v.mark == "?"] == []
    assert len(GRID) == 24


@pytest.mark.long
def test_fresh_verdicts_match_the_stored_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "claim-sets+limbo-counted+low-limit-refused"
    monkeypatch.setitem(ASKED, name, (MatrixRow("entitlement"), LIMIT[1]))
    rows = {row.part for row in ASKED[name]}
    assert judge(name) == [v for v in stored() if v.semantics == name and v.part in rows]


def test_the_two_host_checks_are_compared_by_proof() -> None:
    assert {claim.verdict for claim in claims()} == {Verdict.PROVED}


def test_contrast_shows_the_first_difference() -> None:
    events = list(StoredQuestion(QUESTIONS["limit-lowered-under-a-claim"]).events)
    found = contrast((1,), events, "claim-sets", claim_sets.HARDENED)
    assert (found.differs_at, found.op, found.ends) == (3, "set_max_pages", "d0 max_pages is 1, not 0")
    assert contrast((1,), events, "claim-sets", "claim-sets-v3").differs_at == 0
    found = contrast((1,), events, "claim-sets", "legacy-2013")
    assert (found.differs_at, found.ends) == (2, "legacy-2013 has no claim sets")


def test_lock_cost_of_hardening_matches_the_document() -> None:
    costs = {o: [locks_taken(s, o) for s in ("claim-sets", claim_sets.HARDENED)] for o in OPERATIONS}
    assert {o for o, (before, after) in costs.items() if before != after} == {
        "free_domheap_pages",
        "XEN_DOMCTL_max_mem",
    }


@pytest.mark.long
def test_fresh_run_gives_the_documents() -> None:
    assert main(["--check", "--search"]) == 0


def test_page_for_reviewers_is_below_1200_words() -> None:
    text = re.sub(r"```.*?```|<!--.*?-->|^\|.*?$", "", DOCUMENTS[1].read_text(encoding="utf-8"), flags=re.S | re.M)
    assert len(text.split()) < 1200  # 240 words a minute
