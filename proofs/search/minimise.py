"""A shortest trace: depth first, then the fewest domains, nodes, pages, and the smallest arguments."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import z3

from model.logic import Term, all_of, any_of, negation
from proofs.interrupts import check, interrupts_noted
from proofs.search.events import Trace, UntraceableStepError, trace_of
from proofs.search.kept import may_break
from proofs.search.steps import parts_of
from proofs.search.unroll import Unrolling

LIKELY = 16
"""More pages of a host than it must have, or in the arguments of a trace, up to which one more is tried."""


@dataclass(frozen=True)
class SearchRequest:
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
    unless: tuple[str, ...] = ()
    """Statements about states that are known to rule it out: the last event breaks it only where one does not hold
    before, or where the event is what the conditions `waived` exclude."""
    waived: tuple[str, ...] = ()
    few: bool = False
    """Only hosts with a page more than nodes: quick, and enough for most."""


@dataclass(frozen=True)
class SearchResult:
    """A shortest trace, or no trace up to a depth; `unknown` says why the search ended early."""

    trace: Trace | None
    searched_depth: int
    seconds: float
    unknown: str = ""
    how: str = ""
    """How it was searched, if not in the model."""
    any_length: bool = False
    """There is no trace of any length on hosts of these sizes: no step breaks the property."""
    untold: int = 0
    """Events of a shorter trace that cannot be written down; 0 if there is none."""
    cpu: float = 0.0
    """Seconds of processor time, of all searches that were made together until this one ended."""


class InterruptedSearch(KeyboardInterrupt):
    """Ctrl-C, with the number of events up to which there is no trace."""

    def __init__(self, searched_depth: int) -> None:
        super().__init__()
        self.searched_depth = searched_depth


class _SearchLimitError(Exception):
    """The solver did not decide within its limits."""


def _check(solver: z3.Solver, *assumptions: Term) -> bool:
    answer = check(solver, *assumptions)
    if answer == z3.unknown:
        raise _SearchLimitError(solver.reason_unknown())
    return bool(answer == z3.sat)


def search(asked: SearchRequest) -> SearchResult:
    """Depth, domains and nodes ascending: the first trace found is on the smallest host, but for its pages."""
    return search_together([asked])[0]


def search_together(asked: Sequence[SearchRequest]) -> list[SearchResult]:
    """Several searches that differ in their property and their depth only, with what they share done once.

    :raises InterruptedSearch: Ctrl-C
    """
    with interrupts_noted():
        return _search_together(asked)


def _search_together(asked: Sequence[SearchRequest]) -> list[SearchResult]:
    started, cpu = time.perf_counter(), time.process_time()
    one = asked[0]
    sizes = list(product(range(one.domains + 1), range(1, one.nodes + 1)))
    hosts: dict[tuple[int, int], Unrolling] = {}
    searches = [_Search(each, len(sizes)) for each in asked]
    for depth, size in product(range(max(each.depth for each in asked) + 1), sizes):
        try:
            looking = [s for s in searches if s.found is None and size not in s.settled and depth <= s.asked.depth]
            if not looking or size[0] > depth:
                continue
            host = hosts.get(size) or _unrolled(asked, *size)
            hosts[size] = host
            if host.depth < depth:
                host.grow()
            for each in looking:
                each.look(host)
                if each.found is not None:
                    taken = time.perf_counter() - started
                    each.found = replace(each.found, seconds=taken, cpu=time.process_time() - cpu)
        except KeyboardInterrupt:
            raise InterruptedSearch(depth - 1) from None
    taken = time.perf_counter() - started
    return [each.found or replace(each.nothing(taken), cpu=time.process_time() - cpu) for each in searches]


def _unrolled(asked: Sequence[SearchRequest], domains: int, nodes: int) -> Unrolling:
    one, parts = asked[0], [part for each in asked for part in parts_of(each.property)]
    unrolled = Unrolling(one.semantics, one.mutation, parts, one.assumed, nodes, domains, one.seed)
    if one.rlimit:
        unrolled.solver.set("rlimit", one.rlimit)
    return unrolled


class _Search:
    """One of several searches, and how it ended if it did."""

    def __init__(self, asked: SearchRequest, hosts: int) -> None:
        self.asked, self.hosts, self.parts = asked, hosts, parts_of(asked.property)
        self.settled: set[tuple[int, int]] = set()
        """Sizes of hosts, in domains and nodes, on which no step breaks the property."""
        self.untold = 0
        self.found: SearchResult | None = None

    def look(self, host: Unrolling) -> None:
        """Whether there is a trace as long as the host was grown."""
        try:
            if not may_break(host, self.parts):
                self.settled.add((host.created, host.nodes))
            elif self._breaks(host):
                trace = self._smallest(host)
                if trace is not None:
                    shorter = self.untold if self.untold < host.depth else 0
                    self.found = SearchResult(trace, host.depth, 0, untold=shorter)
                self.untold = self.untold or host.depth
        except _SearchLimitError as reason:
            self.found = SearchResult(None, max(host.depth - 1, 0), 0, str(reason), untold=self.untold)

    def nothing(self, seconds: float) -> SearchResult:
        """No trace was found, and the search did not give up."""
        everywhere = len(self.settled) == self.hosts
        return SearchResult(None, self.asked.depth, seconds, any_length=everywhere, untold=self.untold)

    def _breaks(self, host: Unrolling) -> bool:
        """A trace of just this depth: looked for with few pages first, which is quick, then with any number."""
        broken, solver = self._broken(host), host.solver
        solver.add(z3.Implies(broken, host.broken(self.parts)))
        if self.asked.unless and host.steps:
            solver.add(z3.Implies(broken, host.not_ruled_out(self.asked.unless, self.asked.waived)))
        few = [_within(solver, host.pages() - host.least_pages(), 1)]
        for bounds in [few] if self.asked.few else [few, []]:
            if _check(solver, broken, *bounds):
                if _check(solver, broken, host.told, *bounds):
                    return True
                self.untold = self.untold or host.depth
        return False

    def _broken(self, host: Unrolling) -> z3.BoolRef:
        """The property is broken by the last step."""
        return z3.Bool(f"{self.asked.property} broken@{host.depth}")

    def _smallest(self, host: Unrolling) -> Trace | None:
        """The smallest host first, then the smallest arguments of the same transitions; None if no trace tells it."""
        solver, asked = host.solver, self.asked
        solver.push()
        try:
            solver.add(self._broken(host), host.told)
            while _check(solver):
                solver.push()
                model = _at_most(solver, host.pages() - host.least_pages(), 0)  # every node has a page at least
                chosen = []
                for choice in host.choices:
                    first, model = _first(solver, model, choice)
                    chosen.append(first)
                _at_most(solver, host.numbers(), 0)
                model = _at_most(solver, host.targets(), 0)
                for term in host.told_numbers(chosen):
                    model = _least(solver, model, term)
                solver.pop()
                try:
                    return trace_of(asked.semantics, asked.mutation, asked.property, host, model, self.parts)
                except UntraceableStepError:
                    solver.add(negation(all_of(chosen)))
            return None
        finally:
            solver.pop()


def _within(solver: z3.Solver, measure: Term, bound: int) -> Term:
    """A literal that keeps a measure to a bound."""
    literal = z3.FreshBool("within")
    solver.add(z3.Implies(literal, measure <= bound))
    return literal


def _least(solver: z3.Solver, model: z3.ModelRef, term: Term) -> z3.ModelRef:
    """A trace in which the number is least, or the choice is not made; the solver is kept to it."""
    measure = z3.If(term, 1, 0) if z3.is_bool(term) else term
    if model.eval(measure, True).as_long() > 0:
        return _at_most(solver, measure, 0)
    solver.add(measure <= 0)
    return model


def _first(solver: z3.Solver, model: z3.ModelRef, choice: list[Term]) -> tuple[Term, z3.ModelRef]:
    """The first of these transitions that a trace takes here, and such a trace; the solver is kept to it."""
    while True:
        number = next(i for i, chosen in enumerate(choice) if z3.is_true(model.eval(chosen, True)))
        earlier = z3.FreshBool("earlier")
        solver.add(z3.Implies(earlier, any_of(choice[:number])))
        if not number or not _check(solver, earlier):
            solver.add(choice[number])
            return choice[number], model
        model = solver.model()


def _at_most(solver: z3.Solver, measure: Term, bound: int) -> z3.ModelRef:
    """A trace of the least measure, which is `bound` or more; the solver is kept to it. Small ones are likely."""
    below, step, likely = bound - 1, 1, bound + LIKELY
    while not _check(solver, _within(solver, measure, bound)):
        below, bound = bound, bound + step
        step = step if bound < likely else 2 * step
    model = solver.model()
    while bound - below > 1:
        middle = (below + bound) // 2
        if _check(solver, _within(solver, measure, middle)):
            bound, model = middle, solver.model()
        else:
            below = middle
    solver.add(measure <= bound)
    return model
