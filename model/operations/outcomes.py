"""All outcomes of a section, for any host. A proof obligation says that they cover every case."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass
from functools import partial

from model.encoding import Encoding, Quantifiers
from model.logic import Term, all_of, any_of
from model.operations.derived import DerivedTransition, accept, crash, happens, refuse, served
from model.operations.section import End, Search, SectionPremise, resolved
from model.operations.stepped import StepSection
from model.rules import Rules
from model.state import State
from model.step import Step


def outcomes(encoding: Encoding, before: State, rules: Rules, derived: DerivedTransition) -> Outcomes:
    """All outcomes of the section that a transition is derived from."""
    step = Step(encoding, before)
    step.rules = rules
    x = StepSection(step, rules)
    derived.describe(x)
    found: dict[str, Step] = {}
    for record in x.records:
        if isinstance(record, End) and happens(record):
            found[record.name] = _written(step, partial(accept, x=x, ends=(record.name,)))
        elif isinstance(record, Search):
            found["served"] = _written(step, partial(_serve, x=x, search=record))
    found["refused"] = _written(step, partial(refuse, x=x))
    return Outcomes(step, x, found)


def _serve(step: Step, x: StepSection, search: Search) -> None:
    """As `accept`, with an arbitrary node instead of the step's."""
    end = End("served", {"not-served": True}, None, {}, None)
    whole = [*x.records[: x.records.index(search)], end]
    sub = copy(x)
    sub.records = whole
    accept(step, sub, ("served",))
    step.guard_all("some-node-serves", partial(served, search))


def _written(about: Step, write: Callable[[Step], None]) -> Step:
    step = Step(about.encoding, about.before, about.arguments)
    step.actor, step.place, step.rules = about.actor, about.place, about.rules
    write(step)
    return step


@dataclass(frozen=True)
class Outcomes:
    """The outcomes of a section: each a step with guards, or a crash."""

    about: Step
    section: StepSection
    steps: Mapping[str, Step]

    def premises(self, q: Quantifiers) -> dict[str, Term]:
        """The premises that the caller guarantees."""
        return {r.name: resolved(r.holds, q) for r in self.section.records if isinstance(r, SectionPremise)}

    def some(self, q: Quantifiers) -> Term:
        """Some outcome applies. A guard of wrong polarity would leave a case without outcome."""
        ways = [all_of(guard.formula(q) for guard in step.guards) for step in self.steps.values()]
        return any_of([*ways, crash(self.section, q)])
