"""A shortest trace: depth first, then the fewest domains, nodes, pages, and the smallest arguments."""

import time
from dataclasses import dataclass
from typing import Any

import z3

from model.logic import Term
from proofs.search.events import Trace, trace_of
from proofs.search.unroll import Unrolled


@dataclass(frozen=True)
class Asked:
    """What is searched for, and how far."""

    semantics: str
    property: str
    mutation: str = ""
    assumed: tuple[str, ...] = ()
    depth: int = 6
    nodes: int = 2
    domains: int = 2
    seed: int = 0
    rlimit: int = 0
    """Work allowed for one question to the solver; 0 for no limit."""


@dataclass(frozen=True)
class Found:
    """A shortest trace, or none up to a depth; `unknown` says why the search could not go on."""

    trace: Trace | None
    searched_depth: int
    seconds: float
    unknown: str = ""


class _Undecided(Exception):
    """The solver did not decide within its limits."""


def _check(solver: z3.Solver, *assumptions: Term) -> bool:
    answer = solver.check(*assumptions)
    if answer == z3.unknown:
        raise _Undecided(solver.reason_unknown())
    return bool(answer == z3.sat)


def search(asked: Asked) -> Found:
    """Iterative depth on the largest host asked for, then the smallest host at the depth found."""
    started = time.perf_counter()
    depth = 0
    try:
        largest = _unrolled(asked, asked.nodes, asked.domains)
        for depth in range(asked.depth + 1):
            if depth:
                largest.grow()
            if _breaks(largest):
                trace = _smallest(asked, depth)
                return Found(trace, depth, time.perf_counter() - started)
    except _Undecided as reason:
        return Found(None, max(depth - 1, 0), time.perf_counter() - started, str(reason))
    return Found(None, asked.depth, time.perf_counter() - started)


def _unrolled(asked: Asked, nodes: int, domains: int) -> Unrolled:
    unrolled = Unrolled(asked.semantics, asked.mutation, asked.property, asked.assumed, nodes, domains, asked.seed)
    if asked.rlimit:
        unrolled.solver.set("rlimit", asked.rlimit)
    return unrolled


def _breaks(unrolled: Unrolled) -> bool:
    broken = z3.Bool(f"broken@{unrolled.depth}")
    unrolled.solver.add(z3.Implies(broken, unrolled.broken()))
    return _check(unrolled.solver, broken)


def _smallest(asked: Asked, depth: int) -> Trace:
    for domains in range(1, asked.domains + 1):
        for nodes in range(1, asked.nodes + 1):
            unrolled = _unrolled(asked, nodes, domains)
            for _ in range(depth):
                unrolled.grow()
            if _breaks(unrolled):
                return _fewest_pages(asked, unrolled)
    raise AssertionError("the largest host had such a trace")


def _fewest_pages(asked: Asked, unrolled: Unrolled) -> Trace:
    solver = unrolled.solver
    solver.add(z3.Bool(f"broken@{unrolled.depth}"))
    for measure in (unrolled.pages(), unrolled.numbers()):
        bound = 0
        while True:
            within = z3.Bool(f"at-most-{bound}-{measure.get_id()}")
            solver.add(z3.Implies(within, measure <= bound))
            if _check(solver, within):
                solver.add(within)
                break
            bound += 1
    _check(solver)
    return trace_of(asked.semantics, asked.mutation, asked.property, unrolled, solver.model())


def as_builtins(found: Found) -> dict[str, Any]:
    """For JSON."""
    from dataclasses import asdict

    return asdict(found)
