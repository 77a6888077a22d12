"""Every statement of the design, judged by what was run: obligations, tests and findings that bear on it."""

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
from proofs.evidence.structure import (
    Bearing,
    DesignStatements,
    Findings,
    Matrix,
    NotRun,
    Obligations,
    OneTest,
    RunTests,
    Statement,
    StatementVerdict,
    VerdictName,
)
from proofs.evidence.tested import FAILED, PASSED
from proofs.matrix.other_rows import OTHER_ROWS
from proofs.matrix.rows import DESIGN
from proofs.obligations.obligation import AUXILIARY
from proofs.obligations.suite import lacking, places

PROVED: Final = "proved"
CONDITIONAL: Final = "holds on conditions"
TESTED: Final = "holds in tests"
REFUTED: Final = "refuted"
UNKNOWN: Final = "unknown"
NOT_CHECKED: Final = "not checked"
Answers = dict[tuple[str, bool], list[VerdictName]]


class StatementException(Struct, forbid_unknown_fields=True):
    """Something that a statement does not hold for, and the test that shows it."""

    text: str
    shown_by: str


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
    matrix: Matrix | NotRun,
    obligations: Obligations | NotRun,
    tests: RunTests | NotRun,
    findings: Findings | NotRun,
) -> DesignStatements:
    """The verdict on each statement, from what was run; a part that was not run leaves it not checked."""
    started = time.perf_counter()
    answers = _answers(matrix, obligations)
    outcomes = {t.id: t for t in tests.tests} if isinstance(tests, RunTests) else {}
    found = findings.findings if isinstance(findings, Findings) else []
    traces = {f.property: f.name for f in found if f.semantics == DESIGN and not f.conditions}
    all_ = [_judged(name, promise, answers, outcomes, traces) for name, promise in promises().items()]
    return DesignStatements(statements=all_, seconds=time.perf_counter() - started)


def _answers(matrix: Matrix | NotRun, obligations: Obligations | NotRun) -> Answers:
    """Of each part of a property, with its conditions if it has any and without: what its obligations gave.

    What is no formula has no obligations: its cell of the matrix speaks for it.
    """
    found: Answers = {}
    if isinstance(obligations, Obligations):
        for result in obligations.results:
            semantics, prop = result.name.split("/")[:2]
            if semantics not in AUXILIARY:
                found.setdefault((prop.partition("+")[0], result.claimed), []).append(result.verdict)
    if isinstance(matrix, Matrix):
        for cell in matrix.cells:
            if cell.semantics == DESIGN and cell.property in OTHER_ROWS and cell.promised:
                found[cell.property, True] = [cell.verdict]
    return found


def _judged(
    name: str,
    promise: DesignStatement,
    answers: Answers,
    outcomes: dict[str, OneTest],
    traces: dict[str, str],
) -> Statement:
    properties = bearing_on(name)
    bearing = [_bearing(prop, answers[prop, True]) for prop in properties if (prop, True) in answers]
    needed = [c for b in bearing for c in b.conditions if "refuted" in answers.get((b.property, False), [])]
    conditions = [CONDITIONS[c].sentence for c in dict.fromkeys(needed)]
    conditions += [f"except: {e.text}" for e in promise.exceptions if _passed(outcomes.get(e.shown_by))]
    asked = [*promise.tests, *(e.shown_by for e in promise.exceptions)]
    tests = [outcomes[t] for t in asked if t in outcomes]
    not_run = [p for p in properties if (p, True) not in answers] + [t for t in asked if t not in outcomes]
    verdict, reason = _verdict(bearing, tests, not_run, bool(conditions))
    findings = [traces[p] for p in properties if p in traces]
    return Statement(name, promise.text, verdict, reason, bearing, tests, findings, conditions)


def _verdict(
    bearing: list[Bearing], tests: list[OneTest], not_run: list[str], conditional: bool
) -> tuple[StatementVerdict, str]:
    failed = [b.property for b in bearing if b.refuted] + [t.id for t in tests if t.outcome == FAILED]
    undecided = [b.property for b in bearing if b.unknown]
    not_run = not_run + [t.id for t in tests if t.outcome not in (PASSED, FAILED)]
    if failed:
        return REFUTED, "; ".join(failed)
    if undecided:
        return UNKNOWN, "; ".join(undecided)
    if not_run or not (bearing or tests):
        return NOT_CHECKED, f"not run: {'; '.join(not_run)}" if not_run else "nothing bears on it"
    if conditional:
        return CONDITIONAL, ""
    return (PROVED if bearing else TESTED), ""


def _bearing(prop: str, verdicts: list[VerdictName]) -> Bearing:
    counts = Counter(verdicts)
    conditions = list(GENERATIONS[DESIGN].conditions_of(PROPERTIES[prop])) if prop in PROPERTIES else []
    return Bearing(prop, conditions, counts["proved"], counts["refuted"], counts["unknown"])


def _passed(test: OneTest | None) -> bool:
    return test is not None and test.outcome == PASSED
