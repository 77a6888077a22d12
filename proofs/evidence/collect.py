"""All evidence of a run, section by section; Ctrl-C leaves what was not finished as not run."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

from proofs.evidence import further, judged, recordings, shown, statements, tested
from proofs.evidence.request import NOT_REQUESTED, EvidenceRequest, run_of
from proofs.evidence.structure import Evidence, SkippedSection
from proofs.interrupts import is_command_interrupted
from proofs.matrix.other_rows import matrix_ids
from proofs.matrix.rows import DESIGN

CORE = ("matrix", "findings", "obligations", "guards", "conformance", "tests", "statements")
SECTIONS = (*CORE, *further.FURTHER)
"""Names of all sections, in the order in which they are made."""
INTERRUPTED = "interrupted"
T = TypeVar("T")


class _Collector:
    """Runs a section if it is wanted, unless an earlier one was interrupted."""

    def __init__(self, request: EvidenceRequest) -> None:
        self.request = request
        self.interrupted = False

    def section(self, name: str, collect: Callable[[], T], reason: str = "") -> T | SkippedSection:
        """The section, or why it was not run."""
        if name in self.request.without:
            return SkippedSection(f"left out: --without {name}")
        if is_command_interrupted():  # Ctrl-C may come where it cannot be raised
            self.interrupted = True
        if reason or self.interrupted:
            return SkippedSection(reason or INTERRUPTED)
        self.request.announce(name, None)
        started = time.perf_counter()
        try:
            found = collect()
        except KeyboardInterrupt:
            self.interrupted = True
            return SkippedSection(INTERRUPTED)
        except Exception:
            if not is_command_interrupted():
                raise
            self.interrupted = True
            return SkippedSection(INTERRUPTED)
        self.request.announce(name, time.perf_counter() - started)
        return found


def _raising(progress: Callable[[str, int, int], None]) -> Callable[[str, int, int], None]:
    """The same, and Ctrl-C that was noted and not raised is raised: a section runs for minutes."""

    def told(section: str, done: int, of: int) -> None:
        if is_command_interrupted():
            raise KeyboardInterrupt
        progress(section, done, of)

    return told


def collected(request: EvidenceRequest) -> Evidence:
    """Everything that is requested. `interrupted` says whether the result is complete."""
    request = replace(request, progress=_raising(request.progress))
    started, run = time.perf_counter(), _Collector(request)
    not_design = "" if DESIGN in request.semantics else NOT_REQUESTED
    some = "" if request.properties == matrix_ids() else "needs all properties"
    both = run.section("matrix", lambda: judged.collected(request))
    matrix, findings = (both, both) if isinstance(both, SkippedSection) else both
    if "findings" in request.without:
        findings = SkippedSection("left out: --without findings")
    obligations = run.section("obligations", lambda: shown.obligations(request), not_design)
    guards = run.section("guards", lambda: shown.guards(request), not_design or some)
    conformance = run.section("conformance", lambda: recordings.conformance(request))
    tests = run.section("tests", lambda: tested.run_tests(request, statements.named_tests()), not_design)
    about = run.section("statements", lambda: statements.judged(matrix, obligations, tests, findings), not_design)
    rest = {name: run.section(name, partial(further.collected, name, request)) for name in further.FURTHER}
    return Evidence(
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=round(time.perf_counter() - started, 1),
        run=run_of(request),
        matrix=matrix,
        findings=findings,
        obligations=obligations,
        guards=guards,
        conformance=conformance,
        tests=tests,
        statements=about,
        further=rest,
    )


def interrupted(evidence: Evidence) -> bool:
    """Whether the run was ended before its time."""
    return any(isinstance(s, SkippedSection) and s.reason == INTERRUPTED for s in _sections(evidence))


def is_empty(evidence: Evidence) -> bool:
    """Whether no section was finished."""
    return all(isinstance(s, SkippedSection) for s in _sections(evidence))


def _sections(evidence: Evidence) -> list[object]:
    return [*(getattr(evidence, name) for name in CORE), *evidence.further.values()]
