"""What a run amounts to: failures, what is open, and the exit code."""

from __future__ import annotations

from proofs.evidence.collect import interrupted
from proofs.evidence.statements import NOT_CHECKED
from proofs.evidence.statements import REFUTED as STATEMENT_REFUTED
from proofs.evidence.statements import UNKNOWN as STATEMENT_UNKNOWN
from proofs.evidence.structure import Evidence, NotRun
from proofs.evidence.tested import FAILED, PASSED
from proofs.exit_codes import INCOMPLETE, OK, REFUTED
from proofs.matrix.other_rows import matrix_ids
from proofs.prover.verdict import Verdict


def failures(evidence: Evidence) -> list[str]:
    """What is not as claimed."""
    found: list[str] = []
    if not isinstance(evidence.matrix, NotRun):
        cells = evidence.matrix.cells
        found += [f"refuted: {c.name}" for c in cells if c.promised and c.verdict == Verdict.REFUTED.value]
    if not isinstance(evidence.findings, NotRun):
        wrong = [f for f in evidence.findings.findings if f.replay.divergence]
        found += [f"the reference does not reproduce: {f.name}: {f.replay.divergence}" for f in wrong]
    if not isinstance(evidence.obligations, NotRun):
        results = evidence.obligations.results
        found += [f"refuted: {r.name}" for r in results if r.claimed and r.verdict == Verdict.REFUTED.value]
    if not isinstance(evidence.conformance, NotRun):
        found += [f"diverged: {text}" for file in evidence.conformance.files for text in file.divergences]
    if not isinstance(evidence.tests, NotRun):
        found += [f"failed: {test.id}" for test in evidence.tests.tests if test.outcome == FAILED]
    if not isinstance(evidence.statements, NotRun):
        refuted = [s for s in evidence.statements.statements if s.verdict == STATEMENT_REFUTED]
        found += [f"refuted: {s.id}: {s.reason}" for s in refuted]
    found += [f"not as claimed: {n}" for n, s in evidence.further.items() if not isinstance(s, NotRun) and not s.ok]
    return found


def open_points(evidence: Evidence) -> list[str]:
    """What was asked for and not decided."""
    found: list[str] = []
    if interrupted(evidence):
        found.append("interrupted: what was not finished is shown as not run")
    if not isinstance(evidence.matrix, NotRun):
        unknown = [c for c in evidence.matrix.cells if c.verdict == Verdict.UNKNOWN.value]
        found += [f"unknown: {c.name}: {c.reason}" for c in unknown]
    if not isinstance(evidence.obligations, NotRun):
        results = evidence.obligations.results
        found += [f"unknown: {r.name}: {r.reason}" for r in results if r.verdict == Verdict.UNKNOWN.value]
    if not isinstance(evidence.guards, NotRun):
        for guard in evidence.guards.transitions:
            found += [f"vacuous: {name}" for name in guard.vacuous]
            found += [f"unknown whether vacuous: {name}" for name in guard.undecided]
    if not isinstance(evidence.tests, NotRun):
        found += [f"{t.outcome}: {t.id}" for t in evidence.tests.tests if t.outcome not in (PASSED, FAILED)]
    if not isinstance(evidence.statements, NotRun):
        bad = [STATEMENT_UNKNOWN] + ([NOT_CHECKED] if _all_asked(evidence) else [])
        unsettled = [s for s in evidence.statements.statements if s.verdict in bad]
        found += [f"{s.verdict}: {s.id}: {s.reason}" for s in unsettled]
    return found


def _all_asked(evidence: Evidence) -> bool:
    """Nothing was left out on purpose that a statement rests on."""
    return evidence.run.properties == matrix_ids() and not evidence.run.without


def exit_code(evidence: Evidence) -> int:
    """1 if anything is not as claimed; else 3 if anything is open; else 0."""
    if failures(evidence):
        return REFUTED
    return INCOMPLETE if open_points(evidence) else OK
