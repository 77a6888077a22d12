"""The section "second solver": the design's obligations, for any host and on a bounded one, decided by cvc5 as well."""

from __future__ import annotations

import time

from proofs.evidence.request import NOT_REQUESTED, SETTINGS, EvidenceRequest
from proofs.evidence.structure import EvidenceTable, SkippedSection, Tables
from proofs.matrix.rows import DESIGN
from proofs.obligations.obligation import PARAMETRIC, bounded
from proofs.obligations.suite import suite
from proofs.prover.cross_check import AGREE, CrossCheckResult, by_kind, cross_check, questions
from proofs.prover.pool import consistent, run
from proofs.prover.second_solver import MissingSolverError, cvc5_limits, cvc5_version, needs_cvc5
from proofs.prover.verdict import Settings

BOUNDED = bounded(2, 2)
_PROVER = Settings(rlimit=SETTINGS.rlimit, seed=SETTINGS.seed, cores=False)


def collected(request: EvidenceRequest) -> Tables | SkippedSection:
    """Every question put to both. Ctrl-C raises KeyboardInterrupt: a part of them would look whole."""
    if DESIGN not in request.semantics:
        return SkippedSection(NOT_REQUESTED)
    try:
        needs_cvc5()
    except MissingSolverError as error:
        return SkippedSection(str(error))
    started = time.perf_counter()
    obligations = suite([DESIGN], request.properties, [PARAMETRIC, BOUNDED])
    rest, interrupted = run([o for o in obligations if o.name not in request.proved], _PROVER, request.jobs)
    by_name = request.proved | {result.name: result for result in rest}
    results = consistent([by_name[o.name] for o in obligations if o.name in by_name])
    asked = questions(obligations, results)
    found = (
        []
        if interrupted
        else cross_check(asked, SETTINGS, request.jobs, lambda done: request.progress("cross-check", done, len(asked)))
    )
    if interrupted or len(found) < len(asked):
        raise KeyboardInterrupt
    section = as_tables(found)
    section.seconds = time.perf_counter() - started
    return section


def as_tables(found: list[CrossCheckResult]) -> Tables:
    """Counts by kind of question; and what is not agreed on, by name."""
    groups = by_kind(found)
    limits = ", ".join(f"{name} {value}" for name, value in cvc5_limits(SETTINGS).items())
    counts = EvidenceTable(
        name="Questions put to Z3 and to cvc5",
        columns=["hosts", "questions", "both unsat", "both sat", "undecided by cvc5", "by cvc5 alone", "disagree"],
        rows=[
            [kind, *(str(n) for n in (s.questions, s.unsat, s.sat, s.undecided, s.alone, s.disagree))]
            for kind, s in groups.items()
        ],
        note=f"cvc5 {cvc5_version()}: {limits}",
        seconds={
            "Z3": sum(s.z3_seconds for s in groups.values()),
            "cvc5": sum(s.cvc5_seconds for s in groups.values()),
        },
    )
    rest = [one for one in found if one.outcome != AGREE]
    named = EvidenceTable(
        name="Not agreed on",
        columns=["question", "outcome", "Z3", "cvc5"],
        rows=[[one.name, one.outcome, one.z3.answer, one.cvc5.answer] for one in rest],
    )
    return Tables(tables=[counts, *([named] if rest else [])], ok=not rest)
