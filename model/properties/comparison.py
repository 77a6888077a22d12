"""Compares two steps from corresponding states: do they return the same and lead to corresponding states?

Used for refinement: a call of one generation is compared with the call that replaces it, in the same generation or in
another one.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from model.encoding import Encoding, Lemmas, Quantifiers
from model.logic import Term, all_of, any_of, implies, negation
from model.rules import Rules
from model.state import FIELDS, Shape, State
from model.step import Formula, Step

ACCEPTED = "OK"
REFUSED = "refused"
"""The result of a check without an errno: an allocation finds no pages, or a call is not made."""


Hint: TypeAlias = Callable[[Lemmas, Term], None]


@dataclass(frozen=True)
class Premise:
    """An assumption about the state and the arguments. Where it does not hold, the two steps may differ."""

    name: str
    sentence: str
    formula: Formula
    applies: bool = False
    """Where the premise does not hold there are not two calls to compare, so no difference is searched for."""


@dataclass
class Pair:
    """Two steps, and the premises on the state they start from."""

    one: Step
    other: Step
    premises: list[Premise]
    apart: frozenset[str] = frozenset()
    """Fields that may differ after the two steps."""
    related: Formula = field(default=lambda _q: True)
    """Conditions on the two states after the steps, in addition to equal fields."""
    at_node: Hint = field(default=lambda _q, _node: None)
    at_domain: Hint = field(default=lambda _q, _domain: None)
    """Facts about sums that the proof may need at the node or domain where fields are compared."""

    def same(self, q: Quantifiers) -> Term:
        """The results are equal; after an accepted call, the states are equal."""
        one, other = answers(self.one, q.dual), answers(self.other, q)
        same_answer = [implies(formula, other.get(answer, False)) for answer, formula in one.items()]
        both = all_of([one[ACCEPTED], answers(self.other, q.dual)[ACCEPTED]])
        return all_of([*same_answer, implies(both, all_of([*self.fields(q), self.related(q)]))])

    def fields(self, q: Quantifiers) -> Iterator[Term]:
        """For each field that either step sets: it is equal after both."""
        for name, info in FIELDS.items():
            if name in {*self.one.updates, *self.other.updates} - self.apart:
                yield self._equal(q, info.shape, after(self.one, name), after(self.other, name))

    def _equal(self, q: Quantifiers, shape: Shape, one: Callable[..., Any], other: Callable[..., Any]) -> Term:
        def cell(d: Term, n: Term) -> Term:
            self.at_domain(q, d)
            self.at_node(q, n)
            return one(d, n) == other(d, n)

        def node(n: Term) -> Term:
            self.at_node(q, n)
            return one(n) == other(n)

        def domain(d: Term) -> Term:
            self.at_domain(q, d)
            return one(d) == other(d)

        if shape is Shape.HOST:
            return one() == other()
        if shape is Shape.CELL:
            return q.every_cell(cell)
        return q.every_node(node) if shape is Shape.NODE else q.every_domain(domain)


Build: TypeAlias = Callable[[Encoding, State, Rules], Pair]


@dataclass(frozen=True)
class Comparison:
    """A transition of the generation under test, what it is compared with, and a name for each."""

    transition: str
    one: str
    other: str
    build: Build


def answers(step: Step, q: Quantifiers) -> dict[str, Term]:
    """For each result, the condition for it: acceptance, or the errno of the first check that fails."""
    holds = [guard.formula(q) for guard in step.guards]
    fails = [negation(guard.formula(q.dual)) for guard in step.guards]
    found: dict[str, list[Term]] = {ACCEPTED: [all_of(holds)]}
    for number, guard in enumerate(step.guards):
        found.setdefault(guard.errno or REFUSED, []).append(all_of([*holds[:number], fails[number]]))
    return {answer: any_of(ways) for answer, ways in found.items()}


def after(step: Step, name: str) -> Callable[..., Term]:
    """A field after the step, by index."""
    before, update = getattr(step.before, name), step.updates.get(name)

    def entry(*index: Term) -> Term:
        if update is not None:
            return update.at(before, *index)
        if not index:
            return before
        return before[index[0]] if len(index) == 1 else before[index]

    return entry
