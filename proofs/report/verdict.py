"""What a run amounts to: failures, what is open, and the exit code."""

from __future__ import annotations

from collections.abc import Iterator

from proofs.evidence.collect import CORE, interrupted
from proofs.evidence.statements import NOT_CHECKED
from proofs.evidence.statements import UNKNOWN as STATEMENT_UNKNOWN
from proofs.evidence.structure import Evidence, SkippedSection, Tables
from proofs.evidence.tested import FAILED, PASSED
from proofs.evidence.verify import stored_sections
from proofs.exit_codes import INCOMPLETE, OK, REFUTED
from proofs.matrix.other_rows import matrix_ids
from proofs.prover.verdict import Verdict


def failures(evidence: Evidence) -> list[str]:
    """What is not as claimed. That a trace refutes a statement of the design is a finding, and no failure."""
    found: list[str] = []
    if not isinstance(evidence.matrix, SkippedSection):
        cells = evidence.matrix.cells
        found += [f"refuted: {c.name}" for c in cells if c.promised and c.verdict == Verdict.REFUTED.value]
    if not isinstance(evidence.findings, SkippedSection):
        wrong = [f for f in evidence.findings.findings if f.replay.divergence]
        found += [f"the reference does not reproduce: {f.name}: {f.replay.divergence}" for f in wrong]
        answers = [q for q in evidence.findings.answers if q.trace and (q.replay.divergence or not q.shows)]
        found += [f"the reference does not reproduce: {q.name}: {q.replay.divergence or q.asks}" for q in answers]
    if not isinstance(evidence.obligations, SkippedSection):
        results = evidence.obligations.results
        found += [f"refuted: {r.name}" for r in results if r.claimed and r.verdict == Verdict.REFUTED.value]
    if not isinstance(evidence.conformance, SkippedSection):
        found += [f"diverged: {text}" for file in evidence.conformance.files for text in file.divergences]
    if not isinstance(evidence.tests, SkippedSection):
        found += [f"failed: {test.id}" for test in evidence.tests.tests if test.outcome == FAILED]
    if not isinstance(evidence.statements, SkippedSection):
        failed = [s for s in evidence.statements.statements if s.failed]
        found += [f"refuted: {s.id}: {'; '.join(s.failed)}" for s in failed]
    found += [
        f"not as claimed: {n}" for n, s in evidence.further.items() if not isinstance(s, SkippedSection) and not s.ok
    ]
    return found


def open_points(evidence: Evidence) -> list[str]:
    """What was requested and not decided."""
    found: list[str] = []
    if interrupted(evidence):
        found.append("interrupted: what was not finished is shown as not run")
    if not isinstance(evidence.findings, SkippedSection):
        found += [q.replay.divergence for q in evidence.findings.answers if not q.trace]
    if not isinstance(evidence.matrix, SkippedSection):
        run = evidence.matrix.stored
        if run is not None and run.older:
            found.append(f"matrix: stored on {run.day}, of older code ({run.code}): --no-cache judges it again")
        unknown = [c for c in evidence.matrix.cells if c.verdict == Verdict.UNKNOWN.value]
        found += [f"unknown: {c.name}: {c.reason}" for c in unknown]
    if not isinstance(evidence.obligations, SkippedSection):
        results = evidence.obligations.results
        found += [f"unknown: {r.name}: {r.reason}" for r in results if r.verdict == Verdict.UNKNOWN.value]
    if not isinstance(evidence.guards, SkippedSection):
        for guard in evidence.guards.transitions:
            found += [f"vacuous: {name}" for name in guard.vacuous]
            found += [f"unknown whether vacuous: {name}" for name in guard.undecided]
    if not isinstance(evidence.tests, SkippedSection):
        found += [f"{t.outcome}: {t.id}" for t in evidence.tests.tests if t.outcome not in (PASSED, FAILED)]
    if not isinstance(evidence.statements, SkippedSection):
        bad = [STATEMENT_UNKNOWN] + ([NOT_CHECKED] if _all_asked(evidence) else [])
        unsettled = [s for s in evidence.statements.statements if s.verdict in bad]
        found += [f"{s.verdict}: {s.id}: {s.reason}" for s in unsettled]
    return found + [text for name, section in evidence.further.items() for text in _not_as_stored(name, section)]


def _not_as_stored(name: str, section: Tables | SkippedSection) -> Iterator[str]:
    """Of a stored section that this run could have made: older code, and what came out otherwise."""
    if isinstance(section, SkippedSection) or section.stored is None or section.again is None:
        return
    run = section.stored
    if run.older:
        yield f"{name}: stored on {run.day}, of older code ({run.code}): --no-cache makes it again"
    yield from (f"not as stored on {run.day}: {text}" for text in section.again.differs)


def _all_asked(evidence: Evidence) -> bool:
    """Nothing was left out on purpose that a statement rests on."""
    return evidence.run.properties == matrix_ids() and not evidence.run.without


def exit_code(evidence: Evidence) -> int:
    """1 if anything is not as claimed; else 3 if anything is open; else 0."""
    if failures(evidence):
        return REFUTED
    return INCOMPLETE if open_points(evidence) else OK


def total(evidence: Evidence) -> str:
    """All of it in a line: whether it is as claimed, what was made in this run, and what is of an earlier one."""
    sections = {name: getattr(evidence, name) for name in CORE} | evidence.further
    there = [name for name, section in sections.items() if not isinstance(section, SkippedSection)]
    earlier = stored_sections(evidence)
    made = [name for name in there if getattr(sections[name], "stored", None) is None]
    wrong, undecided = failures(evidence), open_points(evidence)
    said = [f"{len(wrong)} not as claimed"] if wrong else ["all as claimed"]
    said += [f"{len(undecided)} open"] if undecided else []
    text = f"{', '.join(said).capitalize()}. Made in this run, in {took(evidence)} by the clock: {_names(made)}."
    if earlier:
        text += f" Stored, and not made in this run: {'; '.join(earlier)}."
    return f"{text} Not run: {_names([name for name in sections if name not in there])}."


def took(evidence: Evidence) -> str:
    """The time of the run by the clock, in words."""
    minutes, rest = divmod(round(evidence.seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _names(names: list[str]) -> str:
    return ", ".join(names) or "nothing"
