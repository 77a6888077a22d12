"""Searches for a difference between two compared calls: the shortest trace from boot to a state where they differ.

The search runs in the model as in `proofs.search`: fewest events, then domains, nodes, pages, smallest arguments. In a
comparison of two generations, both do the same in each event before the last. The later generation runs the events of
single-node-v4, with one-node sets for its claims.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, product
from typing import Any

import z3

from model.generations.single_node import V4
from model.hosts.bounded import BoundedHost
from model.logic import Term, all_of, any_of, negation
from model.named import GENERATIONS
from model.properties import PROPERTIES
from model.properties.comparison import ACCEPTED, Comparison, Pair, answers
from model.properties.conditions import CONDITIONS
from model.state import State
from model.step import Step
from proofs.interrupts import check
from proofs.refinement.calls import WRITTEN, event_of
from proofs.search.events import Trace, trace_of
from proofs.search.unroll import Unrolling

ONE_NODE = "legacy-compatible.one-node"
CALLS_ITSELF = {"claim_on_node": "claim_memory"}
"""By transition of single-node-v4, the later generation's transition that replaces it."""


@dataclass(frozen=True)
class CallDifference:
    """Events that lead to a state from which two calls differ, and the two calls with their results."""

    semantics: str
    other: str
    """The generation of the other call, which may be the same."""
    part: str
    transition: str
    without: str
    """The premise that does not hold; empty: all hold, and the property is refuted."""
    before: Trace
    """The events in the generation of the search."""
    calls: tuple[dict[str, Any], dict[str, Any]]
    answers: tuple[str, str]

    @property
    def events(self) -> int:
        """The number of events, including the call."""
        return len(self.before.events) + 1


@dataclass(frozen=True)
class DifferenceQuery:
    """Which difference to search for: in all comparisons or one, with all premises or without one."""

    transition: str = ""
    without: str = ""


DEPTH = 6
"""The most events of a search for a difference."""


class SolverLimitError(Exception):
    """The solver did not decide within its limits."""


class Differences:
    """Searches for the differences of one generation in one part of the property."""

    def __init__(
        self,
        semantics: str,
        part: str,
        conditions: tuple[str, ...] = (),
        depth: int = DEPTH,
        nodes: int = 2,
        domains: int = 2,
        rlimit: int = 0,
    ) -> None:
        self.semantics, self.part, self.conditions = semantics, part, conditions
        self.depth, self.nodes, self.domains, self.rlimit = depth, nodes, domains, rlimit
        self.base = V4.name if part == ONE_NODE else semantics
        self.rules = GENERATIONS[semantics].rules
        self.compared = {
            name: comparison
            for name, comparison in PROPERTIES[part].compared.items()
            if name in GENERATIONS[semantics].transitions and name in WRITTEN
        }

    def search(self, sought: DifferenceQuery) -> CallDifference | None:
        """The shortest difference; None: there is no difference up to the depth.

        :raises SolverLimitError: the solver did not decide within its limits
        """
        hosts: dict[tuple[int, int], Unrolling] = {}
        for depth in range(1, self.depth + 1):
            for domains, nodes in product(range(1, min(depth, self.domains) + 1), range(1, self.nodes + 1)):
                unrolled = hosts.get((domains, nodes)) or self._unrolled(nodes, domains)
                hosts[domains, nodes] = unrolled
                if unrolled.depth < depth:
                    unrolled.grow()
                    self._keep_alike(unrolled)
                found = self._at_end(unrolled, sought)
                if found is not None:
                    return found
        return None

    def _unrolled(self, nodes: int, domains: int) -> Unrolling:
        unrolled = Unrolling(self.base, "", [], self.conditions, nodes, domains)
        unrolled.solver.add(unrolled.told)
        if self.rlimit:
            unrolled.solver.set("rlimit", self.rlimit)
        return unrolled

    def _keep_alike(self, unrolled: Unrolling) -> None:
        """Every event before the last has the same effect in both generations, and does not crash the host."""
        for choice, name in zip(unrolled.choices[-1], unrolled.names, strict=True):
            comparison = PROPERTIES[self.part].compared.get(CALLS_ITSELF.get(name, name))
            # Steps of several sections are compared section by section.
            if name.endswith("crashes") or (self.base != self.semantics and comparison is None):
                unrolled.solver.add(negation(choice))
            elif self.base != self.semantics and comparison is not None:
                host, pair = self._pair(unrolled, f"{unrolled.depth}.{name}.", comparison, unrolled.states[-2])
                unrolled.solver.add(z3.Implies(choice, pair.same(host)), *host.axioms)

    def _pair(self, unrolled: Unrolling, prefix: str, comparison: Comparison, state: State) -> tuple[BoundedHost, Pair]:
        host = BoundedHost(unrolled.nodes, unrolled.domains)
        host.prefix = prefix
        return host, comparison.build(host, state, self.rules)

    def _at_end(self, unrolled: Unrolling, sought: DifferenceQuery) -> CallDifference | None:
        """A difference in the last state: one query for all comparisons, then one query for each."""
        differs = dict(self._differ(unrolled, sought))
        if _model(unrolled.solver, any_of(d for _, d in differs.values()), _few(unrolled, 1)) is None:
            return None
        host = BoundedHost(unrolled.nodes, unrolled.domains)
        for name, (pair, formula) in differs.items():
            accepted = any_of(answers(step, host)[ACCEPTED] for step in (pair.one, pair.other))
            # Prefer a difference that is more than another errno.
            for wanted in (all_of([formula, accepted]), formula):
                model = _smallest(unrolled, wanted, _numbers(pair, unrolled))
                if model is not None:
                    return self._difference(unrolled, name, pair, sought.without, model)
        raise AssertionError("one of them differs")

    def _differ(self, unrolled: Unrolling, sought: DifferenceQuery) -> Iterator[tuple[str, tuple[Pair, Term]]]:
        """For each comparison, the formula that the two differ in the last state, with new arguments."""
        for name, comparison in self.compared.items():
            if sought.transition not in ("", name):
                continue
            host, pair = self._pair(unrolled, f"{unrolled.depth}.last.{name}.", comparison, unrolled.states[-1])
            unrolled.solver.add(*host.axioms)
            holds = [
                negation(premise.formula(host)) if premise.name == sought.without else premise.formula(host)
                for premise in pair.premises
            ]
            if sought.without and all(premise.name != sought.without for premise in pair.premises):
                continue
            touched = [c for c in self.conditions if name in CONDITIONS[c].transitions]
            granted = [CONDITIONS[c].guard(pair.one)(host) for c in touched]
            yield name, (pair, all_of([*holds, *granted, negation(pair.same(host)), _can_be_written(pair.one)]))

    def _difference(
        self, unrolled: Unrolling, name: str, pair: Pair, without: str, model: z3.ModelRef
    ) -> CallDifference:
        host, before = (
            BoundedHost(unrolled.nodes, unrolled.domains),
            trace_of(self.base, "", self.part, unrolled, model),
        )
        other = self.base if self.part == ONE_NODE else self.semantics
        calls = event_of(pair.one, model, before), event_of(pair.other, model, before)
        given = _answer(pair.one, host, model), _answer(pair.other, host, model)
        return CallDifference(self.semantics, other, self.part, name, without, before, calls, given)


def _few(unrolled: Unrolling, more: int) -> Term:
    """The formula that there are at most ``more`` pages more than nodes."""
    return unrolled.pages() <= unrolled.nodes + more


def _smallest(unrolled: Unrolling, wanted: Term, numbers: Term) -> z3.ModelRef | None:
    """A model with the fewest pages, then the smallest arguments."""
    for few in (_few(unrolled, 0), _few(unrolled, 1)):
        if _model(unrolled.solver, wanted, few) is not None:
            smaller = (_model(unrolled.solver, wanted, few, numbers <= least) for least in count())
            return next(model for model in smaller if model is not None)
    return None


def _model(solver: z3.Solver, *wanted: Term) -> z3.ModelRef | None:
    solver.push()
    try:
        solver.add(*wanted)
        answer = check(solver)
        if answer == z3.unknown:
            raise SolverLimitError(solver.reason_unknown())
        return solver.model() if answer == z3.sat else None
    finally:
        solver.pop()


def _numbers(pair: Pair, unrolled: Unrolling) -> Term:
    pages = [step.arguments["pages"] for step in (pair.one, pair.other) if "pages" in step.arguments]
    limits = [pair.one.arguments["max_pages"]] if "max_pages" in pair.one.arguments else []
    return z3.Sum([unrolled.numbers(), *pages, *limits])


def _can_be_written(step: Step) -> Term:
    """An allocation is of one page, or of two if the node is unused and so has adjacent pages."""
    if step.place is None or "exact_node" not in step.arguments:
        return True
    s, node, pages = step.before, step.place, step.arguments["pages"]
    untouched = all_of([pages == 2, s.node_avail_pages[node] == s.installed_pages[node]])
    there = all_of([step.arguments["requested_node"] == node, negation(step.arguments["anywhere"])])
    return all_of([any_of([pages == 1, untouched]), step.arguments["exact_node"], there])


def _answer(step: Step, host: BoundedHost, model: z3.ModelRef) -> str:
    found = answers(step, host)
    return next(
        name for name, formula in found.items() if z3.is_true(model.eval(_term(formula), model_completion=True))
    )


def _term(formula: Term) -> Term:
    return z3.BoolVal(formula) if isinstance(formula, bool) else formula
