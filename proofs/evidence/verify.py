"""Stored evidence established again: everything is done anew, and whatever comes out differently is named.

Obligations are put to the solver, cells of the matrix are proved or searched, traces are run on the reference and
checked in the model, recordings replayed, tests run; nothing is taken from a cache, and nothing from the file but what
was asked for and the traces. Only times and the moment of writing are not compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from proofs.evidence import statements
from proofs.evidence.collect import CORE, INTERRUPTED
from proofs.evidence.compare import FieldDifference, differences
from proofs.evidence.in_model import broken_in_model
from proofs.evidence.judged import finding_of, row_of
from proofs.evidence.replayed import lines_of, replayed
from proofs.evidence.request import EvidenceRequest, run_of
from proofs.evidence.structure import Evidence, EvidenceFinding, Findings, Matrix, NotRun, Run, digest
from proofs.matrix.findings import measure
from proofs.search.events import Trace
from reference.status import MisuseError


@dataclass
class Verified:
    """What differs, what could not be established, and what was left out on purpose."""

    differences: list[FieldDifference] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)


def request_of(run: Run, jobs: int) -> EvidenceRequest:
    """What the evidence says was asked for."""
    return EvidenceRequest(run.semantics, run.properties, frozenset(run.without), jobs)


def verified(stored: Evidence, again: Evidence) -> Verified:
    """The stored evidence against all of it done again."""
    found = Verified()
    found.differences += run_differences(stored)
    usable: dict[str, object] = {}
    for name in (n for n in CORE if n not in ("findings", "statements")):
        old, new = getattr(stored, name), getattr(again, name)
        usable[name] = _section(found, name, old, new)
    judged = again.matrix if isinstance(again.matrix, Matrix) else stored.matrix
    findings = _section(found, "findings", stored.findings, again.findings, compare=False)
    if isinstance(stored.findings, Findings) and isinstance(judged, Matrix):
        findings = Findings(findings=rechecked(stored.findings.findings, judged))
        found.differences += differences("findings", stored.findings, findings)
        if isinstance(again.findings, Findings):
            found.differences += _other_traces(stored.findings, again.findings)
    if isinstance(stored.statements, NotRun):
        _section(found, "statements", stored.statements, again.statements)
    else:
        rest = (usable["matrix"], usable["obligations"], usable["tests"], findings)
        judgement = statements.judged(*rest)  # type: ignore[arg-type]
        found.differences += differences("statements", stored.statements, judgement)
    found.differences += differences("further", list(stored.further), list(again.further))
    for name in stored.further:
        _section(found, f"further.{name}", stored.further[name], again.further[name])
    return found


def run_differences(stored: Evidence) -> Iterator[FieldDifference]:
    """The digest, and what the run was made with: versions, seeds and limits are those of this tool."""
    yield from differences("digest", stored.digest, digest(stored))
    yield from differences("run", stored.run, run_of(request_of(stored.run, 1)))


def _section(found: Verified, name: str, old: object, new: object, compare: bool = True) -> object:
    """Compare a section; gives the one that others are judged by: the new one, or the old one where there is none."""
    if isinstance(old, NotRun) and old.reason == INTERRUPTED:
        found.open.append(f"{name}: was interrupted, and is not in the evidence")
        return old
    if isinstance(new, NotRun) and not isinstance(old, NotRun):
        found.open.append(f"{name}: cannot be established here: {new.reason}")
        return old
    if compare or isinstance(old, NotRun):
        found.differences += differences(name, old, new)
    return new


def _other_traces(stored: Findings, again: Findings) -> Iterator[FieldDifference]:
    """Of several shortest traces any is as good; a shorter one, or none, is a difference."""
    old, new = ({f.name: measure(lines_of(f.trace)) for f in s.findings} for s in (stored, again))
    for name in dict.fromkeys([*old, *new]):
        if old.get(name) != new.get(name):
            what = f"findings.findings[{name}]: events, domains, nodes, pages"
            yield FieldDifference(what, old.get(name, "absent"), new.get(name, "absent"))


def rechecked(findings: list[EvidenceFinding], judged: Matrix) -> list[EvidenceFinding]:
    """Every stored trace run again on the reference, and checked in the model; `judged` says who is right."""
    return [_rechecked(finding, judged) for finding in findings]


def _rechecked(finding: EvidenceFinding, judged: Matrix) -> EvidenceFinding:
    header, _boot, *events = finding.trace
    row, broken = row_of(finding), broken_in_model(finding)
    trace = Trace(finding.semantics, "", row.part, header["host"], events, finding.transitions, [], broken)
    replay = replayed(lines_of(finding.trace))
    try:
        found = finding_of(row, trace, judged)
    except (MisuseError, KeyError) as error:
        impossible = [{"cannot be run": str(error)}]
        return msgspec.structs.replace(finding, trace=impossible, broken=broken, replay=replay)
    found.replay = replay
    return found
