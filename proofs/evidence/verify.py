"""Stored evidence established again: everything is run again, and every difference is named.

Obligations are put to the solver, cells of the matrix are proved or searched, traces are run on the reference and
checked in the model, recordings replayed, tests run; nothing is taken from a cache, and nothing from the file but the
request and the traces. Only times and the moment of writing are not compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeGuard

import msgspec

from proofs.evidence import answered, statements
from proofs.evidence.collect import CORE, INTERRUPTED
from proofs.evidence.compare import FieldDifference, differences
from proofs.evidence.dated import age
from proofs.evidence.in_model import broken_in_model
from proofs.evidence.judged import finding_of, row_of
from proofs.evidence.replayed import lines_of, replayed
from proofs.evidence.request import EvidenceRequest, run_of
from proofs.evidence.stored_matrix import broken_again
from proofs.evidence.structure import Evidence, EvidenceFinding, Findings, Matrix, Run, SkippedSection, Tables, digest
from proofs.matrix.findings import measure
from proofs.search.events import Trace
from reference.status import MisuseError


@dataclass
class VerificationResult:
    """What differs, what could not be established, and what was left out on purpose."""

    differences: list[FieldDifference] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    stored: list[str] = field(default_factory=list)
    """Sections that show an earlier run: compared with its file, and not made again."""


def request_of(run: Run, jobs: int) -> EvidenceRequest:
    """What the evidence says was requested."""
    return EvidenceRequest(run.semantics, run.properties, frozenset(run.without), jobs, stored=run.stored)


def verified(stored: Evidence, again: Evidence) -> VerificationResult:
    """The stored evidence, compared with a second run of all of it."""
    found = VerificationResult()
    found.differences += run_differences(stored)
    usable: dict[str, object] = {}
    for name in (n for n in CORE if n not in ("findings", "statements")):
        old, new = getattr(stored, name), getattr(again, name)
        usable[name] = _section(found, name, _of_any_run(old), _of_any_run(new))
    judged = again.matrix if isinstance(again.matrix, Matrix) else stored.matrix
    findings = _section(found, "findings", stored.findings, again.findings, compare=False)
    if isinstance(stored.findings, Findings) and isinstance(judged, Matrix):
        answers = answered.rechecked(stored.findings.answers)
        findings = Findings(findings=rechecked(stored.findings.findings, judged, of_stored(stored)), answers=answers)
        found.differences += differences("findings", stored.findings, findings)
        if isinstance(again.findings, Findings):
            found.differences += _other_traces(stored.findings, again.findings)
            names = [[a.name for a in section.answers] for section in (stored.findings, again.findings)]
            found.differences += differences("findings.answers: names", *names)
    if isinstance(stored.statements, SkippedSection):
        _section(found, "statements", stored.statements, again.statements)
    else:
        rest = (usable["matrix"], usable["obligations"], usable["tests"], findings)
        judgement = statements.judged(*rest)  # type: ignore[arg-type]
        found.differences += differences("statements", stored.statements, judgement)
    found.differences += differences("further", list(stored.further), list(again.further))
    for name in stored.further:
        _section(found, f"further.{name}", _of_any_run(stored.further[name]), _of_any_run(again.further[name]))
    found.stored += [text for section, text in _stored(stored) if not _is_made_whole(section)]
    return found


def _of_any_run(section: object) -> object:
    """A section that a second run makes whole, without the date of the run that made it before."""
    if not _is_made_whole(section):
        return section
    return msgspec.structs.replace(section, stored=None, **({"again": None} if isinstance(section, Tables) else {}))


def _is_made_whole(section: object) -> TypeGuard[Matrix | Tables]:
    """Whether a second run makes the section itself, where the first one may have shown a stored one."""
    return isinstance(section, Matrix) or (isinstance(section, Tables) and section.again is not None)


def stored_sections(evidence: Evidence) -> list[str]:
    """The sections that show an earlier run, each with when that was, and which part of it was made again."""
    return [text for _, text in _stored(evidence)]


def _stored(evidence: Evidence) -> Iterator[tuple[Matrix | Tables, str]]:
    for name, section in {"matrix": evidence.matrix, **evidence.further}.items():
        if not isinstance(section, Matrix | Tables) or section.stored is None:
            continue
        run = section.stored
        code = f"of {'older' if run.older else 'the same'} code ({run.code})"
        part = section.again if isinstance(section, Tables) else None
        how = ", and not as stored" if part and part.differs else ""
        again = f"; made again in this run{how}: {part.what}" if part else ""
        yield section, f"{name}: of {run.day}, {age(run.day, evidence.made)}, {code}{again}"


def run_differences(stored: Evidence) -> Iterator[FieldDifference]:
    """The digest, and what the run was made with: versions, seeds and limits are those of this tool."""
    yield from differences("digest", stored.digest, digest(stored))
    yield from differences("run", stored.run, run_of(request_of(stored.run, 1)))


def _section(found: VerificationResult, name: str, old: object, new: object, compare: bool = True) -> object:
    """Compare a section; gives the one that others are judged by: the new one, or the old one where there is none."""
    if isinstance(old, SkippedSection) and old.reason == INTERRUPTED:
        found.open.append(f"{name}: was interrupted, and is not in the evidence")
        return old
    if isinstance(new, SkippedSection) and not isinstance(old, SkippedSection):
        found.open.append(f"{name}: cannot be established here: {new.reason}")
        return old
    if compare or isinstance(old, SkippedSection):
        found.differences += differences(name, old, new)
    return new


def _other_traces(stored: Findings, again: Findings) -> Iterator[FieldDifference]:
    """Of several shortest traces any is as good; a shorter one, or no trace at all, is a difference."""
    old, new = ({f.name: measure(lines_of(f.trace)) for f in s.findings} for s in (stored, again))
    for name in dict.fromkeys([*old, *new]):
        if old.get(name) != new.get(name):
            what = f"findings.findings[{name}]: events, domains, nodes, pages"
            yield FieldDifference(what, old.get(name, "absent"), new.get(name, "absent"))


def of_stored(evidence: Evidence) -> bool:
    """Whether the findings are of the matrix that a checkout stores: which transitions they take is not stored."""
    return isinstance(evidence.matrix, Matrix) and evidence.matrix.stored is not None


def rechecked(findings: list[EvidenceFinding], judged: Matrix, stored: bool = False) -> list[EvidenceFinding]:
    """Every stored trace run again on the reference, and checked in the model; `judged` says who is right.

    :param stored: the matrix that a checkout stores has them: the reference alone says what they break
    """
    return [_rechecked(finding, judged, stored) for finding in findings]


def _rechecked(finding: EvidenceFinding, judged: Matrix, stored: bool) -> EvidenceFinding:
    header, _boot, *events = finding.trace
    row, broken = row_of(finding), (broken_again if stored else broken_in_model)(finding)
    trace = Trace(finding.semantics, "", row.part, header["host"], events, finding.transitions, [], broken)
    replay = replayed(lines_of(finding.trace))
    try:
        found = finding_of(row, trace, judged)
    except (MisuseError, KeyError) as error:
        impossible: list[dict[str, Any]] = [{"cannot be run": str(error)}]
        return msgspec.structs.replace(finding, trace=impossible, broken=broken, replay=replay)
    found.replay = replay
    if stored and _without_version(found.trace[0]) == _without_version(header):
        found.trace[0] = header
    return found


def _without_version(header: dict[str, Any]) -> dict[str, Any]:
    """The header of a trace, whichever version of the tool wrote it."""
    return header | {"source": header["source"].partition(": ")[2]}
