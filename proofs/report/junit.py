"""The evidence as JUnit XML: one case a cell, an obligation, a recorded file, a statement.

A case passes if it is as claimed. What is refuted for a generation that claims nothing passes as a finding that the
reference reproduces; unknown is an error, what was not run or does not apply is skipped.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple
from xml.etree import ElementTree

from proofs.evidence.collect import CORE
from proofs.evidence.statements import NOT_CHECKED, worded
from proofs.evidence.statements import UNKNOWN as STATEMENT_UNKNOWN
from proofs.evidence.structure import Evidence, SkippedSection
from proofs.evidence.tested import FAILED, PASSED
from proofs.evidence.verify import stored_sections
from proofs.prover.verdict import Verdict
from proofs.report.sentences import sentence


class _Case(NamedTuple):
    name: str
    seconds: float = 0.0
    outcome: str = ""
    """`failure`, `error` or `skipped`; empty for passed."""
    message: str = ""
    told: str = ""


def junit(evidence: Evidence) -> bytes:
    """The whole document."""
    root = ElementTree.Element("testsuites", name="claimcheck", time=f"{evidence.seconds:.3f}")
    earlier = {text.partition(":")[0]: text for text in stored_sections(evidence)}
    suites = {name: getattr(evidence, name) for name in CORE} | evidence.further
    for name, section in suites.items():
        if isinstance(section, SkippedSection):
            _suite(root, name, [_Case("not run", outcome="skipped", message=section.reason)])
        elif name in evidence.further:
            told = f"not made in this run; {earlier[name]}" if name in earlier else ""
            _suite(root, name, [_Case(name, section.seconds, "" if section.ok else "failure", "not as claimed", told)])
        elif name in _CASES:
            _suite(root, name, list(_CASES[name](evidence)))
    ElementTree.indent(root)
    encoded: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return encoded + b"\n"


def _suite(root: ElementTree.Element, name: str, cases: list[_Case]) -> None:
    counts = {kind: sum(case.outcome == kind for case in cases) for kind in ("failure", "error", "skipped")}
    suite = ElementTree.SubElement(
        root,
        "testsuite",
        name=name,
        tests=str(len(cases)),
        failures=str(counts["failure"]),
        errors=str(counts["error"]),
        skipped=str(counts["skipped"]),
        time=f"{sum(case.seconds for case in cases):.3f}",
    )
    for case in cases:
        element = ElementTree.SubElement(
            suite, "testcase", classname=f"claimcheck.{name}", name=case.name, time=f"{case.seconds:.3f}"
        )
        if case.outcome:
            ElementTree.SubElement(element, case.outcome, message=case.message)
        if case.told:
            ElementTree.SubElement(element, "system-out").text = case.told


_OF_VERDICT = {Verdict.UNKNOWN.value: "error", Verdict.NOT_APPLICABLE.value: "skipped"}


def _cells(evidence: Evidence) -> Iterator[_Case]:
    assert not isinstance(evidence.matrix, SkippedSection)
    run = evidence.matrix.stored
    when = "" if run is None else f"\nstored on {run.day}, of {'older' if run.older else 'the same'} code"
    for cell in evidence.matrix.cells:
        refuted = cell.verdict == Verdict.REFUTED.value
        outcome = _OF_VERDICT.get(cell.verdict, "failure" if refuted and cell.promised else "")
        yield _Case(cell.name, cell.seconds, outcome, cell.reason or cell.verdict, sentence(cell) + when)


def _findings(evidence: Evidence) -> Iterator[_Case]:
    assert not isinstance(evidence.findings, SkippedSection)
    for finding in evidence.findings.findings:
        outcome = "failure" if finding.replay.divergence else ""
        yield _Case(finding.name, 0.0, outcome, finding.replay.divergence, "\n".join(finding.broken))
    for answer in evidence.findings.answers:
        outcome = "skipped" if not answer.trace else "failure" if answer.replay.divergence or not answer.shows else ""
        yield _Case(answer.name, 0.0, outcome, answer.replay.divergence, f"{answer.asks} {answer.shows}")


def _obligations(evidence: Evidence) -> Iterator[_Case]:
    assert not isinstance(evidence.obligations, SkippedSection)
    for result in evidence.obligations.results:
        refuted = result.verdict == Verdict.REFUTED.value
        outcome = _OF_VERDICT.get(result.verdict, "failure" if refuted and result.claimed else "")
        told = "refuted without the conditions that are required" if refuted and not result.claimed else ""
        yield _Case(result.name, result.seconds, outcome, result.reason or result.verdict, told)


def _guards(evidence: Evidence) -> Iterator[_Case]:
    assert not isinstance(evidence.guards, SkippedSection)
    for guard in evidence.guards.transitions:
        bad = [*guard.vacuous, *guard.undecided]
        yield _Case(guard.transition, 0.0, "error" if bad else "", "; ".join(bad))


def _recordings(evidence: Evidence) -> Iterator[_Case]:
    assert not isinstance(evidence.conformance, SkippedSection)
    for file in evidence.conformance.files:
        yield _Case(file.file, file.seconds, "failure" if file.divergences else "", "; ".join(file.divergences))


def _tests(evidence: Evidence) -> Iterator[_Case]:
    assert not isinstance(evidence.tests, SkippedSection)
    for test in evidence.tests.tests:
        outcome = "" if test.outcome == PASSED else "failure" if test.outcome == FAILED else "skipped"
        yield _Case(test.id, 0.0, outcome, test.outcome, f"{test.cases} cases")


def _statements(evidence: Evidence) -> Iterator[_Case]:
    assert not isinstance(evidence.statements, SkippedSection)
    bad = {STATEMENT_UNKNOWN: "error", NOT_CHECKED: "skipped"}
    for s in evidence.statements.statements:
        outcome = "failure" if s.failed else bad.get(s.verdict, "")
        yield _Case(s.id, 0.0, outcome, s.reason, f"{s.text}\nverdict: {worded(s)}")


_CASES = {
    "matrix": _cells,
    "findings": _findings,
    "obligations": _obligations,
    "guards": _guards,
    "conformance": _recordings,
    "tests": _tests,
    "statements": _statements,
}
