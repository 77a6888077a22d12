"""The model's scripts made section by section: what they say of an operation of several critical sections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from model.calls import (
    BETWEEN_EXTENTS,
    CRASH,
    MISUSE,
    SCRUBBING,
    Call,
    Case,
    Ended,
    Script,
    ScriptSection,
    cases,
)
from model.named import GENERATIONS

from .pages import searched
from .plan import Table
from .terms import Terms
from .unknowns import Unknowns
from .world import World


class Modelled(NamedTuple):
    """How a script ended, and the state it left."""

    result: str
    answer: Mapping[str, Any]
    """``pages``: those that it says it gave or freed; and what else it answers."""
    state: Any


def played(script: Script, table: Table, world: World, unknowns: Unknowns, semantics: str) -> Modelled:
    """Make the script's calls one after the other: at each, a branch for every case that may come out."""
    state: Any = unknowns.state
    host, terms, searches = unknowns.host, unknowns.terms, 0
    try:
        item = next(script)
        while True:
            if not isinstance(item, ScriptSection):
                item = next(script)
                continue
            arguments = dict(item.arguments)
            if item.call in _ON_STASH:
                arguments["marked"] = world.stash_marked
            if item.call == "alloc_heap_pages":
                if searches == len(world.searches):  # the reference did not ask at all
                    world.refused_before(arguments["domid"], arguments["requested"], arguments.get("exact", False))
                free = state.node_avail_pages.entries
                arguments |= searched(terms, world, searches, arguments["pages"], free)
                searches += 1
            call = Call(GENERATIONS[semantics], host, state)
            case = _chosen(cases(call, item.call, **arguments), terms)
            if case.effect is not None:
                state = case.effect()
            if case.result in (CRASH, MISUSE):  # the script goes on with neither
                return Modelled(case.result, {}, state)
            table.made(item, case)
            item = script.send(case)
    except StopIteration as end:
        return Modelled(end.value.result, _answer(end.value), state)


_ON_STASH = ("get_stashed_allocation", "take_stash", "domain_unpause_by_systemcontroller")
"""Calls that are told how many pages of the stash are marked."""
PREEMPTED = {None: 0, BETWEEN_EXTENTS: 1, SCRUBBING: 2}
"""How a preemption is told, as a number."""


def _answer(ended: Ended) -> dict[str, Any]:
    pages = sum((block.pages for block in ended.blocks), 0) if ended.blocks else ended.pages
    answer = {"pages": pages, "nr_done": ended.nr_done, "preempted": PREEMPTED[ended.preempted]}
    return answer if ended.scrub_index is None else {**answer, "scrub_index": ended.scrub_index}


def _chosen(of: list[Case], terms: Terms) -> Case:
    for case in of[:-1]:
        if terms.branch(case.condition):
            return case
    return of[-1]
