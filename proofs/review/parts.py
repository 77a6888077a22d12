"""The parts of a review, each done in a process of its own."""

from __future__ import annotations

import copy
import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from model.generations import GENERATIONS
from proofs.diff.operations import OPERATIONS
from proofs.diff.run import OperationResult, Task, tasks, work
from proofs.diff.world import Size
from proofs.interrupts import interrupts_noted
from proofs.matrix.cells import CellVerdict, UnprovedRow, proofs_of
from proofs.matrix.difference import DifferenceRequest, GenerationDifference, difference
from proofs.matrix.other_rows import matrix_ids
from proofs.matrix.reused import ReusedProofs
from proofs.matrix.searches import searched_together
from proofs.prover.pool import prepare
from reference.generations import GENERATIONS as OF_REFERENCE

SIZES = (Size(1, 1), Size(2, 2), Size(3, 2))
"""Hosts, in nodes and domains, on which the two halves are compared."""
EVENTS = 5
"""Of a trace on which the references differ, at most."""
SECONDS = 10.0
"""Of processor time for that search."""
Proofs = tuple[list[CellVerdict], list[UnprovedRow]]
"""What is proved of the rules, and the rows that have no proof."""


@dataclass(frozen=True)
class ProofTask:
    """Everything that can be proved of a generation, for any host."""

    name: str

    def run(self) -> Proofs:
        prepare()
        with interrupts_noted():
            return proofs_of(self.name, matrix_ids(), ReusedProofs())


@dataclass(frozen=True)
class TraceTask:
    """Rows without a proof, which are searched for a shortest trace together."""

    rows: tuple[UnprovedRow, ...]

    def run(self) -> list[CellVerdict]:
        prepare()
        with interrupts_noted():
            return searched_together(self.rows)


@dataclass(frozen=True)
class BehaviourTask:
    """Where the references of two generations first differ."""

    base: str
    name: str

    def run(self) -> GenerationDifference:
        gc.enable()
        return difference(DifferenceRequest(self.base, self.name, depth=EVENTS, seconds=SECONDS))


@dataclass(frozen=True)
class HalvesTask:
    """One operation of the reference's half on any counters, against the model's, or against that of the base."""

    task: Task
    base: str = ""
    """Empty: against the model's own half."""

    def run(self) -> list[OperationResult]:
        gc.enable()  # there are thousands of models
        if not self.base:
            return work(self.task)
        (name,) = self.task.semantics
        with _on_base(name, self.base) as mixed:
            return work(self.task._replace(semantics=(mixed,)))


ReviewTask = ProofTask | TraceTask | BehaviourTask | HalvesTask
PartResult = Proofs | list[CellVerdict] | GenerationDifference | list[OperationResult]


def done(task: ReviewTask) -> tuple[PartResult, float]:
    """What a part finds out, and its seconds of processor time."""
    began = time.process_time()
    return task.run(), time.process_time() - began


def halves(name: str, base: str = "") -> list[HalvesTask]:
    """Every operation on hosts of every size, the longest first."""
    return [HalvesTask(task, base) for task in tasks([name], list(OPERATIONS), SIZES)]


@contextmanager
def _on_base(name: str, base: str) -> Iterator[str]:
    """The reference of one generation with the model of another, by the name that is given, in this process."""
    mixed = f"{name} by the rules of {base}"
    half = copy.copy(OF_REFERENCE[name])
    half.name = mixed  # type: ignore[misc]  # of this object only
    model = GENERATIONS[base]
    OF_REFERENCE[mixed] = half
    GENERATIONS[mixed] = replace(model, rules=replace(model.rules, name=mixed))
    try:
        yield mixed
    finally:
        del OF_REFERENCE[mixed], GENERATIONS[mixed]
