"""What can go wrong in the design: the stored answers to the questions about it, run again on the reference.

That an answer is as short as can be is of the search that stored it; that it happens is of this run.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from proofs.evidence.replayed import lines_of, replayed
from proofs.evidence.request import CHECKOUT
from proofs.evidence.structure import AnsweredQuestion, ReplayedTrace, StatementBearing
from proofs.questions import claim_sets
from proofs.questions.question import Question, QuestionAnswer, StoredQuestion, shown_by
from proofs.questions.question import lines_of as recorded_lines
from reference.status import HypervisorCrash, MisuseError

QUESTIONS: dict[str, Question] = {f"{q.semantics}/questions/{q.name}": q for q in claim_sets.QUESTIONS.values()}
"""By the name of their trace."""


def answered_questions() -> list[AnsweredQuestion]:
    """Every question about the design."""
    return [_stored(name, question) for name, question in QUESTIONS.items()]


def rechecked(answers: Iterable[AnsweredQuestion]) -> list[AnsweredQuestion]:
    """Answers from a file, their traces run again."""
    return [
        _answered(a.name, QUESTIONS[a.name], lines_of(a.trace)) if a.trace else _stored(a.name, QUESTIONS[a.name])
        for a in answers
    ]


def _stored(name: str, question: Question) -> AnsweredQuestion:
    path = CHECKOUT / question.path
    if path.exists():
        return _answered(name, question, path.read_bytes())
    nothing = ReplayedTrace(0, 0, f"{question.path} is not here", {})
    return AnsweredQuestion(name, question.semantics, question.asks, "", [], nothing, _bearing(question))


def _answered(name: str, question: Question, lines: bytes) -> AnsweredQuestion:
    found = StoredQuestion(question, lines)
    try:
        shows = shown_by(question, found)
        recorded = recorded_lines(question, QuestionAnswer(found.nodes, found.events, shows))
        trace = [msgspec.json.decode(line) for line in recorded.splitlines()]
    except (MisuseError, HypervisorCrash, KeyError) as error:
        shows, trace = "", [{"cannot be run": str(error)}]
    return AnsweredQuestion(name, question.semantics, question.asks, shows, trace, replayed(lines), _bearing(question))


def _bearing(question: Question) -> list[StatementBearing]:
    return [msgspec.convert(vars(one), StatementBearing) for one in question.bears_on]
