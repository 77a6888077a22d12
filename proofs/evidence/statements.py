"""Every statement of the design, judged by what was run: where proofs, tests and findings on it meet.

A property names the statements that it bears on; a question names the statements that its trace contradicts. The
report, the documents and `claimcheck verify` all show the verdict that is computed here.
"""

from __future__ import annotations

import time
import tomllib
from collections import Counter
from functools import cache
from importlib.resources import files
from typing import Final

import msgspec
from msgspec import Struct

from model.named import GENERATIONS
from model.properties import PROPERTIES
from model.properties.conditions import CONDITIONS
from proofs.evidence.parts import about
from proofs.evidence.structure import (
    AnsweredQuestion,
    CounterEvidence,
    DesignStatements,
    Findings,
    HowItBears,
    Matrix,
    ObligationBearing,
    Obligations,
    SkippedSection,
    Statement,
    StatementBearing,
    StatementTest,
    StatementTests,
    StatementVerdict,
    VerdictName,
)
from proofs.evidence.tested import FAILED, PASSED
from proofs.matrix.other_rows import OTHER_ROWS
from proofs.matrix.rows import DESIGN
from proofs.obligations.obligation import AUXILIARY
from proofs.obligations.suite import lacking, places
from proofs.questions.bearing import CONTRADICTS
from proofs.refinement.premises import in_words

PROVED: Final = "proved"
PROVED_IF: Final = "proved if"
TESTED: Final = "holds in tests"
TESTED_IF: Final = "holds in tests if"
REFUTED: Final = "refuted"
UNKNOWN: Final = "unknown"
NOT_CHECKED: Final = "not checked"


class StatementException(Struct, forbid_unknown_fields=True):
    """Something that a statement does not hold for, and the test that shows it; no trace is stored of it."""

    text: str
    shown_by: str
    how: HowItBears = "qualifies"


class DesignStatement(Struct, forbid_unknown_fields=True):
    """A statement of the design, and the tests that bear on it."""

    text: str
    tests: list[str] = []
    exceptions: list[StatementException] = []


@cache
def promises() -> dict[str, DesignStatement]:
    """All statements by id."""
    text = (files(__package__) / "statements.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), dict[str, DesignStatement])


def named_tests() -> list[str]:
    """Every test that bears on a statement, once."""
    return sorted({t for p in promises().values() for t in (*p.tests, *(e.shown_by for e in p.exceptions))})


def bearing_on(statement: str) -> list[str]:
    """The parts of properties that name the statement and say something about the design."""
    design = GENERATIONS[DESIGN]
    parts = [p for p in PROPERTIES.values() if statement in p.statements and not lacking(p, design)]
    others = [row.part for row in OTHER_ROWS.values() if statement in row.statements]
    return [p.name for p in parts if places(p, design)] + others


def judged(
    matrix: Matrix | SkippedSection,
    obligations: Obligations | SkippedSection,
    tests: StatementTests | SkippedSection,
    findings: Findings | SkippedSection,
) -> DesignStatements:
    """The verdict on each statement, from what was run; a part that was not run leaves it not checked."""
    started = time.perf_counter()
    judges = _Judge(matrix, obligations, tests, findings)
    all_ = [judges.judge(name, promise) for name, promise in promises().items()]
    return DesignStatements(statements=all_, seconds=time.perf_counter() - started)


class _Judge:
    """What was run, by what it bears on."""

    def __init__(
        self,
        matrix: Matrix | SkippedSection,
        obligations: Obligations | SkippedSection,
        tests: StatementTests | SkippedSection,
        findings: Findings | SkippedSection,
    ) -> None:
        cells = matrix.cells if isinstance(matrix, Matrix) else []
        self.cells = {(c.property, tuple(c.conditions)): c.verdict for c in cells if c.semantics == DESIGN}
        self.counts: dict[str, Counter[VerdictName]] = {}
        if isinstance(obligations, Obligations):
            for result in obligations.results:
                semantics, prop = result.name.split("/")[:2]
                if semantics not in AUXILIARY and result.claimed:
                    self.counts.setdefault(prop.partition("+")[0], Counter())[result.verdict] += 1
        self.outcomes = {t.id: t for t in tests.tests} if isinstance(tests, StatementTests) else {}
        self.traces, self.answers = [], []
        if isinstance(findings, Findings):
            self.traces = [f for f in findings.findings if f.semantics == DESIGN and not f.conditions]
            self.answers = findings.answers

    def judge(self, name: str, promise: DesignStatement) -> Statement:
        """The verdict on one statement, and what it rests on."""
        found = [self._bearing(part) for part in bearing_on(name) if self.counts or not _is_support(part)]
        bearing = [one for one in found if not isinstance(one, str)]
        asked = [*promise.tests, *(e.shown_by for e in promise.exceptions)]
        answers = [(a, b) for a in self.answers for b in a.bears_on if b.statement == name]
        judged_ = Statement(
            id=name,
            text=promise.text,
            verdict=NOT_CHECKED,
            reason="",
            failed=[b.property for b in bearing if b.refuted or b.verdict == "refuted"],
            obligations=bearing,
            tests=[self.outcomes[t] for t in asked if t in self.outcomes],
            findings=[f.name for f in self.traces if f.property in {b.property for b in bearing}],
            conditions=list(dict.fromkeys(text for b in bearing for text in _in_words(b))),
            against=[self._against(a, b, bearing) for a, b in answers if _shown(a)],
        )
        judged_.failed += [t.id for t in judged_.tests if t.outcome == FAILED]
        judged_.against += [
            CounterEvidence(e.how, e.text, e.shown_by, "", False)
            for e in promise.exceptions
            if _passed(self.outcomes.get(e.shown_by))
        ]
        missing = [one for one in found if isinstance(one, str)] + [t for t in asked if t not in self.outcomes]
        missing += [a.name for a, _ in answers if not _shown(a)]
        judged_.verdict, judged_.reason = _verdict(judged_, missing)
        return judged_

    def _bearing(self, part: str) -> ObligationBearing | str:
        """What is known of a part of a property: without conditions or, without a proof, on those of its promise.

        Its name, if it was not judged.
        """
        promised = GENERATIONS[DESIGN].conditions_of(PROPERTIES[part]) if part in PROPERTIES else ()
        counts = self.counts.get(part, Counter())
        if _is_support(part):
            verdict: VerdictName | None = next((v for v in _WORST if counts[v]), None)
            conditions = promised
        else:
            plain = self.cells.get((part, ()))
            conditions = () if plain == "proved" or not promised else promised
            verdict = self.cells.get((part, conditions))
        if verdict is None:
            return part
        premises = list(in_words(part, DESIGN))
        return ObligationBearing(
            part, verdict, list(conditions), premises, counts["proved"], counts["refuted"], counts["unknown"]
        )

    @staticmethod
    def _against(
        answer: AnsweredQuestion, bears: StatementBearing, bearing: list[ObligationBearing]
    ) -> CounterEvidence:
        """A trace that violates a property is excluded by the conditions on which that property is proved."""
        broken = set(answer.replay.broken)
        excluded = any(b.conditions and b.verdict == "proved" and about(b.property).id in broken for b in bearing)
        return CounterEvidence(bears.how, answer.asks, answer.name, bears.by, excluded)


def _is_support(part: str) -> bool:
    """An invariant for the sake of others: it has obligations, and no row of the matrix."""
    return part in PROPERTIES and PROPERTIES[part].support


_WORST: tuple[VerdictName, ...] = ("refuted", "unknown", "proved")


def _in_words(bearing: ObligationBearing) -> list[str]:
    """The conditions and premises of what bears on a statement."""
    premises = [f"where two calls are compared ({bearing.property}), {', '.join(bearing.premises)}"]
    return [
        *(CONDITIONS[c].sentence.rstrip(".") for c in bearing.conditions),
        *(premises if bearing.premises else []),
    ]


def _verdict(found: Statement, missing: list[str]) -> tuple[StatementVerdict, str]:
    undecided = [b.property for b in found.obligations if b.unknown or b.verdict == "unknown"]
    not_run = missing + [t.id for t in found.tests if t.outcome not in (PASSED, FAILED)]
    contradicted = [a.shown_by for a in found.against if a.how == CONTRADICTS and not a.excluded]
    proofs = [b for b in found.obligations if b.verdict == "proved"]
    if found.failed:
        return REFUTED, "; ".join(found.failed)
    if undecided:
        return UNKNOWN, "; ".join(undecided)
    if not_run or not (proofs or found.tests):
        return NOT_CHECKED, f"not run: {'; '.join(not_run)}" if not_run else "nothing bears on it"
    if contradicted:
        return REFUTED, f"contradicted by {'; '.join(contradicted)}"
    if found.conditions or found.against:
        return (PROVED_IF if proofs else TESTED_IF), ""
    return (PROVED if proofs else TESTED), ""


def _shown(answer: AnsweredQuestion) -> bool:
    """The trace happens on the reference, every counter as it is stored, and shows what it is said to show."""
    return bool(answer.shows) and not answer.replay.divergence


def worded(statement: Statement) -> str:
    """The verdict as it is shown everywhere: with the conditions on which it holds, and with what speaks against it."""
    text: str = statement.verdict.removesuffix(" if")
    if statement.reason:
        text += f" ({statement.reason})"
    if statement.conditions:
        holds = "; what is proved of it holds" if statement.verdict == REFUTED else ""
        text += f"{holds} if {'; '.join(statement.conditions)}"
    if statement.against:
        text += f", except: {'; '.join(map(exception, statement.against))}"
    return text


def exception(against: CounterEvidence) -> str:
    """Where a statement does not hold, what shows it, and whether the conditions exclude it."""
    by = f", as {against.by} says" if against.by else ""
    excluded = ", excluded by the conditions" if against.excluded else ""
    return f"{against.text.rstrip('.')} [{against.how} it{by}{excluded}: {against.shown_by}]"


def _passed(test: StatementTest | None) -> bool:
    return test is not None and test.outcome == PASSED
