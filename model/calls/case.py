"""A call and what may come out of it: named cases in order, the first whose condition holds is the one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from model.calls.state import CallHost, CallState
from model.generations.generation import Generation
from model.interfaces import Interface
from model.logic import Term, all_of, any_of, negation
from model.rules import Rules
from model.step import Step

OK = "OK"
REFUSED = "refused"
"""An allocation that gets nothing."""
CRASH = "crash"
"""The hypervisor stops at an assertion of its own."""
MISUSE = "misuse"
"""The hypervisor never makes this call: nothing is said about what it would do."""

LIMBO, ASSIGNED, ANONYMOUS = "limbo", "assigned", "anonymous"


@dataclass(frozen=True)
class Block:
    """Allocated pages that a call names. `state`, `refcounted`, and whether there is an owner, are Python values."""

    pages: Term
    node: Term
    state: str
    """`limbo`, `assigned` or `anonymous`."""
    owner: Term = None
    """Of assigned pages; of pages in limbo the domain they are meant for, if any."""
    refcounted: bool = False
    marked: Term = 0
    """How many of the pages leave when they are freed."""


@dataclass(frozen=True)
class Case:
    """One outcome. It is the one where its condition holds and that of no earlier case does."""

    name: str
    condition: Term
    result: str
    """`OK` or an errno's name, `refused`, `crash`, `misuse`; or the answer of a page (`OFFLINED`, ...)."""
    effect: "Effect | None" = None
    """Gives the state after; None: nothing changes."""
    answer: Mapping[str, Any] = field(default_factory=dict)
    """What else comes out, by name: `node` of an allocation, counters of a query. Terms, and vectors of them."""
    block: Block | None = None
    """What the pages of the call are afterwards; None: free, or not the call's matter."""
    entry: int | None = None
    """Which entry of a claim set failed."""


class Call:
    """What a call is made on: a generation, a host and the state before. Node and domain ids are indices."""

    def __init__(self, semantics: Generation, host: CallHost, before: CallState) -> None:
        self.semantics, self.host, self.before = semantics, host, before

    @property
    def rules(self) -> Rules:
        """The generation's rules, which its transitions have too."""
        return self.semantics.rules

    @property
    def interface(self) -> Interface:
        """Which calls the generation has, and what they look at first."""
        return self.rules.interface

    def is_online(self, node: Term) -> Term:
        """Whether there is a node with that id, 0 or more."""
        return node < self.host.nodes

    def on(self, node: Term, statement: Callable[[Term], Term]) -> Term:
        """The node is online and the statement holds of it."""
        if isinstance(node, int):
            return statement(node) if 0 <= node < self.host.nodes else False
        return all_of([node >= 0, self.is_online(node), statement(node)])

    def effect(self, *changes: Callable[[Step], None], moved: Sequence["Moved"] = ()) -> "Effect":
        """The state after these changes to counters, and pages that went from class to class."""
        return Effect(self, changes, moved)


class Effect:
    """What a case does. Called, it gives the state after; written down only then."""

    def __init__(self, call: Call, changes: Sequence[Callable[[Step], None]], moved: Sequence["Moved"]) -> None:
        self._call, self._changes, self._moved = call, changes, moved

    def step(self) -> Step:
        """The updates alone."""
        step = Step(self._call.host, self._call.before)
        for change in self._changes:
            change(step)
        for move in self._moved:
            _move(step, move)
        return step

    def __call__(self) -> CallState:
        return self._call.host.after(self.step())  # type: ignore[return-value]  # its state_type


@dataclass(frozen=True)
class Moved:
    """Pages of a node that went from one class to another; None: free, out of use, or neither side's matter."""

    node: Term
    pages: Term
    before: Block | None = None
    after: Block | None = None


def _page_class(block: Block | None) -> str:
    """The class that a block's pages are counted in."""
    if block is None:
        return ""
    if block.owner is None or block.state not in (LIMBO, ASSIGNED):
        return "other_pages"
    if block.state == ASSIGNED:
        return "assigned_pages" if block.refcounted else "extra_pages"
    return "limbo_pages" if block.refcounted else "other_pages"


def _move(step: Step, move: Moved) -> None:
    """Pages leave one class for another. The classes by domain are never left for the same class of another domain."""
    if _page_class(move.before) == _page_class(move.after):
        return
    for block, pages in ((move.before, -move.pages), (move.after, move.pages)):
        name = _page_class(block)
        if block is not None and name == "other_pages":
            step.add_at(name, move.node, pages)
        elif block is not None:
            step.add_cell(name, block.owner, move.node, pages)


def holds(cases: Sequence[Case], index: int) -> Term:
    """When a case is the one: its condition, and no earlier case's."""
    return all_of([*(negation(case.condition) for case in cases[:index]), cases[index].condition])


def any_case(cases: Sequence[Case]) -> Term:
    """Whether the cases leave nothing out; valid for every call."""
    return any_of([case.condition for case in cases])
