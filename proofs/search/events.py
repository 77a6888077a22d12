"""A countermodel as a trace: operations with arguments, what each changed, and the violated inequality."""

from dataclasses import dataclass, field
from typing import Any

import z3

from model.hosts.bounded import BoundedHost
from model.logic import Term, all_of
from model.properties import Property
from model.state import FIELDS, Shape, State
from model.step import Step, TwoStates
from proofs.operations import STEPS
from proofs.operations.model_steps import ModelTrace, UntraceableStepError
from proofs.search.steps import CREATES, about
from proofs.search.unroll import Unrolling
from proofs.traces.events import least_span
from proofs.violated import violated

__all__ = ["Counters", "Trace", "UntraceableStepError", "broken_sums", "trace_of"]

Counters = dict[str, Any]


@dataclass
class Trace:
    """A trace from boot. `states` are the model's counters: at boot, and after each event."""

    semantics: str
    mutation: str
    property: str
    host: dict[str, Any]
    events: list[dict[str, Any]]
    transitions: list[str]
    states: list[Counters]
    broken: list[str] = field(default_factory=list)


def trace_of(
    semantics: str,
    mutation: str,
    prop: str,
    unrolled: Unrolling,
    model: z3.ModelRef,
    parts: list[Property] | None = None,
) -> Trace:
    """The trace that a countermodel stands for.

    :raises UntraceableStepError: no trace tells just these steps
    """
    counted = [_counters(state, unrolled, model) for state in unrolled.states]
    nodes = counted[0]["node_avail_pages"]
    span = least_span(nodes)
    trace = ModelTrace(nodes, span, unrolled.semantics.rules)
    states = _while_created(counted, unrolled.created)
    names = [CREATES] * unrolled.created
    for domid in range(unrolled.created):
        STEPS[CREATES].write(trace, {"domid": domid, "max_pages": counted[1]["max_pages"][domid]})
    for choice, steps in zip(unrolled.choices, unrolled.steps, strict=True):
        name = next(
            n for n, c in zip(unrolled.names, choice, strict=True) if z3.is_true(model.eval(c, model_completion=True))
        )
        names.append(name)
        STEPS[name].write(trace, _arguments(steps[name][0].step, model))
    trace.end()
    return Trace(
        semantics,
        mutation,
        prop,
        {"node_span": span, "nodes": nodes, "last_alloc_node": 0},
        trace.events,
        names,
        states,
        broken_sums(unrolled, model, names, parts),
    )


def _while_created(counted: list[Counters], created: int) -> list[Counters]:
    """The states with those between, in which some of the domains are created: one domain an event."""
    if not created:
        return counted
    between = []
    for so_far in range(1, created):
        boot, last = counted[:2]
        mixed = {name: last[name][:so_far] + boot[name][so_far:] for name in ("is_created", "max_pages")}
        between.append(boot | mixed)
    return [counted[0], *between, *counted[1:]]


def _int(model: z3.ModelRef, term: Term) -> int:
    return term if isinstance(term, int) else int(model.eval(term, model_completion=True).as_long())


def _value(model: z3.ModelRef, term: Term) -> Any:
    if isinstance(term, (bool, int)):
        return term
    found = model.eval(term, model_completion=True)
    return z3.is_true(found) if z3.is_bool(found) else found.as_long()


def _counters(state: State, unrolled: Unrolling, model: z3.ModelRef) -> Counters:
    nodes, domains = range(unrolled.nodes), range(unrolled.domains)
    found: Counters = {}
    for info in FIELDS.values():
        value = getattr(state, info.name)
        if info.shape is Shape.HOST:
            found[info.name] = _value(model, value)
        elif info.shape is Shape.CELL:
            found[info.name] = [[_value(model, value[d, n]) for n in nodes] for d in domains]
        else:
            indices = nodes if info.shape is Shape.NODE else domains
            found[info.name] = [_value(model, value[i]) for i in indices]
    return found


def _arguments(step: Step, model: z3.ModelRef) -> dict[str, Any]:
    found = {}
    for name, value in step.arguments.items():
        if hasattr(value, "entries"):
            found[name] = [_value(model, entry) for entry in value.entries]
        else:
            found[name] = _value(model, value)
    return found


def broken_sums(
    unrolled: Unrolling, model: z3.ModelRef, names: list[str], parts: list[Property] | None = None
) -> list[str]:
    """The innermost statements that are false, each with its numbers."""
    host, found = BoundedHost(unrolled.nodes, unrolled.domains), []
    for part in unrolled.parts if parts is None else parts:
        about_state = part.about_state(unrolled.semantics.rules)
        if about_state is not None:
            formula = about_state(host, unrolled.states[-1])
        elif part.of_step is not None and names and unrolled.steps:
            last = [section for section in unrolled.steps[-1][names[-1]] if about(part, section.name)]
            pairs = [TwoStates(section.step, section.before, section.after) for section in last]
            formula = all_of([part.of_step(host, two) for two in pairs])
        else:
            continue
        found += [f"{part.name}: {text}" for text in violated(model, formula)]
    return found
