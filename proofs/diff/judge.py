"""Whether a path of the reference ends as the model says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import z3

from model.calls import CRASH, INTERFACES, MISUSE, Call, Case, cases
from model.logic import is_false, is_true
from model.semantics import SEMANTICS

from .explore import Terms
from .plan import Outcome
from .scripts import Modelled
from .world import Start, World, entries_of, term_of


class Judge:
    """The model's cases for one plan, and what a path has to satisfy."""

    def __init__(self, semantics: str, start: Start, terms: Terms) -> None:
        self.start, self.terms = start, terms
        self.call = Call(SEMANTICS[semantics], start.host, start.state)
        self.before = entries_of(start.state)
        self._single = INTERFACES[semantics].has_claim_node
        self._after: dict[int, Mapping[str, Any]] = {}
        self._cases: dict[Any, list[Case]] = {}

    def cases(self, name: str, arguments: Mapping[str, Any], key: Any = None) -> list[Case]:
        """The cases of a call; with the same key the same."""
        found = self._cases.get(key)
        if found is None:
            found = self._cases[key] = cases(self.call, name, **arguments)
        return found

    def agrees(self, outcome: Outcome, world: World, modelled: list[Case]) -> Any:
        """That the first case whose condition holds has the outcome's result, answer and state, as a formula."""
        seen = self.seen(world)
        goal: Any = z3.BoolVal(False)
        for case in reversed(modelled):
            if is_false(case.condition):
                continue
            same = z3.BoolVal(False) if case.result != outcome.result else z3.And(list(self._same(case, outcome, seen, world)))
            goal = same if is_true(case.condition) else z3.If(case.condition, same, goal)
        return goal

    def agrees_with_script(self, outcome: Outcome, world: World, modelled: Modelled) -> Any:
        """That an operation of several sections ended as the model's script did."""
        if outcome.result != modelled.result:
            return z3.BoolVal(False)
        if outcome.result in (CRASH, MISUSE):
            return z3.BoolVal(True)
        told = [_equal(modelled.pages, term_of(self.terms, pages)) for pages in outcome.answer.values()]
        return z3.And([*told, *self.equal_states(entries_of(modelled.state), self.seen(world), world)])

    def seen(self, world: World) -> dict[str, Any]:
        """The reference's state as terms, by the names of the model."""
        return {name: term_of(self.terms, value) for name, value in world.observed().items()}

    def _same(self, case: Case, outcome: Outcome, seen: Mapping[str, Any], world: World) -> Iterator[Any]:
        if case.result in (CRASH, MISUSE):
            return
        for name, value in outcome.answer.items():
            yield _equal(case.answer[name], term_of(self.terms, value))
        yield from self.equal_states(self._effect(case), seen, world)

    def _effect(self, case: Case) -> Mapping[str, Any]:
        if case.effect is None:
            return self.before
        found = self._after.get(id(case))
        if found is None:
            found = self._after[id(case)] = entries_of(case.effect())
        return found

    def equal_states(self, modelled: Mapping[str, Any], seen: Mapping[str, Any], world: World) -> Iterator[Any]:
        """That every number is the same on both sides."""
        gone = tuple(f"[{d}]" for d in range(world.shape.domains) if d not in world.host.domains)
        for name, term in modelled.items():
            field, _, index = name.partition("[")
            if (field == "claim_node" and not self._single) or (gone and _of_domain(field) and f"[{index}".startswith(gone)):
                continue
            there = seen.get(name, self.before[name])
            if there is not term:
                yield _equal(there, term)
        for d in world.host.domains:
            if f"charged_pages[{d}]" in seen:
                limbo = [seen[f"limbo_pages[{d}][{n}]"] for n in range(world.shape.nodes)]
                yield _equal(seen[f"charged_pages[{d}]"], z3.Sum([seen[f"tot_pages[{d}]"], *limbo]))
                yield _equal(seen[f"charge_limit[{d}]"], seen[f"max_pages[{d}]"])


def _of_domain(field: str) -> bool:
    from model.calls import CALL_FIELDS
    from model.state import Shape

    return field != "is_created" and CALL_FIELDS[field].shape in (Shape.DOMAIN, Shape.CELL)


def _equal(one: Any, other: Any) -> Any:
    if isinstance(one, bool | int) and isinstance(other, bool | int):
        return z3.BoolVal(one == other)
    return one == other
