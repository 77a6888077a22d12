"""A shortest trace: depth first, then the fewest domains, nodes, pages, and the smallest arguments."""

import time
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

import z3

from model.logic import Term
from proofs.search.events import Trace, trace_of
from proofs.search.unroll import Unrolled, parts_of


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
    few: bool = False
    """Only hosts with a page more than nodes: quick, and enough for most."""


@dataclass(frozen=True)
class Found:
    """A shortest trace, or none up to a depth; `unknown` says why the search could not go on."""

    trace: Trace | None
    searched_depth: int
    seconds: float
    unknown: str = ""
    how: str = ""
    """How it was searched, if not in the model."""


class _Undecided(Exception):
    """The solver did not decide within its limits."""


def _check(solver: z3.Solver, *assumptions: Term) -> bool:
    answer = solver.check(*assumptions)
    if answer == z3.unknown:
        raise _Undecided(solver.reason_unknown())
    return bool(answer == z3.sat)


def search(asked: Asked) -> Found:
    """Depth, domains and nodes ascending: the first trace found is on the smallest host, but for its pages."""
    started = time.perf_counter()
    depth = 0
    hosts: dict[tuple[int, int], Unrolled] = {}
    try:
        for depth in range(asked.depth + 1):
            for domains, nodes in product(range(min(depth, asked.domains) + 1), range(1, asked.nodes + 1)):
                unrolled = hosts.get((domains, nodes)) or _unrolled(asked, nodes, domains)
                hosts[domains, nodes] = unrolled
                if unrolled.depth < depth:
                    unrolled.grow()
                if _breaks(unrolled, asked.few):
                    trace = _fewest_pages(asked, unrolled)
                    return Found(trace, depth, time.perf_counter() - started)
    except _Undecided as reason:
        return Found(None, max(depth - 1, 0), time.perf_counter() - started, str(reason))
    return Found(None, asked.depth, time.perf_counter() - started)


def _unrolled(asked: Asked, nodes: int, domains: int) -> Unrolled:
    parts = parts_of(asked.property)
    unrolled = Unrolled(asked.semantics, asked.mutation, parts, asked.assumed, nodes, domains, asked.seed)
    if asked.rlimit:
        unrolled.solver.set("rlimit", asked.rlimit)
    return unrolled


def _breaks(unrolled: Unrolled, few: bool) -> bool:
    """A trace of just this depth: looked for with few pages first, which is quick, then with any number."""
    broken, solver = z3.Bool(f"broken@{unrolled.depth}"), unrolled.solver
    solver.add(z3.Implies(broken, unrolled.broken()))
    if _check(solver, broken, _within(solver, unrolled.pages(), unrolled.nodes + 1)):
        return True
    return not few and _check(solver, broken)


def _within(solver: z3.Solver, measure: Term, bound: int) -> Term:
    """A literal that keeps a measure to a bound."""
    literal = z3.Bool(f"at-most-{bound}-{measure.get_id()}")
    solver.add(z3.Implies(literal, measure <= bound))
    return literal


def _fewest_pages(asked: Asked, unrolled: Unrolled) -> Trace:
    """The smallest host first, then the smallest arguments of the same transitions. Every node has a page at least."""
    solver = unrolled.solver
    solver.add(z3.Bool(f"broken@{unrolled.depth}"))
    model = _at_most(solver, unrolled.pages(), unrolled.nodes)
    for choice in unrolled.choices:
        solver.add(*[c for c in choice if z3.is_true(model.eval(c, model_completion=True))])
    model = _at_most(solver, unrolled.numbers(), 0)
    return trace_of(asked.semantics, asked.mutation, asked.property, unrolled, model)


def _at_most(solver: z3.Solver, measure: Term, bound: int) -> z3.ModelRef:
    """A trace within the least bound, from one on upwards, within which there is any; it is kept to."""
    while True:
        within = _within(solver, measure, bound)
        if _check(solver, within):
            model = solver.model()
            solver.add(within)
            return model
        bound += 1


def as_builtins(found: Found) -> dict[str, Any]:
    """For JSON."""
    return asdict(found)
