"""What the prover showed of the design: its obligations, and that none is proved only because nothing can happen."""

from __future__ import annotations

import time

from msgspec import structs

from proofs.evidence.request import SETTINGS, EvidenceRequest
from proofs.evidence.structure import Guards, Obligations, Proof, VacuityCheck
from proofs.matrix.rows import DESIGN
from proofs.obligations.obligation import PARAMETRIC, Obligation
from proofs.obligations.suite import not_applicable, suite
from proofs.prover.pool import run
from proofs.prover.vacuity import vacuity
from proofs.prover.verdict import Result


def asked(request: EvidenceRequest) -> list[Obligation]:
    """Every obligation about the design's properties, for any host; lemmas and loops come with them."""
    return suite([DESIGN], request.properties, [PARAMETRIC])


def obligations(request: EvidenceRequest) -> Obligations:
    """Put to the solver, never taken from a cache. Ctrl-C raises KeyboardInterrupt: a part of them would look whole."""
    started = time.perf_counter()
    wanted = asked(request)
    results, interrupted = run(
        wanted, SETTINGS, request.jobs, lambda done: request.progress("obligations", done, len(wanted))
    )
    if interrupted:
        raise KeyboardInterrupt
    request.texts.update((result.name, result.text) for result in results if result.text)
    results = [structs.replace(result, text="") for result in results]
    request.proved.update((result.name, result) for result in results)
    left_out = len(not_applicable([DESIGN], request.properties))
    found = Obligations(results=[as_proof(result) for result in results], not_applicable=left_out)
    found.seconds = time.perf_counter() - started
    return found


def as_proof(result: Result) -> Proof:
    """A result as data."""
    return Proof(
        name=result.name,
        verdict=result.verdict.value,
        claimed=result.claimed,
        work=result.rlimit,
        sha256=result.hash,
        assumptions=result.used,
        lemmas=result.lemmas,
        reason=result.reason,
        model=result.model,
        seconds=round(result.seconds or 0.0, 4),
    )


def guards(request: EvidenceRequest) -> Guards:
    """Assumptions satisfiable, each guard and update needed; on a host of 2 nodes and 2 domains."""
    started = time.perf_counter()
    found = [
        VacuityCheck(v.transition, v.satisfiable, v.vacuous, v.undecided, v.witness, v.needed, v.not_needed)
        for v in vacuity(DESIGN, request.jobs)
    ]
    return Guards(transitions=found, seconds=time.perf_counter() - started)
