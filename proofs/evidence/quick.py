"""A check of stored evidence in a minute: a sample of it is established again, and what is left out is listed."""

from __future__ import annotations

import random
from typing import TypeVar

from proofs.evidence import answered, recordings, shown, statements
from proofs.evidence.compare import differences
from proofs.evidence.judged import as_cell
from proofs.evidence.request import SETTINGS, EvidenceRequest
from proofs.evidence.structure import Conformance, Evidence, Findings, Matrix, Obligations, SkippedSection
from proofs.evidence.verify import VerificationResult, rechecked, run_differences, stored_sections
from proofs.matrix.cells import proofs_of
from proofs.prover.pool import run
from proofs.prover.verdict import Verdict

OBLIGATIONS, FINDINGS = 40, 12
"""How many of them."""
T = TypeVar("T")


def quickly(stored: Evidence, request: EvidenceRequest, seed: int) -> VerificationResult:
    """Everything that is quick, and a sample, drawn with the seed, of what is not."""
    found, chance = VerificationResult(), random.Random(seed)
    found.differences += run_differences(stored)
    if isinstance(stored.obligations, Obligations):
        _obligations(found, stored.obligations, request, chance)
    if isinstance(stored.matrix, Matrix):
        _matrix(found, stored.matrix, request, chance)
        if isinstance(stored.findings, Findings):
            _findings(found, stored.findings, stored.matrix, chance)
    if isinstance(stored.conformance, Conformance):
        _conformance(found, stored.conformance, request, chance)
    if not isinstance(stored.statements, SkippedSection):
        judgement = statements.judged(stored.matrix, stored.obligations, stored.tests, stored.findings)
        found.differences += differences("statements", stored.statements, judgement)
        found.skipped.append("statements: judged by the stored results")
    rest = {"guards": stored.guards, "tests": stored.tests, **{f"further.{n}": s for n, s in stored.further.items()}}
    left = [name for name, section in rest.items() if not isinstance(section, SkippedSection)]
    found.stored += stored_sections(stored)
    found.skipped += [f"{name}: all of it" for name in left]
    return found


def _sample(found: VerificationResult, chance: random.Random, what: str, items: list[T], size: int) -> list[T]:
    if len(items) > size:
        found.skipped.append(f"{what}: {len(items) - size} of {len(items)}")
        return chance.sample(items, size)
    return items


def _obligations(
    found: VerificationResult, section: Obligations, request: EvidenceRequest, chance: random.Random
) -> None:
    asked = {obligation.name: obligation for obligation in shown.asked(request)}
    names = [result.name for result in section.results]
    found.differences += differences("obligations: names", sorted(names), sorted(asked))
    chosen = _sample(found, chance, "obligations", [name for name in names if name in asked], OBLIGATIONS)
    results, interrupted = run([asked[name] for name in chosen], SETTINGS, request.jobs)
    if interrupted:
        raise KeyboardInterrupt
    old = [result for result in section.results if result.name in chosen]
    found.differences += differences("obligations.results", old, [shown.as_proof(result) for result in results])


def _matrix(found: VerificationResult, section: Matrix, request: EvidenceRequest, chance: random.Random) -> None:
    """The proofs of one generation; what it has no proof for must be refuted or unknown."""
    (name,) = _sample(found, chance, "matrix: generations", request.semantics, 1)
    cells, left = proofs_of(name, request.properties)
    proved = [as_cell(cell) for cell in cells]
    of_generation = [cell for cell in section.cells if cell.semantics == name]
    settled = (Verdict.PROVED.value, Verdict.NOT_APPLICABLE.value)
    old = [cell for cell in of_generation if cell.verdict in settled]
    found.differences += differences("matrix.cells", old, proved)
    unproved = sorted(f"{name}/{'+'.join((one.row.part, *one.row.conditions))}" for one in left)
    without_proof = sorted(cell.name for cell in of_generation if cell.verdict not in settled)
    found.differences += differences("matrix: cells without proof", without_proof, unproved)
    found.skipped.append("matrix: that no shorter trace refutes what is refuted")


def _findings(found: VerificationResult, section: Findings, judged: Matrix, chance: random.Random) -> None:
    chosen = _sample(found, chance, "findings", section.findings, FINDINGS)
    found.differences += differences("findings.findings", chosen, rechecked(chosen, judged, judged.stored is not None))
    found.differences += differences("findings.answers", section.answers, answered.rechecked(section.answers))
    cells = {cell.name for cell in judged.cells if cell.verdict == Verdict.REFUTED.value}
    found.differences += differences("findings: names", sorted(f.name for f in section.findings), sorted(cells))


def _conformance(
    found: VerificationResult, section: Conformance, request: EvidenceRequest, chance: random.Random
) -> None:
    (chosen,) = _sample(found, chance, "conformance: files", section.files, 1)
    paths = [path for path in recordings.paths(request) if path.name == chosen.file.rpartition("/")[2]]
    if paths:
        found.differences += differences("conformance.files", [chosen], [recordings.replayed(paths[0])])
    else:
        found.open.append(f"conformance: {chosen.file} is not here")
