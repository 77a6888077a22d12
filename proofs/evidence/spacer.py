"""The section on Spacer: the invariant that it derives of the design on small hosts, certified and compared."""

from __future__ import annotations

import time

from proofs.evidence.kept import PartedSection
from proofs.evidence.request import NOT_REQUESTED, SETTINGS, EvidenceRequest
from proofs.evidence.structure import EvidenceTable, SkippedSection, Tables
from proofs.matrix.other_rows import matrix_ids
from proofs.matrix.rows import DESIGN
from proofs.prover.verdict import Settings, Verdict
from proofs.spacer.derive import Derivation, certificate_counts, derive_all, less, more
from proofs.spacer.target import DERIVED, SpacerTarget, targets

NAME = "spacer"
SECONDS = 600
SLOW = "entitlement"
"""Begins the names of properties that take ten seconds and more even on the smallest host."""
_PROVER = Settings(rlimit=SETTINGS.rlimit, seed=SETTINGS.seed, cores=False)


def _small(request: EvidenceRequest) -> list[SpacerTarget]:
    """On a host of one node and one domain."""
    return targets(DESIGN, [name for name in DERIVED if name in request.properties], 1, 1)


def _asked(request: EvidenceRequest) -> list[SpacerTarget]:
    """The small ones; if all properties are requested, also, on 2 nodes and 2 domains, that claims are backed and
    aggregates agree."""
    large = targets(DESIGN, list(DERIVED), 2, 2) if _is_all(request) else []
    return [*_small(request), *(target for target in large if not target.conditions)]


def _is_all(request: EvidenceRequest) -> bool:
    return request.properties == matrix_ids()


def collected(request: EvidenceRequest) -> Tables | SkippedSection:
    """Derive everything that is requested. Ctrl-C raises KeyboardInterrupt: a part of it would look whole."""
    if DESIGN not in request.semantics:
        return SkippedSection(NOT_REQUESTED)
    if not _asked(request):
        return SkippedSection(f"derives {', '.join(DERIVED)}, which were not requested")
    return SECTION.collected(request)


def _derived(request: EvidenceRequest, asked: list[SpacerTarget]) -> Tables:
    started = time.perf_counter()
    told = request.progress
    found = derive_all(asked, _PROVER, SECONDS, request.jobs, lambda done: told(NAME, done, len(asked)))
    if len(found) < len(asked):
        raise KeyboardInterrupt
    section = as_tables(found)
    section.seconds = time.perf_counter() - started
    return section


def _first(request: EvidenceRequest) -> list[SpacerTarget]:
    """Those that take seconds: nothing of what a domain is entitled to."""
    return [target for target in _small(request) if not any(name.startswith(SLOW) for name in target.properties)]


SECTION = PartedSection(
    name=NAME,
    part_is="on a host of one node and one domain, that claims are backed and aggregates agree",
    is_all=_is_all,
    whole=lambda request: _derived(request, _asked(request)),
    part=lambda request: _derived(request, _first(request)),
)


def as_tables(found: list[Derivation]) -> Tables:
    """How each ended; and each invariant, clause by clause, with what the hand-written ones have in addition."""
    ends = EvidenceTable(
        name="Invariants that Spacer derived",
        columns=["target", "verdict", "conjuncts", "questions of the prover", "proved", "more than by hand", "less"],
        rows=[
            [
                one.name,
                one.verdict.value + (f": {one.reason}" if one.reason else ""),
                str(len(one.spacers)),
                str(certificate_counts(one)[1]),
                str(certificate_counts(one)[0]),
                str(len(more(one))),
                str(sum(map(len, less(one).values()))),
            ]
            for one in found
        ],
        note=f"gives up after {SECONDS} s; follows {', '.join(sorted({n for one in found for n in one.followed}))}",
        seconds={one.name: one.derive_seconds + one.certify_seconds + one.compare_seconds for one in found},
    )
    clauses = [
        EvidenceTable(
            name=f"Spacer's invariant: {one.name}",
            columns=["conjunct", "follows from the hand-written ones"],
            rows=[[c.text, "yes" if c.implied is Verdict.PROVED else "no"] for c in one.spacers],
            note="By hand there is also: "
            + (
                "; ".join(f"{name}: {', '.join(c.text for c in parts)}" for name, parts in less(one).items())
                or "nothing"
            ),
        )
        for one in found
    ]
    return Tables(tables=[ends, *clauses], ok=all(one.verdict is Verdict.PROVED for one in found))
