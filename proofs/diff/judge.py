"""Decides whether a path of the reference ends as the model requires."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from model.calls import CRASH, MISUSE, Call, Case, cases
from model.hosts.bounded import ListVector
from model.logic import all_of, is_false, is_true, negation
from model.named import GENERATIONS

from .domains import interface_of, key_of, signature
from .formulas import FALSE, TRUE, conjunction, equal, if_then_else
from .plan import Outcome
from .played import ModelOutcome
from .unknowns import LISTED, Unknowns, entries_of, linked, term_of
from .world import World


class Judge:
    """The model's cases for one plan, and the goals that they imply for paths."""

    def __init__(self, semantics: str, unknowns: Unknowns) -> None:
        self.before, self.terms = unknowns.before, unknowns.terms
        self.call = Call(GENERATIONS[semantics], unknowns.host, unknowns.state)
        self._single = interface_of(semantics).has_claim_node
        self._after: dict[int, Mapping[str, Any]] = {}
        self.made: dict[Any, list[Case]] = {}
        """Cases by (operation, candidates of the node search)."""
        self._goals: dict[Any, Any] = {}

    def cases(self, name: str, arguments: Callable[[], Mapping[str, Any]], key: Any) -> list[Case]:
        """The cases of a call, cached by the key."""
        found = self.made.get(key)
        if found is None:
            found = self.made[key] = cases(self.call, name, **arguments())
        return found

    def agrees(self, outcome: Outcome, world: World, of: list[Case]) -> Any:
        """The formula that the first applicable case has the outcome's result, answer and state."""
        seen = world.observed()
        copies = [value for pair in world.copies() for value in pair]
        told_and_seen = (
            signature(outcome.answer),
            signature(seen),
            signature({str(n): value for n, value in enumerate(copies)}),
        )
        key = id(of), outcome.result, *told_and_seen, tuple(world.host.domains)
        goal = self._goals.get(key)
        if goal is None:
            goal = self._goals[key] = self._goal(outcome, world, of, self._terms(seen))
        return goal

    def _goal(self, outcome: Outcome, world: World, of: list[Case], seen: Mapping[str, Any]) -> Any:
        goal = FALSE
        for case in reversed(of):
            if is_false(case.condition):
                continue
            same = FALSE
            if case.result == outcome.result:
                same = _all_of(self._same(case, outcome, seen, world))
            goal = same if is_true(case.condition) else if_then_else(case.condition, same, goal)
        return goal

    def agrees_with_script(self, outcome: Outcome, world: World, modelled: ModelOutcome) -> Any:
        """The formula that an operation of several sections ended as the model's script did."""
        if outcome.result != modelled.result or not outcome.answer.keys() <= modelled.answer.keys():
            return FALSE
        if outcome.result in (CRASH, MISUSE):
            return TRUE
        told = [equal(modelled.answer[name], term_of(self.terms, v)) for name, v in outcome.answer.items()]
        same = self.equal_states(entries_of(modelled.state), self._terms(world.observed()), world)
        return _all_of([*told, *same])

    def _terms(self, seen: Mapping[str, Any]) -> dict[str, Any]:
        return {name: term_of(self.terms, value) for name, value in seen.items()}

    def _same(self, case: Case, outcome: Outcome, seen: Mapping[str, Any], world: World) -> Iterator[Any]:
        if case.result in (CRASH, MISUSE):
            return
        answer = told(case)
        for name, value in outcome.answer.items():
            yield equal(answer[name], term_of(self.terms, value))
        yield from self.equal_states(self.changes(case), seen, world)

    def changes(self, case: Case) -> Mapping[str, Any]:
        """The changes of a case."""
        if case.effect is None:
            return {}
        found = self._after.get(id(case))
        if found is None:
            before = self.before
            after = entries_of(case.effect())
            found = self._after[id(case)] = {n: term for n, term in after.items() if term is not before[n]}
        return found

    def equal_states(self, modelled: Mapping[str, Any], seen: Mapping[str, Any], world: World) -> Iterator[Any]:
        """Equations of all numbers on both sides; a number missing on one side is unchanged there."""
        domains, there = range(world.shape.domains), world.host.domains
        for name in {**modelled, **seen}:
            field = name.partition("[")[0]
            if (field == "claim_node" and not self._single) or field in LISTED:
                continue
            ours, theirs = seen.get(name, self.before[name]), modelled.get(name, self.before[name])
            if ours is not theirs:
                yield equal(ours, theirs)
        yield from self._consistent(seen, world)
        for d in domains:
            created, destroyed = (modelled.get(f"{name}[{d}]", self.before[f"{name}[{d}]"]) for name in LISTED)
            yield equal(d in there, all_of([created, negation(destroyed)]))

    def _consistent(self, seen: Mapping[str, Any], world: World) -> Iterator[Any]:
        """Assumptions about states that are not properties of the model: they must hold again afterwards."""
        for one, other in world.copies():
            if key_of(one) != key_of(other):
                yield equal(term_of(self.terms, one), term_of(self.terms, other))
        if any(name.startswith(("claim", "global_claims")) for name in seen):
            yield from linked(self.call.semantics.name, self.call.host, lambda n: seen.get(n, self.before[n]))


def told(case: Case) -> dict[str, Any]:
    """The answer of a case as single numbers."""
    found: dict[str, Any] = {}
    for name, value in case.answer.items():
        if isinstance(value, ListVector):
            found.update({f"{name}[{n}]": entry for n, entry in enumerate(value.entries)})
        else:
            found[name] = value
    return found


def _all_of(formulas: Iterable[Any]) -> Any:
    kept = []
    for formula in formulas:
        if formula is False:
            return FALSE
        if formula is not True:
            kept.append(formula)
    return conjunction(kept)
