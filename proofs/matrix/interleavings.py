"""Three builders and a running domain at once: every order of their critical sections, up to a number of steps.

A proof for any host covers every order of any number of builders, as it is of each critical section by itself, from any
state that the others may have left. What is refuted is searched here again, from the state in which four domains
exist and one of them runs, with any number of operations of each under way: do more builders break it sooner?
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import z3

from model.properties import PROPERTIES
from proofs.interrupts import check, interrupts_noted
from proofs.matrix.cells import CellVerdict
from proofs.matrix.rows import MatrixRow
from proofs.parallel import in_processes
from proofs.prover.pool import prepare
from proofs.prover.verdict import Verdict
from proofs.search.steps import CREATES
from proofs.search.unroll import Unrolling

JUDGED = ("claims-protected", "redeemed-once")
NODES, BUILDERS = 2, 3
PAGES = NODES + 2
"""Of all nodes together at most: one for each builder and the running domain. Only single pages are allocated."""
STEPS = 3
WORK = 120_000_000
"""What the solver may spend on one question."""


@dataclass(frozen=True)
class InterleavingRequest:
    """Rows of one generation on the same conditions."""

    semantics: str
    conditions: tuple[str, ...]
    parts: tuple[str, ...]


@dataclass
class InterleavingResult:
    """How soon three builders and a running domain break a row, in critical sections."""

    semantics: str
    row: MatrixRow
    steps: int
    """Of the shortest way; 0 if there is none of so few steps as were searched."""
    searched: int
    """Steps up to which every order was searched."""
    unknown: str = ""
    """Why no more steps were: what the solver gave up with."""


def refuted(cells: Iterable[CellVerdict]) -> dict[tuple[str, MatrixRow], int]:
    """The rows that are searched here, each with the steps of its shortest trace: events but for creations."""
    return {
        (cell.semantics, cell.row): sum(event["op"] != CREATES for event in cell.trace.events)
        for cell in cells
        if cell.verdict is Verdict.REFUTED and cell.trace is not None
        if cell.row.part in PROPERTIES and PROPERTIES[cell.row.part].id in JUDGED
    }


def interleavings(rows: Iterable[tuple[str, MatrixRow]], jobs: int) -> list[InterleavingResult]:
    """Each of these rows of these generations, in their order."""
    groups: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for semantics, row in rows:
        groups.setdefault((semantics, row.conditions), []).append(row.part)
    asked = [
        InterleavingRequest(semantics, conditions, tuple(parts)) for (semantics, conditions), parts in groups.items()
    ]
    found = dict(in_processes(_searched, asked, jobs, prepare=prepare)) if asked else {}
    return [one for number in sorted(found) for one in found[number]]


def _searched(asked: InterleavingRequest) -> list[InterleavingResult]:
    with interrupts_noted():
        return search(asked)


def search(asked: InterleavingRequest, steps: int = STEPS) -> list[InterleavingResult]:
    """All rows are checked after each step."""
    parts = [PROPERTIES[name] for name in asked.parts]
    host = Unrolling(asked.semantics, "", parts, asked.conditions, NODES, BUILDERS + 1)
    host.run(BUILDERS)
    host.solver.add(host.pages() <= PAGES)
    host.solver.set("rlimit", WORK)
    found = {
        part.name: InterleavingResult(asked.semantics, MatrixRow(part.name, asked.conditions), 0, 0) for part in parts
    }
    for step in range(1, steps + 1):
        host.grow()
        for part in parts:
            one = found[part.name]
            if one.steps or one.unknown:
                continue
            answer = check(host.solver, host.broken([part]), host.told)
            if answer == z3.unknown:
                one.unknown = host.solver.reason_unknown()
            else:
                one.steps, one.searched = (step if answer == z3.sat else 0), step
    return list(found.values())
