"""Decides whether a path of the C function ends as the model requires."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from z3 import is_true

from model.calls import Call, Case, Script, ScriptSection, cases
from model.named import GENERATIONS
from proofs.diff import formulas as f
from proofs.diff.domains import signature
from proofs.diff.judge import Judge
from proofs.diff.pages import searched
from proofs.diff.plan import Outcome, Plan, Table
from proofs.diff.played import ModelOutcome, chosen_case, model_outcome, sections_run
from proofs.diff.unknowns import Unknowns, entries_of
from proofs.diff.world import World

from .world import CWorld


class CJudge(Judge):
    """Compares the counters that the map names; the others of the model have no place in C."""

    def __init__(self, semantics: str, unknowns: Unknowns) -> None:
        super().__init__(semantics, unknowns)
        self.unknowns = unknowns
        self._sections: dict[Any, list[Case]] = {}
        """The cases of a script's section, by the searches and the cases before."""
        self._states: dict[Any, Any] = {}
        self._script_goals: dict[Any, Any] = {}
        self._chosen_goals: dict[Any, tuple[Any, Any]] = {}
        """With the goals that they are made of, whose ids the solver would use again."""

    def equal_states(self, modelled: Mapping[str, Any], seen: Mapping[str, Any], world: Any) -> Iterator[Any]:
        """Equations of the counters that both have."""
        compared = world.counters_compared
        known = {name: value for name, value in modelled.items() if name.partition("[")[0] in compared}
        return super().equal_states(known, seen, world)

    def goal(self, plan: Plan, world: CWorld, outcome: Outcome) -> Any:
        """The formula that the path ended as the model says."""
        return self._where_chosen(self._goal_of(plan, world, outcome), world)

    def _where_chosen(self, goal: Any, world: CWorld) -> Any:
        """The goal for inputs whose last nodes are those that the path has chosen."""
        chosen = [(name, value) for name, value in world.before.items() if name.startswith("last_alloc_node")]
        key = goal.get_id(), tuple(chosen)
        if chosen and key not in self._chosen_goals:
            others = [f.negation(f.equal(self.terms.number(name), value)) for name, value in chosen]
            self._chosen_goals[key] = f.disjunction([*others, goal]), goal
        return self._chosen_goals[key][0] if chosen else goal

    def _goal_of(self, plan: Plan, world: CWorld, outcome: Outcome) -> Any:
        of: Any = world  # it answers what a host of the reference does
        if plan.script is None:
            key = plan.operation, tuple(world.searches)
            return self.agrees(outcome, of, self.cases(plan.operation, partial(plan.arguments, of), key))
        table = Table(plan.script.blocks(of))
        taken, modelled = self._played(plan.script.script(table), table, world, self._decided)
        told = signature(outcome.answer), signature(world.observed())
        goal_key = taken, outcome.result, told
        if goal_key not in self._script_goals:
            self._script_goals[goal_key] = self.agrees_with_script(outcome, of, modelled)
        return self._script_goals[goal_key]

    def expected(self, plan: Plan, world: CWorld, model: Any) -> tuple[str, Mapping[str, Any]]:
        """The model's result for the numbers of an assignment, and its counters afterwards."""
        of: Any = world
        if plan.script is not None:
            table = Table(plan.script.blocks(of))
            _, ended = self._played(plan.script.script(table), table, world, self._decided)
            return ended.result, entries_of(ended.state)
        for case in cases(self.call, plan.operation, **plan.arguments(of)):
            holds = case.condition
            if holds is True or (holds is not False and is_true(model.eval(holds, model_completion=True))):
                return case.result, self.changes(case)
        return "none", {}

    def _decided(self, _taken: Any, found: list[Case]) -> Case:
        """A branch for every possible case."""
        return chosen_case(found, self.terms)

    def sections(self) -> Mapping[Any, list[Case]]:
        """The cases of every section of scripts, by the searches and the cases before."""
        return self._sections

    def section(self, plan: Plan, taken: Any) -> list[Case]:
        """The cases of the section of a plan's script that follows these cases."""
        assert plan.script is not None
        world: Any = World(self.call.semantics.name, self.unknowns.size, self.terms, plan.there)
        world.searches = list(taken[0])
        table = Table(plan.script.blocks(world))
        if taken not in self._sections:
            self._played(plan.script.script(table), table, world, lambda before, found: _next(taken, before, found))
        return self._sections[taken]

    def _played(
        self, script: Script, table: Table, world: Any, choose: Callable[[Any, list[Case]], Case | None]
    ) -> tuple[Any, ModelOutcome]:
        """Run the script; each case is made once.

        :param choose: the case of a section; None: the script ends there
        """
        state: Any = self.unknowns.state
        taken: tuple[Any, ...] = (tuple(world.searches),)
        searches = 0

        def take(item: ScriptSection) -> Case | None:
            nonlocal state, taken, searches
            if taken not in self._sections:
                arguments = dict(item.arguments)
                if item.call == "alloc_heap_pages":
                    free = state.node_avail_pages.entries
                    arguments |= searched(self.terms, world, searches, arguments["pages"], free)
                call = Call(GENERATIONS[self.call.semantics.name], self.unknowns.host, state)
                self._sections[taken] = cases(call, item.call, **arguments)
            searches += item.call == "alloc_heap_pages"
            found = self._sections[taken]
            case = choose(taken, found)
            if case is not None:
                taken = (*taken, next(n for n, one in enumerate(found) if one is case))
                if case.effect is not None:
                    if taken not in self._states:
                        self._states[taken] = case.effect()
                    state = self._states[taken]
            return case

        ended = sections_run(script, table, take)
        return taken, model_outcome(ended, state)


def _next(wanted: Any, before: Any, found: list[Case]) -> Case | None:
    """The case that is taken on the way to a section; None: it is reached."""
    return found[wanted[len(before)]] if len(before) < len(wanted) else None
