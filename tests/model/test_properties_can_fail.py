"""No part of a property is true of everything, and each counter that it speaks of can make it false.

For each part, on a host of two nodes and domains: two states that differ in one counter, or two steps that lead to states
which differ in one counter, of which it is true of one and false of the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from typing import Any

import pytest
import z3

from model.hosts.bounded import BoundedHost
from model.logic import negation
from model.named import GENERATIONS, TRANSITIONS
from model.properties import PROPERTIES, Kind, Property
from model.state import FIELDS, State
from model.step import Step, TwoStates
from model.watched import WatchedState, watched
from proofs.obligations.suite import applies, lacking

FEW = 5
"""Steps, at least, of which a part is tried."""
IDLE = {
    "sums-non-negative": {"claims", "global_claims", "node_avail_pages", "orphaned_claims"},
    "no-wrap.extra-pages": {"assigned_pages", "limbo_pages"},
    "no-wrap.pages-and-claims": {"installed_pages"},
    "no-wrap.host-counters": {"claims", "global_claims", "installed_pages", "node_claims", "orphaned_claims"},
    "unclaimed-only": {"claims", "global_claims"},
    "atomic-install.exact": {"claims"},
    "atomic-install.nothing-on-failure": {"legacy_calls", "legacy_calls'"},
}
"""Counters that a part reads, and that do not make it false: it points a proof at a lemma about them; and what counts the
calls under way."""


def generation_of(prop: Property, transition: str = "") -> str:
    """A generation that the part says something about, the design if it can be, or where it is of variants only."""
    has = [n for n, g in GENERATIONS.items() if not transition or transition in g.transitions]
    return next((n for n in ["claim-sets", *has] if n in has and not lacking(prop, GENERATIONS[n])), "claim-sets")


def with_other(state: State, name: str, other: State) -> Iterator[WatchedState]:
    """The state with one counter of another one: of one node or domain after the other."""
    host, info = BoundedHost(2, 2), FIELDS[name]
    indices: list[tuple[int, ...]] = []
    host.shaped(info, lambda *index: indices.append(index))
    for changed in indices:
        copied = copy(state)
        here, there = getattr(state, name), getattr(other, name)
        field = host.shaped(info, lambda *i, c=changed, h=here, t=there: _at(t if i == c else h, i))
        setattr(copied, name, field)
        yield watched(copied)


def _at(value: Any, index: tuple[int, ...]) -> Any:
    if not index:
        return value
    return value[index[0]] if len(index) == 1 else value[index]


def satisfiable(*formulas: Any) -> bool:
    solver = z3.SimpleSolver()
    solver.add(*formulas)
    return bool(solver.check() == z3.sat)


NOTICE = {
    "node-backed",
    "host-backed",
    "aggregates-agree.host",
    "unclaimed-only",
    "claims-protected.kept",
    "claims-protected.backed",
    "atomic-install.nothing-on-failure",
}
"""Parts that notice a mistake in the checker; tests/checker_mistakes names them. They are tried by default."""


def parts_of(properties: list[Property], every: int) -> list[Any]:
    """As parameters: those that notice, and of the others every n-th, by default."""
    return [
        pytest.param(p, id=p.name, marks=() if p.name in NOTICE or number % every == 0 else pytest.mark.long)
        for number, p in enumerate(properties)
    ]


OF_STATES = [p for p in PROPERTIES.values() if p.kind in (Kind.STATE, Kind.IMPLIED)]
OF_STEPS = [p for p in PROPERTIES.values() if p.kind is Kind.STEP]


@pytest.mark.parametrize("prop", parts_of(OF_STATES, 4))
def test_each_counter_of_a_state_can_violate_a_property(prop: Property) -> None:
    host = BoundedHost(2, 2)
    says = prop.about_state(GENERATIONS[generation_of(prop)].rules)
    assert says is not None
    state, other = watched(host.state()), host.state("'")
    true = says(host, state)
    idle = set()
    for name in set(state.read):
        matter = {satisfiable(true, negation(says(host, changed))) for changed in with_other(state, name, other)}
        assert len(matter) == 1, f"{name} of one node or domain matters, and of another does not"
        idle |= set() if matter.pop() else {name}
    assert state.read > idle
    assert idle == IDLE.get(prop.name, set())


def steps_of(prop: Property) -> list[str]:
    """The steps that the part speaks of, in some generation; of many some."""
    generations = [g for g in GENERATIONS.values() if not lacking(prop, g)]
    found = [t for t in TRANSITIONS if not applies(prop, t) and any(t in g.transitions for g in generations)]
    return found if len(found) <= FEW else found[:: len(found) // FEW]


def fails(prop: Property, transition: str) -> tuple[bool, set[str], set[str]]:
    """Whether the part can be false of a step; the counters that it reads of the states before and after it, the latter
    with a quote, and those of them that can make it false."""
    assert prop.of_step is not None
    host = BoundedHost(2, 2)
    before, after, other = host.state(), host.state("'"), host.state("''")
    step = Step(host, before)
    TRANSITIONS[transition].build(step, GENERATIONS[generation_of(prop, transition)].rules)
    seen, then = watched(before), watched(after)
    true = prop.of_step(host, TwoStates(step, seen, then))
    ways = {f"{name}'": [TwoStates(step, before, s) for s in with_other(after, name, other)] for name in then.read}
    ways |= {name: [TwoStates(step, s, after) for s in with_other(before, name, other)] for name in seen.read}
    read = set(ways)
    matter = {
        name
        for name, changed in ways.items()
        if all(satisfiable(*host.axioms, true, negation(prop.of_step(host, two))) for two in changed)
    }
    return satisfiable(*host.axioms, negation(true)), read, matter


@pytest.mark.parametrize("prop", parts_of(OF_STEPS, 8))
def test_each_counter_of_a_step_can_violate_a_property(prop: Property) -> None:
    if prop.name == "no-wrap.intermediate":
        assert fails(prop, "alloc_heap_pages")[0]  # of what C computes; docs/c-ranges.md says what matters where
        return
    for transition in steps_of(prop):
        can_fail, read, matter = fails(prop, transition)
        assert can_fail, transition
        assert read - matter <= IDLE.get(prop.name, set()), transition
