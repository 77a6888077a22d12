"""An evaluation being written down: the values that the C code computes, each behind the checks passed before it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import z3

from model.c_types import RANGES, in_range
from model.logic import Term, all_of, implies
from model.rules import Rules
from model.state import State
from model.step import Step


@dataclass(frozen=True)
class Value:
    """An intermediate value: the C expression, its type, and what it is in integers."""

    expression: str
    c_type: str
    term: Term
    given: tuple[Term, ...]
    """The checks before it, all passed."""
    assumes: tuple[str, ...]
    """What is taken for granted of a loop on its way, in words."""

    def fits(self) -> Term:
        """Where it is computed at all, it is in the range of its type."""
        return implies(all_of(self.given), in_range(self.c_type, self.term))


class Evaluation:
    """The values of one critical section; `s` is the state before it, `d` the domain it is about."""

    def __init__(self, step: Step, before: State) -> None:
        self.step, self.s, self.d = step, before, step.actor
        self.values: list[Value] = []
        self.nodes: list[Term] = [] if step.place is None else [step.place]
        """The nodes whose counters are looked at."""
        self._given: tuple[Term, ...] = ()
        self._assumes: tuple[str, ...] = ()

    @property
    def counter(self) -> str:
        """The type of the counters of host and nodes."""
        rules: Rules = self.step.rules
        return rules.counter_type

    @contextmanager
    def where(self, condition: Term) -> Iterator[None]:
        """Values that are computed only where this holds; what comes after them is computed elsewhere too."""
        before = self._given, self._assumes
        self.check(condition)
        yield
        self._given, self._assumes = before

    def argument(self, name: str) -> Any:
        """An argument of the transition."""
        return self.step.arguments[name]

    def check(self, passed: Term) -> None:
        """The code goes on only where this holds."""
        self._given += (passed,)

    def loop(self, fact: Term, words: str) -> None:
        """What the loop's own variables satisfy whenever its body begins; the words are shown with the values."""
        self._given += (fact,)
        self._assumes += (words,)

    def unsigned(self, name: str, bits: int = 64) -> Term:
        """Any value of an unsigned type: an argument of a hypercall, or a variable of a loop."""
        given = self.step.given
        term = given[name] if name in given else self.step.encoding.pages(name)
        self.check(all_of([term >= 0, term <= 2**bits - 1]))
        return term

    def some_node(self, name: str) -> Term:
        """Any node: the one that a loop is at."""
        given, encoding = self.step.given, self.step.encoding
        known = len(encoding.axioms)
        node = given[name] if name in given else encoding.node(name)
        for axiom in encoding.axioms[known:]:  # who asked for the axioms of the step may have done so before
            self.check(axiom)
        self.nodes.append(node)
        return node

    def some_domain(self, name: str) -> Term:
        """Any domain, likewise."""
        encoding = self.step.encoding
        known = len(encoding.axioms)
        domain = encoding.domain(name)
        for axiom in encoding.axioms[known:]:
            self.check(axiom)
        return domain

    def value(self, expression: str, c_type: str, term: Term) -> Term:
        """A value is computed, or converted to another type; gives it in integers."""
        self.values.append(Value(expression, c_type, term, self._given, self._assumes))
        return term

    def wrapped(self, c_type: str, term: Term) -> Term:
        """What a C program has in the place of a value that may be one range off to either side."""
        low, high = RANGES[c_type]
        span = high - low + 1
        if isinstance(term, int):
            return (term - low) % span + low
        return z3.If(term < low, term + span, z3.If(term > high, term - span, term))


Code: TypeAlias = Callable[[Evaluation, Rules], None]


def evaluated(step: Step, before: State) -> Evaluation:
    """The values of a step; none where it computes nothing."""
    evaluation = Evaluation(step, before)
    if step.c_code is not None:
        code, rules = step.c_code
        code(evaluation, rules)
    return evaluation
