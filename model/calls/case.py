"""A call and its possible outcomes: named cases in order; the first whose condition holds is the outcome."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from model.calls.state import CallHost, CallState
from model.generations.generation import Generation
from model.interfaces import Interface
from model.logic import Term, all_of, any_of, negation
from model.operations.blocks import Block
from model.operations.section import Change
from model.rules import Rules
from model.step import Step


@dataclass(frozen=True)
class Case:
    """One outcome: it applies where its condition holds and that of no earlier case does."""

    name: str
    condition: Term
    result: str
    """`OK`, an errno's name, `refused`, `crash` or `misuse`; for a page, its new state (`OFFLINED`, ...)."""
    effect: Effect | None = None
    """Computes the state after; None: nothing changes."""
    answer: Mapping[str, Any] = field(default_factory=dict)
    """Other results by name: `node` of an allocation, counters of a query. Terms or vectors of terms."""
    block: Block | None = None
    """The state of the call's pages afterwards; None: free, or the call has no pages."""
    entry: int | None = None
    """The index of the claim set's entry that failed."""


class Call:
    """The context of a call: a generation, a host and the state before. Node and domain ids are indices."""

    def __init__(self, semantics: Generation, host: CallHost, before: CallState) -> None:
        self.semantics, self.host, self.before = semantics, host, before

    @property
    def rules(self) -> Rules:
        """The generation's rules, the same as those of its transitions."""
        return self.semantics.rules

    @property
    def interface(self) -> Interface:
        """Which calls the generation has, and what they check first."""
        return self.rules.interface

    def is_online(self, node: Term) -> Term:
        """Whether there is a node with that id, 0 or more."""
        return node < self.host.nodes

    def on(self, node: Term, statement: Callable[[Term], Term]) -> Term:
        """The node is online and the statement holds for it."""
        if isinstance(node, int):
            return statement(node) if 0 <= node < self.host.nodes else False
        return all_of([node >= 0, self.is_online(node), statement(node)])


class Effect:
    """The effect of a case. Calling it computes the state after; nothing is computed before."""

    def __init__(self, call: Call, change: Change) -> None:
        self._call, self._change = call, change

    def step(self) -> Step:
        """The updates alone."""
        step = Step(self._call.host, self._call.before)
        self._change(step)
        return step

    def __call__(self) -> CallState:
        return self._call.host.after(self.step())  # type: ignore[return-value]  # its state_type


def holds(cases: Sequence[Case], index: int) -> Term:
    """Whether a case is the outcome: its condition holds, and no earlier case's does."""
    return all_of([*(negation(case.condition) for case in cases[:index]), cases[index].condition])


def any_case(cases: Sequence[Case]) -> Term:
    """Whether some case applies; valid for every call."""
    return any_of([case.condition for case in cases])
