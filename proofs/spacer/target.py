"""The target of a search for an invariant: properties of one generation on one small host, and the followed fields."""

from __future__ import annotations

from dataclasses import dataclass

import z3

from model.boot import boot
from model.hosts.bounded import BoundedHost
from model.logic import Term, all_of
from model.named import GENERATIONS, TRANSITIONS, Generation
from model.properties import PROPERTIES, Kind, Property
from model.properties.conditions import CONDITIONS
from model.state import FIELDS, HEAP_LOCK, Shape, State
from model.step import Step
from model.watched import watched
from proofs.mistakes.in_rules import mutated
from proofs.obligations.suite import lacking

DERIVED = ("node-backed", "host-backed", "aggregates-agree", "entitlement-without-limbo", "entitlement")
"""The property ids that are derived by default."""
OF_HEAP_LOCK = frozenset(info.name for info in FIELDS.values() if info.lock == HEAP_LOCK)
LIFE = frozenset({"is_created", "is_dying", "domctl_lock", "is_destroyed"})
"""Fields that decide whether claims belong to a domain or are orphaned."""


@dataclass(frozen=True)
class SpacerTarget:
    """Parts of properties to be proved together, under conditions."""

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

    def rules(self) -> Generation:
        """The generation, with the deliberate mistake if there is one."""
        semantics = GENERATIONS[self.semantics]
        return mutated(semantics, self.mutation) if self.mutation else semantics

    def parts(self) -> list[Property]:
        """The properties."""
        return [PROPERTIES[name] for name in self.properties]


def targets(semantics: str, ids: list[str], nodes: int, domains: int, mutation: str = "") -> list[SpacerTarget]:
    """The targets: one for the properties promised on the same conditions, without supporting ones.

    A part that is promised on more conditions than other parts of its property is proved together with those others.
    """
    asked = [prop for prop in PROPERTIES.values() if prop.id in ids and prop.kind is Kind.STATE and not prop.support]
    promised = [(p, GENERATIONS[semantics].conditions_of(p)) for p in asked if not lacking(p, GENERATIONS[semantics])]
    groups: dict[tuple[str, ...], list[str]] = {}
    for conditions in dict.fromkeys(conditions for _, conditions in promised):
        of = {prop.id for prop, needed in promised if needed == conditions}
        groups[conditions] = [
            prop.name
            for prop, needed in promised
            if needed == conditions or (prop.id in of and set(needed) < set(conditions))
        ]
    return [SpacerTarget(semantics, tuple(names), conds, nodes, domains, mutation) for conds, names in groups.items()]


class System:
    """The model's own boot, transitions and properties on the host of a target, over every field of a state."""

    def __init__(self, target: SpacerTarget) -> None:
        self.target = target
        self.host = BoundedHost(target.nodes, target.domains)
        self.state = self.host.state()
        self.followed = self._followed()

    def boot(self) -> Term:
        """True for the states at boot."""
        return boot(self.host, self.state)

    def about(self, prop: Property, state: State | None = None) -> Term:
        """The formula of a property for a state."""
        of_state = prop.about_state(self.target.rules().rules)
        if of_state is None:
            raise TypeError(f"property {prop.name} is not a state property")
        return of_state(self.host, self.state if state is None else state)

    def goal(self) -> Term:
        """All properties of the target."""
        return all_of(self.about(prop) for prop in self.target.parts())

    def step(self, transition: str) -> tuple[list[Term], State, frozenset[str]]:
        """The transition's guards, the state after it, and the fields that it sets."""
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
        """The fields under heap_lock, those of properties and conditions, and those of a domain's life.

        All other fields get arbitrary values in each step, so an invariant of the followed fields holds in the model.
        """
        state = watched(self.state)
        for prop in self.target.parts():
            self.about(prop, state)
        for condition in (CONDITIONS[c] for c in self.target.conditions):
            for transition in condition.transitions & set(self.target.rules().transitions):
                step = self._built(transition, self.host)
                step.before = state
                condition.guard(step)(self.host)
        wanted = OF_HEAP_LOCK | LIFE | state.read
        return tuple(name for name in FIELDS if name in wanted)

    def cells(self, state: State) -> list[z3.ExprRef]:
        """The counters of the followed fields, in order."""
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
