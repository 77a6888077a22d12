"""Records the values that the C code computes, each with the checks passed before it."""

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
    """An intermediate value: the C expression, its type, and its value as an unbounded integer."""

    expression: str
    c_type: str
    term: Term
    given: tuple[Term, ...]
    """The checks that the code has passed before it computes the value."""
    assumes: tuple[str, ...]
    """The loop invariants assumed for the value, in words."""

    def fits(self) -> Term:
        """Wherever the value is computed, it is in the range of its type."""
        return implies(all_of(self.given), in_range(self.c_type, self.term))


class Evaluation:
    """The values of one critical section: `s` is the state before it, `d` its domain."""

    def __init__(self, step: Step, before: State) -> None:
        self.step, self.s, self.d = step, before, step.actor
        self.values: list[Value] = []
        self.nodes: list[Term] = [] if step.place is None else [step.place]
        """The nodes whose counters are read."""
        self._given: tuple[Term, ...] = ()
        self._assumes: tuple[str, ...] = ()

    @property
    def counter(self) -> str:
        """The type of the counters of host and nodes."""
        rules: Rules = self.step.rules
        return rules.counter_type

    @contextmanager
    def where(self, condition: Term) -> Iterator[None]:
        """Values inside the block are computed only where the condition holds; values after it, in any case."""
        before = self._given, self._assumes
        self.check(condition)
        yield
        self._given, self._assumes = before

    def argument(self, name: str) -> Any:
        """An argument of the transition."""
        return self.step.arguments[name]

    def check(self, passed: Term) -> None:
        """The code continues only where this holds."""
        self._given += (passed,)

    def loop(self, fact: Term, words: str) -> None:
        """Assume a loop invariant at the start of each iteration; reports show `words` with the values."""
        self._given += (fact,)
        self._assumes += (words,)

    def unsigned(self, name: str, bits: int = 64) -> Term:
        """An arbitrary value of an unsigned type: a hypercall argument or a loop variable."""
        given = self.step.given
        term = given[name] if name in given else self.step.encoding.pages(name)
        self.check(all_of([term >= 0, term <= 2**bits - 1]))
        return term

    def some_node(self, name: str) -> Term:
        """An arbitrary node: the one of the current iteration."""
        given, encoding = self.step.given, self.step.encoding
        known = len(encoding.axioms)
        node = given[name] if name in given else encoding.node(name)
        for axiom in encoding.axioms[known:]:  # the caller may have read the step's axioms before this one was added
            self.check(axiom)
        self.nodes.append(node)
        return node

    def some_domain(self, name: str) -> Term:
        """An arbitrary domain: the one of the current iteration."""
        encoding = self.step.encoding
        known = len(encoding.axioms)
        domain = encoding.domain(name)
        for axiom in encoding.axioms[known:]:
            self.check(axiom)
        return domain

    def value(self, expression: str, c_type: str, term: Term) -> Term:
        """Record a value that is computed or converted to another type; returns it as an unbounded integer."""
        self.values.append(Value(expression, c_type, term, self._given, self._assumes))
        return term

    def wrapped(self, c_type: str, term: Term) -> Term:
        """The value in C after wraparound; `term` is at most one range below or above that of the type."""
        low, high = RANGES[c_type]
        span = high - low + 1
        if isinstance(term, int):
            return (term - low) % span + low
        return z3.If(term < low, term + span, z3.If(term > high, term - span, term))


Code: TypeAlias = Callable[[Evaluation, Rules], None]


def evaluated(step: Step, before: State) -> Evaluation:
    """The values of a step; empty if it computes none."""
    evaluation = Evaluation(step, before)
    if step.c_code is not None:
        code, rules = step.c_code
        code(evaluation, rules)
    return evaluation
