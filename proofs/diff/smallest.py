"""Makes a difference concrete: finds the smallest input that shows it, and runs it again on the reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import msgspec
import z3

from model.calls import NONE
from model.generations.generation import INVARIANTS
from model.properties import PROPERTIES
from proofs.interrupts import check, interruptible, raise_if_interrupted
from proofs.obligations.invariants import invariant
from reference.constants import MAX_ORDER

from .domains import interface_of
from .examine import PathDifference
from .explore import UndecidedError
from .numbers import Atom, Count, FlagsInModel, deciding
from .plan import Outcome
from .terms import Terms
from .unknowns import Unknowns
from .world import World, searching

ENOUGH = 20_000  # milliseconds for minimising an input


class Input(msgspec.Struct, frozen=True):
    """A state and a call for which the model differs from what it is compared with."""

    semantics: str
    operation: str
    how: str
    """The plan's label: domain, node, flags and blocks."""
    nodes: int
    domains: int
    state: dict[str, int | bool]
    """The state before the operation, by the model's names; entries that are 0, and no claim_node, are left out."""
    arguments: dict[str, Any]


class ReferenceDifference(Input, frozen=True):
    """Numbers for which the reference differs from the model."""

    reference: str
    """The reference's result."""
    after: dict[str, int | bool]
    """The reference's new values of the fields that it changes."""
    trace: list[str] = []
    """A trace from boot to the difference, as lines of a file; empty: the state may be unreachable."""


class NumberDecider:
    """Decides branches for one input of numbers."""

    def __init__(self, terms: Terms, model: Any) -> None:
        self._terms, self._model = terms, model

    def number(self, name: str) -> int:
        """The value of an unknown."""
        return int(self._model.eval(self._terms.number(name), model_completion=True).as_long())

    def decide(self, atom: Atom) -> bool:
        """See `Decider`."""
        return bool(z3.is_true(self._model.eval(self._terms.atom(atom), model_completion=True)))

    def choose(self, _name: str, options: Mapping[Any, Any]) -> Any:
        """See `Decider`."""
        return next(o for o, f in options.items() if z3.is_true(self._model.eval(f, model_completion=True)))

    def value(self, count: Count) -> int:
        """See `Decider`."""
        return count.constant + sum(times * self.number(name) for name, times in count.terms.items())


def smallest(differences: Sequence[PathDifference], unknowns: Unknowns, semantics: str) -> ReferenceDifference:
    """The input with the smallest numbers, if possible in a state that traces can reach.

    :raises UndecidedError: the solver gives no input, or the reference's result differs when it is run again with this
    input
    """
    difference, model = smallest_model(differences, unknowns, semantics)
    decider = NumberDecider(unknowns.terms, model)
    world = World(semantics, unknowns.size, unknowns.terms, difference.plan.there)
    with deciding(decider), searching(world):
        outcome = difference.plan.act(world)
        after = {name: known_value(value, decider) for name, value in world.observed().items()}
    if outcome.result != difference.outcome.result:
        raise UndecidedError(
            f"{difference.plan.operation}: run again on the input found, the reference returned {outcome.result}"
        )
    return _difference(difference, unknowns, semantics, decider, model, outcome, after)


def known_value(value: Any, decider: NumberDecider) -> Any:
    return decider.value(value) if isinstance(value, Count) else bool(value) if not isinstance(value, int) else value


def _difference(
    difference: PathDifference,
    unknowns: Unknowns,
    semantics: str,
    decider: NumberDecider,
    model: Any,
    outcome: Outcome,
    after: dict[str, Any],
) -> ReferenceDifference:
    state: dict[str, int | bool] = {}
    arguments: dict[str, int] = {}
    for name in unknowns.terms.numbers:
        value = decider.number(name)
        if name not in unknowns.before:
            arguments[name] = value
        elif value != (NONE if name.startswith("claim_node") else 0) and not _says_nothing(name, semantics):
            state[name] = value
    for name, term in unknowns.terms.flags.items():
        if z3.is_true(model.eval(term, model_completion=True)):
            state[name] = True
    return ReferenceDifference(
        semantics,
        difference.plan.operation,
        difference.plan.label,
        unknowns.size.nodes,
        unknowns.size.domains,
        state,
        _asked(difference, unknowns, semantics, arguments, model),
        outcome.result,
        after,
    )


def _says_nothing(name: str, semantics: str) -> bool:
    return name.startswith("claim_node") and not interface_of(semantics).has_claim_node


def _asked(
    difference: PathDifference, unknowns: Unknowns, semantics: str, numbers: dict[str, int], model: Any
) -> dict[str, Any]:
    """The arguments, by the model's names; for a script, only those that are numbers."""
    plan = difference.plan
    if plan.script is not None:
        return {name: value for name, value in numbers.items() if name in ("order", "pages", "extent_order")}
    given = plan.arguments(World(semantics, unknowns.size, unknowns.terms, plan.there))
    return {name: _told(v, model) for name, v in given.items() if name not in ("candidates", "has_block")}


def _told(value: Any, model: Any) -> Any:
    if isinstance(value, FlagsInModel):
        return [_told(unknown_part, model) for unknown_part in (value / (1 << 8) % (1 << 8), value / (1 << 17) % 2)]
    if isinstance(value, z3.ArithRef):
        return int(model.eval(value, model_completion=True).as_long())
    if isinstance(value, z3.BoolRef):
        return z3.is_true(model.eval(value, model_completion=True))
    if isinstance(value, frozenset | list | tuple):
        return [_told(part, model) for part in (sorted(value) if isinstance(value, frozenset) else value)]
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _told(getattr(value, f.name), model) for f in fields(value)}
    return value


def smallest_model(
    differences: Sequence[PathDifference], unknowns: Unknowns, semantics: str, few: bool = False
) -> tuple[PathDifference, Any]:
    """A smallest model: in a state that traces can reach, else one with all promises of claim sets, else any.

    :param few: rather few numbers that are not 0 than small ones
    """
    linked = _orders(unknowns.terms)
    promised = [invariant(name, unknowns.host, unknowns.state) for name in INVARIANTS if name in PROPERTIES]
    promised = [term for term in promised if term is not True]
    like_traces = _like_traces(unknowns, semantics)
    for wanted in ([*promised, *like_traces], like_traces, promised, []):
        for difference in differences:
            model = _minimal([difference.where, *difference.plan.plausible, *linked, *wanted], unknowns.terms, few)
            if model is not None:
                return difference, model
    for difference in differences:
        model = _minimal([difference.where], unknowns.terms, few)
        if model is not None:
            return difference, model
    raise UndecidedError("the solver found no input for the difference")


def _orders(terms: Terms) -> list[Any]:
    """Formulas that pages are 2^order; in other queries they may be any number."""
    if "order" not in terms.numbers or "pages" not in terms.numbers:
        return []
    order, pages = terms.number("order"), terms.number("pages")
    powers = [z3.And(order == o, pages == 1 << o) for o in range(MAX_ORDER + 1)]
    return [z3.Or(*powers, order > MAX_ORDER)]


def _like_traces(unknowns: Unknowns, semantics: str) -> list[Any]:
    """Facts about the states that `proofs.diff.trace` makes: claims are installed first, then pages go offline."""
    s, host = unknowns.state, unknowns.host
    found = []
    for d in range(host.domains):
        found.append(s.tot_pages[d] == s.assigned_pages.row(d).total())
        found.append(z3.Or(z3.Not(s.is_dying[d]), z3.And(s.global_claims[d] == 0, s.node_claims[d] == 0)))
        found.append(z3.Or(s.controller_pause_count[d] == 1, s.creation_finished[d]))
        found += [s.controller_pause_count[d] <= 1, s.stash_pages[d] == 0, z3.Not(s.is_dead[d]), s.last_frees[d] == 0]
        if interface_of(semantics).has_claim_node:
            found.append(z3.Or(s.claim_node[d] == NONE, s.held(d) > 0))
    for n in range(host.nodes):
        found.append(s.node_outstanding_claims[n] <= s.node_avail_pages[n] + s.offlined_pages[n])
    found.append(s.outstanding_claims <= s.total_avail_pages + s.offlined_pages.total())
    return found


def _zeros(formulas: list[Any], numbers: Sequence[Any]) -> list[Any]:
    """Formulas that numbers are 0 which can be so together, none of the others being 0 then."""
    solver = interruptible(z3.SimpleSolver())
    solver.set("timeout", ENOUGH // 20)
    solver.add(*formulas)
    if check(solver) != z3.sat:
        return []
    found, model = [], solver.model()
    for number in numbers:
        is_zero = number == 0
        if not z3.is_true(model.eval(is_zero, model_completion=True)):
            solver.push()
            solver.add(is_zero)
            if check(solver) != z3.sat:
                solver.pop()
                continue
            model = solver.model()
        solver.add(is_zero)
        found.append(is_zero)
    return found


def _minimal(formulas: list[Any], terms: Terms, few: bool) -> Any | None:
    optimize = z3.Optimize()
    optimize.set("timeout", ENOUGH)
    optimize.add(*formulas)
    names = [t for n, t in terms.numbers.items() if not n.endswith((".target", "mem_flags.high"))]
    if few:
        optimize.add(*_zeros(formulas, names))
    optimize.minimize(z3.Sum([z3.If(t < 0, -t, t) for t in names]))
    if optimize.check() == z3.sat:
        return optimize.model()
    raise_if_interrupted()
    solver = interruptible(z3.SimpleSolver())
    solver.add(*formulas)
    answer = check(solver)
    if answer == z3.unknown:
        raise UndecidedError(f"the solver gives no input: {solver.reason_unknown()}")
    return solver.model() if answer == z3.sat else None
