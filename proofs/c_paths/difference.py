"""Makes a difference concrete: the smallest input, how C and the model end on it, and the path through the source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import z3

from model.calls import CRASH
from proofs.diff.examine import PathDifference
from proofs.diff.explore import UndecidedError
from proofs.diff.numbers import Count, deciding
from proofs.diff.smallest import Input, NumberDecider, smallest_model
from proofs.interrupts import raise_if_interrupted

from .driver import parameters_of
from .examine import Examination
from .judge import CJudge
from .memory import LazyValue
from .world import CWorld


class CDifference(Input, frozen=True):
    """Numbers for which the C code differs from the model."""

    semantics: str = msgspec.field(name="generation")
    result: str
    """What the C code returns, or how it ends."""
    ended: str
    """If it does not return: why, with file and line."""
    expected: str
    """The model's result."""
    after: dict[str, list[Any]]
    """Counters that end otherwise: what C has, and what the model has."""
    path: list[str]
    """The conditions on the path: file and line, and whether each held."""
    departures: list[str]
    """Values that left their type on the path."""
    trace: list[str] = []
    """A trace from boot whose last operation shows the difference; empty: none was found."""
    test: str = ""
    """The same trace as a test of the C kit; empty: it cannot be one."""


def concrete(differences: Sequence[PathDifference], x: Examination) -> CDifference:
    """The smallest input that shows one of the differences, run again with these numbers.

    :raises UndecidedError: there is none, or the code ends otherwise with these numbers
    """
    raise_if_interrupted()
    difference, model = smallest_model(differences, x.unknowns, x.semantics, few=True)
    decider = NumberDecider(x.unknowns.terms, model)
    judge = CJudge(x.semantics, x.unknowns)
    with deciding(decider):
        world = x.world()
        outcome = difference.plan.act(world)  # type: ignore[arg-type]  # a host in C
        if outcome.result != difference.outcome.result:
            raise UndecidedError(f"{difference.plan.label}: run again, the C code ended as {outcome.result}")
        expected, modelled = judge.expected(difference.plan, world, model)
        seen = {name: _number(value, decider) for name, value in world.observed().items()}
        before = _before(world, decider)
        arguments = _arguments(world, decider)
    return CDifference(
        x.semantics,
        difference.plan.operation,
        difference.plan.label,
        x.unknowns.size.nodes,
        x.unknowns.size.domains,
        {name: value for name, value in before.items() if value not in (0, False)},
        arguments,
        outcome.result,
        world.ended,
        expected,
        {} if expected == CRASH or world.ended else _otherwise(seen, modelled, world, x, model),
        _path(x),
        [f"{d.place}: {'below' if d.below else 'above'} {d.type}" for d in x.arithmetic.departures],
    )


def _number(value: Any, decider: NumberDecider) -> int | bool:
    if isinstance(value, Count):
        return decider.value(value)
    return value if isinstance(value, bool) else int(value or 0)


def _before(world: CWorld, decider: NumberDecider) -> dict[str, int | bool]:
    """The counters that C has, before the call; those that were not read are as the solver has them."""
    found: dict[str, int | bool] = {}
    for slot in world.slots:
        first = world.initial(slot)
        if slot.name in world.before:
            first = world.before[slot.name]
        elif isinstance(first, LazyValue):
            continue
        found[slot.name] = _number(first, decider)
    return found


def _arguments(world: CWorld, decider: NumberDecider) -> dict[str, Any]:
    names = parameters_of(world.operation)
    found: dict[str, Any] = {} if world.actor < 0 else {"domid": world.actor}
    found |= {n: _number(v, decider) for n, v in zip(names, world.arguments, strict=True) if n != "count"}
    if "count" in names:
        found["entries"] = [{n: _number(v, decider) for n, v in entry.items()} for entry in world.entries]
    return found


def _otherwise(seen: Any, modelled: Any, world: CWorld, x: Examination, model: Any) -> dict[str, list[Any]]:
    """Counters that C and the model leave with other values."""
    found = {}
    before = x.unknowns.before
    for name in {**modelled, **seen}:
        if name.partition("[")[0] not in world.counters_compared or name not in before:
            continue
        first = before[name]
        ours, theirs = seen.get(name, _evaluated(first, model)), _evaluated(modelled.get(name, first), model)
        if ours != theirs:
            found[name] = [ours, theirs]
    return found


def _evaluated(term: Any, model: Any) -> int | bool:
    if isinstance(term, bool | int):
        return term
    value = model.eval(term, model_completion=True)
    return bool(z3.is_true(value)) if z3.is_bool(value) else int(value.as_long())


def _path(x: Examination) -> list[str]:
    """Every branch on unknown numbers, in order."""
    return [f"{place}: {'true' if holds else 'false'}" for place, holds in x.machine.branches]
