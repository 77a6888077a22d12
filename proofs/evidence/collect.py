"""All evidence of a run, section by section; Ctrl-C leaves what was not finished as not run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

from proofs.evidence import further, judged, recordings, shown, statements, tested
from proofs.evidence.request import EvidenceRequest, run_of
from proofs.evidence.structure import Evidence, NotRun
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

    def section(self, name: str, collect: Callable[[], T], reason: str = "") -> T | NotRun:
        """The section, or why it was not run."""
        if name in self.request.without:
            return NotRun(f"left out: --without {name}")
        if reason or self.interrupted:
            return NotRun(reason or INTERRUPTED)
        try:
            return collect()
        except KeyboardInterrupt:
            self.interrupted = True
            return NotRun(INTERRUPTED)


def collected(request: EvidenceRequest) -> Evidence:
    """Everything that was asked for. `interrupted` says of the result whether it is all."""
    run = _Collector(request)
    not_design = "" if DESIGN in request.semantics else f"is about {DESIGN}, which was not asked for"
    some = "" if request.properties == matrix_ids() else "needs all properties"
    both = run.section("matrix", lambda: judged.collected(request))
    matrix, findings = (both, both) if isinstance(both, NotRun) else both
    if "findings" in request.without:
        findings = NotRun("left out: --without findings")
    obligations = run.section("obligations", lambda: shown.obligations(request), not_design)
    guards = run.section("guards", lambda: shown.guards(request), not_design or some)
    conformance = run.section("conformance", lambda: recordings.conformance(request))
    tests = run.section("tests", lambda: tested.run_tests(request, statements.named_tests()), not_design)
    about = run.section("statements", lambda: statements.judged(matrix, obligations, tests, findings), not_design)
    rest = {name: run.section(name, partial(further.collected, name, request)) for name in further.FURTHER}
    return Evidence(
        made=datetime.now(UTC).isoformat(timespec="seconds"),
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
    sections = [*(getattr(evidence, name) for name in CORE), *evidence.further.values()]
    return any(isinstance(s, NotRun) and s.reason == INTERRUPTED for s in sections)
