"""The request for evidence, and the versions, seeds and limits of a run that answers it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import proofs
from model.named import GENERATIONS
from proofs.evidence.structure import Run
from proofs.matrix import searches
from proofs.matrix.other_rows import matrix_ids
from proofs.matrix.rows import DESIGN
from proofs.parallel import default_jobs
from proofs.prover import induction
from proofs.prover.verdict import Result, Settings, versions

SETTINGS = Settings(cores=True, hashes=True, texts=True)
"""For obligations: no cache, with what each proof needs, and the text that was hashed."""
NOT_REQUESTED = f"is about {DESIGN}, which was not requested"
"""Why a section about the design is not run."""
CHECKOUT = Path(str(proofs.__file__)).parent.parent
"""Where recordings and tests are, if this is a checkout."""


def _silent(_what: str, _done: int, _of: int) -> None:
    """No progress is shown."""


def _nothing_announced(_section: str, _seconds: float | None) -> None:
    """Nobody reads when a section begins."""


@dataclass(frozen=True)
class EvidenceRequest:
    """Generations, property ids, sections that are left out, and how many processes."""

    semantics: list[str] = field(default_factory=lambda: list(GENERATIONS))
    properties: list[str] = field(default_factory=matrix_ids)
    without: frozenset[str] = frozenset()
    jobs: int = field(default_factory=default_jobs)
    progress: Callable[[str, int, int], None] = _silent
    """Called with the section, and with how much of it is done."""
    proved: dict[str, Result] = field(default_factory=dict)
    """Results of obligations in this run, by name: no section puts one to the solver that an earlier section has."""
    announce: Callable[[str, float | None], None] = _nothing_announced
    """Called with a section's name when it begins, and again with its seconds when it has ended."""
    stored: bool = False
    """Whether the matrix, and the sections of :mod:`proofs.evidence.kept`, may be those that the checkout stores."""
    texts: dict[str, str] = field(default_factory=dict)
    """The SMT-LIB text of obligations, by name, as the prover built it in this run."""


def run_of(request: EvidenceRequest) -> Run:
    """What repeats the run."""
    what = (request.semantics, request.properties, sorted(request.without))
    return Run(*what, versions(), limits(), _command(request), request.stored)


def limits() -> dict[str, int]:
    """Seeds, and where solvers and searches give up."""
    return {
        "obligations: seed": SETTINGS.seed,
        "obligations: work": SETTINGS.rlimit,
        "matrix: seed": induction.SETTINGS.seed,
        "matrix: work of a proof": induction.SETTINGS.rlimit,
        "search: seed": 0,
        "search: work of a question": searches.WORK,
        "search: events": searches.DEPTH,
        "search: nodes": searches.NODES,
        "search: domains": searches.DOMAINS,
    }


def _command(request: EvidenceRequest) -> str:
    options = []
    if request.semantics != list(GENERATIONS):
        options += [f"--generation {name}" for name in request.semantics]
    if request.properties != matrix_ids():
        options += [f"--property {name}" for name in request.properties]
    options += [f"--without {name}" for name in sorted(request.without)]
    options += [] if request.stored else ["--no-cache"]
    return " ".join(["claimcheck report", *options])
