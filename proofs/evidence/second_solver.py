"""The section "second solver": the design's obligations, for any host and on a bounded one, decided by cvc5 as well."""

from __future__ import annotations

import hashlib
import time

from proofs.evidence.kept import PartedSection
from proofs.evidence.request import NOT_REQUESTED, SETTINGS, EvidenceRequest
from proofs.evidence.structure import EvidenceTable, SkippedSection, Tables
from proofs.matrix.other_rows import matrix_ids
from proofs.matrix.rows import DESIGN
from proofs.obligations.obligation import PARAMETRIC, bounded
from proofs.obligations.suite import suite
from proofs.prover.cross_check import AGREE, CrossCheckResult, by_kind, cross_check, questions
from proofs.prover.pool import consistent, run
from proofs.prover.second_solver import MissingSolverError, cvc5_limits, cvc5_version, needs_cvc5
from proofs.prover.verdict import Settings

NAME = "cross-check"
SHARE, NTH = 4, "fourth"
"""Of the obligations, every so many is put to both in every report."""
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
    return SECTION.collected(request)


def _crossed(request: EvidenceRequest, share: int) -> Tables:
    """:param share: 1 for all obligations, N for every Nth"""
    started = time.perf_counter()
    obligations = suite([DESIGN], request.properties, [PARAMETRIC, BOUNDED])[::share]
    rest, interrupted = run([o for o in obligations if o.name not in request.proved], _PROVER, request.jobs)
    by_name = request.proved | {result.name: result for result in rest}
    results = consistent([by_name[o.name] for o in obligations if o.name in by_name])
    asked = questions(obligations, results)
    found = (
        []
        if interrupted
        else cross_check(asked, SETTINGS, request.jobs, lambda done: request.progress(NAME, done, len(asked)))
    )
    if interrupted or len(found) < len(asked):
        raise KeyboardInterrupt
    section = as_tables(found)
    section.seconds = time.perf_counter() - started
    return section


SECTION = PartedSection(
    name=NAME,
    part_is=f"a {NTH} of the obligations: every {NTH} one of the list",
    is_all=lambda request: request.properties == matrix_ids(),
    whole=lambda request: _crossed(request, 1),
    part=lambda request: _crossed(request, SHARE),
)


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
        note=f"cvc5 {cvc5_version()}: {limits}; SHA-256 of all texts: {_texts(found)}",
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


def _texts(found: list[CrossCheckResult]) -> str:
    """The beginning of one hash for the questions, by name, as they were put."""
    lines = sorted(f"{one.name} {one.sha256}" for one in found)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]
