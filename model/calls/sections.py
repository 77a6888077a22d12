"""The outcome of a section on one state: its checks and ends in order, as cases."""

from __future__ import annotations

from collections.abc import Callable

from model.calls.case import OK, Call, Case
from model.calls.state import CallState
from model.encoding import Vector
from model.logic import Term
from model.operations.section import Check, End, Section, either, resolved
from model.step import Step


class CallSection(Section):
    """A section over the state of a call: nodes may be offline, domains unknown, and results depend on more fields."""

    def __init__(self, call: Call) -> None:
        super().__init__(call.host, call.before, call.rules)
        self.call = call

    @property
    def before(self) -> CallState:
        """The state, with what only calls look at."""
        return self.call.before

    def on(self, node: Term, statement: Callable[[Term], Term]) -> Term:
        """The node is online and the statement holds of it."""
        return self.call.on(node, statement)

    def is_online(self, node: Term) -> Term:
        """Whether there is a node with that id, 0 or more."""
        return self.call.is_online(node)

    def by_node(self, entry: Callable[[Term], Term]) -> Vector:
        """A vector whose entries are given by node."""
        return self.call.host.by_node(entry)

    def llc_coloring(self) -> Term:
        """LLC colouring is on."""
        return self.before.llc_coloring

    def is_unpaused(self, domid: Term) -> Term:
        """Its controller does not pause the domain."""
        return self.before.controller_pause_count[domid] == 0

    def set_claim_node(self, step: Step, domid: Term, node: Term) -> None:
        """claim_node, where the generation has it."""
        if self.rules.interface.has_claim_node:
            step.set_at("claim_node", domid, node)

    def cases(self) -> list[Case]:
        """What may come out, in order."""
        q = self.call.host
        found = []
        for record in self.records:
            if isinstance(record, Check):
                found.append(Case(record.name, resolved(either(record.fails), q), record.errno, entry=record.entry))
            elif isinstance(record, End):
                effect = None if record.change is None else self.call.effect(record.change)
                found.append(Case(record.name, resolved(either(record.when), q), OK, effect, record.answer))
        return found
