"""What an invariant is looked for: properties of one generation on one small host, and the fields that are followed."""

from __future__ import annotations

from dataclasses import dataclass

import z3

from model.boot import boot
from model.bounded import BoundedHost
from model.conditions import CONDITIONS
from model.logic import Term, all_of
from model.properties import PROPERTIES, Kind, Property
from model.semantics import SEMANTICS, TRANSITIONS, Semantics, mutated
from model.state import FIELDS, HEAP_LOCK, Shape, State
from model.step import Step
from model.watched import watched
from proofs.obligations.suite import lacking

DERIVED = ("node-backed", "host-backed", "aggregates-agree", "entitlement-without-limbo", "entitlement")
"""Property ids that are derived unless others are asked for."""
OF_HEAP_LOCK = frozenset(info.name for info in FIELDS.values() if info.lock == HEAP_LOCK)


@dataclass(frozen=True)
class Target:
    """Properties (parts) to be shown together, on conditions."""

    semantics: str
    properties: tuple[str, ...]
    conditions: tuple[str, ...]
    nodes: int
    domains: int
    mutation: str = ""

    @property
    def name(self) -> str:
        """`semantics/ids[+condition...]/NxD`."""
        ids = ",".join(dict.fromkeys(PROPERTIES[p].id for p in self.properties))
        mistake = f"~{self.mutation}" if self.mutation else ""
        return f"{self.semantics}{mistake}/{'+'.join([ids, *self.conditions])}/{self.nodes}x{self.domains}"

    def rules(self) -> Semantics:
        """The generation, with the deliberate mistake if one was asked for."""
        semantics = SEMANTICS[self.semantics]
        return mutated(semantics, self.mutation) if self.mutation else semantics

    def parts(self) -> list[Property]:
        """The properties."""
        return [PROPERTIES[name] for name in self.properties]


def targets(semantics: str, ids: list[str], nodes: int, domains: int, mutation: str = "") -> list[Target]:
    """Properties that are promised on the same conditions are shown together; supporting ones are not asked for."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for prop in PROPERTIES.values():
        asked = prop.id in ids and prop.kind is Kind.STATE and not prop.support
        if asked and not lacking(prop, SEMANTICS[semantics]):
            groups.setdefault(SEMANTICS[semantics].conditions_of(prop), []).append(prop.name)
    return [Target(semantics, tuple(names), conds, nodes, domains, mutation) for conds, names in groups.items()]


class System:
    """The model's own boot, transitions and properties on the host of a target, over every field of a state."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.host = BoundedHost(target.nodes, target.domains)
        self.state = self.host.state()
        self.followed = self._followed()

    def boot(self) -> Term:
        """True of the states at boot."""
        return boot(self.host, self.state)

    def about(self, prop: Property, state: State | None = None) -> Term:
        """What a property says of a state."""
        of_state = prop.about_state(self.target.rules().rules)
        if of_state is None:
            raise TypeError(f"{prop.name} is not about a state")
        return of_state(self.host, self.state if state is None else state)

    def goal(self) -> Term:
        """All properties of the target."""
        return all_of(self.about(prop) for prop in self.target.parts())

    def step(self, transition: str) -> tuple[list[Term], State, frozenset[str]]:
        """When the transition is possible, the state after it, and the fields it sets."""
        host = BoundedHost(self.target.nodes, self.target.domains)
        step = self._built(transition, host)
        for condition in (CONDITIONS[c] for c in self.target.conditions):
            if transition in condition.transitions:
                step.guard_all(condition.id, condition.guard(step))
        possible = [guard.formula(host) for guard in step.guards]
        return [*host.axioms, *possible], host.after(step), frozenset(step.updates)

    def _built(self, transition: str, host: BoundedHost) -> Step:
        step = Step(host, self.state)
        TRANSITIONS[transition].build(step, self.target.rules().rules)
        return step

    def _followed(self) -> tuple[str, ...]:
        """What heap_lock protects, what properties and conditions speak of, and with it whether a domain exists.

        In each step any value is taken for the rest: what holds of the fields followed is then true of the model, too.
        """
        state = watched(self.state)
        for prop in self.target.parts():
            self.about(prop, state)
        for condition in (CONDITIONS[c] for c in self.target.conditions):
            for transition in condition.transitions & set(self.target.rules().transitions):
                step = self._built(transition, self.host)
                step.before = state
                condition.guard(step)(self.host)
        wanted = OF_HEAP_LOCK | state.read
        of_domain = {n for n in wanted - OF_HEAP_LOCK if FIELDS[n].shape in (Shape.DOMAIN, Shape.CELL)}
        return tuple(n for n in FIELDS if n in wanted or (of_domain and n == "is_created"))

    def cells(self, state: State) -> list[z3.ExprRef]:
        """The counters of the fields followed, one after another."""
        found = []
        for name in self.followed:
            value, shape = getattr(state, name), FIELDS[name].shape
            nodes, domains = range(self.target.nodes), range(self.target.domains)
            if shape is Shape.HOST:
                found.append(value)
            elif shape is Shape.CELL:
                found += [value[d, n] for d in domains for n in nodes]
            else:
                found += [value[i] for i in (nodes if shape is Shape.NODE else domains)]
        return [_term(value) for value in found]


def _term(value: Term) -> z3.ExprRef:
    if isinstance(value, bool):
        return z3.BoolVal(value)
    return z3.IntVal(value) if isinstance(value, int) else value
