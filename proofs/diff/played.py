"""Runs the model's scripts section by section, for operations of several critical sections."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from model.calls import (
    BETWEEN_EXTENTS,
    CRASH,
    MISUSE,
    SCRUBBING,
    Call,
    Case,
    Script,
    ScriptOutcome,
    ScriptSection,
    cases,
)
from model.named import GENERATIONS

from .pages import searched
from .plan import Table
from .terms import Terms
from .unknowns import Unknowns
from .world import World


class ModelOutcome(NamedTuple):
    """How a script ended, and the state it left."""

    result: str
    answer: Mapping[str, Any]
    """The answer: ``pages`` given or freed, and other results."""
    state: Any


def sections_run(
    script: Script, table: Table, take: Callable[[ScriptSection], Case | None]
) -> ScriptOutcome | Case | None:
    """Run a script; ``take`` makes the case of each section. Its outcome, or the case with which it ends early."""
    try:
        item = next(script)
        while True:
            if not isinstance(item, ScriptSection):
                item = next(script)
                continue
            case = take(item)
            if case is None or case.result in (CRASH, MISUSE):
                return case
            table.made(item, case)
            item = script.send(case)
    except StopIteration as end:
        ended: ScriptOutcome = end.value
        return ended


def model_outcome(ended: ScriptOutcome | Case | None, state: Any) -> ModelOutcome:
    """How the script ended, with the state that it left."""
    if isinstance(ended, ScriptOutcome):
        return ModelOutcome(ended.result, answer_of(ended), state)
    return ModelOutcome("" if ended is None else ended.result, {}, state)


def played(script: Script, table: Table, world: World, unknowns: Unknowns, semantics: str) -> ModelOutcome:
    """Run the script's calls one after the other, with a branch for every possible case of each."""
    state: Any = unknowns.state
    host, terms, searches = unknowns.host, unknowns.terms, 0

    def take(item: ScriptSection) -> Case:
        nonlocal state, searches
        arguments = dict(item.arguments)
        if item.call in _ON_STASH:
            arguments["marked"] = world.stash_marked
        if item.call == "alloc_heap_pages":
            if searches == len(world.searches):  # the reference made no search
                world.refused_before(arguments["domid"], arguments["requested"], arguments.get("exact", False))
            free = state.node_avail_pages.entries
            arguments |= searched(terms, world, searches, arguments["pages"], free)
            searches += 1
        call = Call(GENERATIONS[semantics], host, state)
        case = chosen_case(cases(call, item.call, **arguments), terms)
        if case.effect is not None:
            state = case.effect()
        return case

    return model_outcome(sections_run(script, table, take), state)


_ON_STASH = ("get_stashed_allocation", "take_stash", "domain_unpause_by_systemcontroller")
"""Calls with an argument for the number of marked pages in the stash."""
PREEMPTED = {None: 0, BETWEEN_EXTENTS: 1, SCRUBBING: 2}
"""The numbers that encode a preemption."""


def answer_of(ended: ScriptOutcome) -> dict[str, Any]:
    """The answer of a script as single numbers."""
    pages = sum((block.pages for block in ended.blocks), 0) if ended.blocks else ended.pages
    answer = {"pages": pages, "nr_done": ended.nr_done, "preempted": PREEMPTED[ended.preempted]}
    return answer if ended.scrub_index is None else {**answer, "scrub_index": ended.scrub_index}


def chosen_case(of: list[Case], terms: Terms) -> Case:
    """The first case whose condition holds on this path."""
    for case in of[:-1]:
        if terms.branch(case.condition):
            return case
    return of[-1]
