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

from model.conditions import CONDITIONS
from model.properties import PROPERTIES
from model.semantics import SEMANTICS
from proofs.evidence.structure import (
    Bearing,
    Findings,
    NotRun,
    Obligations,
    OneTest,
    Proof,
    RunTests,
    Statement,
    Statements,
    StatementVerdict,
)
from proofs.evidence.tested import FAILED, PASSED
from proofs.matrix.rows import DESIGN
from proofs.obligations.obligation import AUXILIARY
from proofs.prover.verdict import Verdict

PROVED: Final = "proved"
CONDITIONAL: Final = "holds on conditions"
TESTED: Final = "holds in tests"
REFUTED: Final = "refuted"
UNKNOWN: Final = "unknown"
NOT_CHECKED: Final = "not checked"


class Shown(Struct, forbid_unknown_fields=True):
    """Something that a statement does not hold for, and the test that shows it."""

    text: str
    shown_by: str


class Promise(Struct, forbid_unknown_fields=True):
    """A statement of the design, and the tests that bear on it."""

    text: str
    tests: list[str] = []
    exceptions: list[Shown] = []


@cache
def promises() -> dict[str, Promise]:
    """All statements by id."""
    text = (files(__package__) / "statements.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), dict[str, Promise])


def named_tests() -> list[str]:
    """Every test that bears on a statement, once."""
    return sorted({t for p in promises().values() for t in (*p.tests, *(e.shown_by for e in p.exceptions))})


def bearing_on(statement: str) -> list[str]:
    """The parts of properties that name the statement."""
    return [p.name for p in PROPERTIES.values() if statement in p.statements]


def judged(
    obligations: Obligations | NotRun, tests: RunTests | NotRun, findings: Findings | NotRun
) -> Statements | NotRun:
    """The verdict on each statement, from what was run; a part that was not run leaves it not checked."""
    started = time.perf_counter()
    by_property: dict[tuple[str, bool], list[Proof]] = {}
    if isinstance(obligations, Obligations):
        for result in obligations.results:
            semantics, prop = result.name.split("/")[:2]
            if semantics not in AUXILIARY:
                by_property.setdefault((prop.partition("+")[0], result.claimed), []).append(result)
    outcomes = {t.id: t for t in tests.tests} if isinstance(tests, RunTests) else {}
    found = findings.findings if isinstance(findings, Findings) else []
    traces = {f.property: f.name for f in found if f.semantics == DESIGN and not f.conditions}
    all_ = [_judged(name, promise, by_property, outcomes, traces) for name, promise in promises().items()]
    return Statements(statements=all_, seconds=time.perf_counter() - started)


def _judged(
    name: str,
    promise: Promise,
    results: dict[tuple[str, bool], list[Proof]],
    outcomes: dict[str, OneTest],
    traces: dict[str, str],
) -> Statement:
    properties = bearing_on(name)
    bearing = [_bearing(prop, results[prop, True]) for prop in properties if (prop, True) in results]
    needed = [c for b in bearing for c in b.conditions if _refuted(results.get((b.property, False), []))]
    conditions = [CONDITIONS[c].sentence for c in dict.fromkeys(needed)]
    conditions += [f"except: {e.text}" for e in promise.exceptions if _passed(outcomes.get(e.shown_by))]
    asked = [*promise.tests, *(e.shown_by for e in promise.exceptions)]
    tests = [outcomes[t] for t in asked if t in outcomes]
    not_run = [p for p in properties if (p, True) not in results] + [t for t in asked if t not in outcomes]
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


def _bearing(prop: str, results: list[Proof]) -> Bearing:
    counts = Counter(result.verdict for result in results)
    conditions = list(SEMANTICS[DESIGN].conditional.get(PROPERTIES[prop].id, ()))
    verdicts = (Verdict.PROVED, Verdict.REFUTED, Verdict.UNKNOWN)
    return Bearing(prop, conditions, *(counts[v.value] for v in verdicts))


def _refuted(results: list[Proof]) -> bool:
    """Without its conditions it fails: they are needed."""
    return any(result.verdict == Verdict.REFUTED.value for result in results)


def _passed(test: OneTest | None) -> bool:
    return test is not None and test.outcome == PASSED
