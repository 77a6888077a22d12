"""One operation of one generation on one shape: every path, compared; and that the paths leave nothing out."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import z3

from proofs.diff.execution import Execution, Found
from proofs.diff.explorer import Explorer, left_out
from proofs.diff.merging import MergedChecks, merged_helpers
from proofs.diff.numbers import ExplorationError
from proofs.diff.operations.registry import OPERATIONS
from proofs.diff.search_world import lazy_candidates


@dataclass
class Compared:
    """What the exploration of an operation gave."""

    semantics: str
    operation: str
    nodes: int
    domains: int
    paths: int = 0
    queries: int = 0
    seconds: float = 0.0
    complete: bool = False
    """The solver showed that the paths leave out no input."""
    unknown: str = ""
    """Why the exploration did not come to its end; empty if it did."""
    cases: set[tuple[str, str]] = field(default_factory=set)
    found: list[Found] = field(default_factory=list)


def compare(semantics: str, operation: str, nodes: int, domains: int) -> Compared:
    """Run the reference's code on every path and compare it with the model."""
    began = time.perf_counter()
    compared = Compared(semantics, operation, nodes, domains)
    explorer = Explorer()
    x = Execution(explorer, semantics, nodes, domains)
    run = OPERATIONS[operation].run

    def program() -> None:
        x.begin()
        x.host.semantics = MergedChecks(x, x.host.semantics)  # type: ignore[assignment]  # all of it but one check
        run(x)

    try:
        with lazy_candidates(lambda: x.world), merged_helpers(x):
            for _path in explorer.explore(program):
                pass
        compared.complete = _complete(explorer)
    except ExplorationError as error:
        compared.unknown = f"{type(error).__name__}: {error}"
    compared.paths, compared.queries = explorer.paths, explorer.queries
    compared.cases, compared.found = x.cases_met, x.found
    compared.seconds = time.perf_counter() - began
    return compared


def _complete(explorer: Explorer) -> bool:
    """Whether the disjunction of all path conditions is valid."""
    for missing in left_out(explorer.root):
        solver = z3.SimpleSolver()
        solver.add(missing)
        explorer.queries += 1
        if solver.check() != z3.unsat:
            return False
    return True
