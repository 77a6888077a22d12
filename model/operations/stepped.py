"""A section as a transition: over the state before a step and the arguments of the step."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import TypeAlias

from model.encoding import Vector
from model.logic import Term, negation
from model.operations.section import Candidate, Change, Check, Condition, End, Search, Section, Skip
from model.rules import Rules
from model.step import Step

Eligible: TypeAlias = Callable[[Term], Term]
"""Whether a request allows a node."""


class StepSection(Section):
    """A section as a transition: its arguments are those of the step."""

    def __init__(self, step: Step, rules: Rules) -> None:
        super().__init__(step.encoding, step.before, rules)
        self.step = step
        self.changes: list[Change] = []
        """Changes at every end and at every refusal."""
        self.on_refusal: list[Change] = []
        """Changes at every refusal."""
        self._known = False

    def domain(self) -> Term:
        """The domain argument, which becomes the actor."""
        return self.step.domain()

    def node(self) -> Term:
        """The node argument, which becomes the node of the step."""
        return self.step.node()

    def pages(self, name: str = "pages") -> Term:
        """A page count."""
        return self.step.pages(name)

    def block_pages(self) -> Term:
        """The pages of a block, 1 or more."""
        pages = self.pages()
        self.premise("at-least-a-page", pages >= 1)
        return pages

    def named_node(self, name: str) -> Term:
        """A node argument that does not become the node of the step."""
        return self.step.named_node(name)

    def flag(self, name: str) -> Term:
        """A truth value."""
        return self.step.flag(name)

    def pages_by_node(self, name: str) -> Vector:
        """A page count by node."""
        return self.step.pages_by_node(name)

    def looked_up(self, condition: Condition, errno: str) -> None:
        """A premise: the caller has found the domain."""
        self.premise("domain-exists", condition, errno)
        self._known = True

    def is_unknown(self, domid: Term) -> Term:
        """No domain with this id is on the domain list; False if the caller has found it."""
        return False if self._known else super().is_unknown(domid)

    def llc_coloring(self) -> Term:
        """An argument of the step, because it never changes."""
        return self.flag("llc_coloring")

    def search(self, candidates: Eligible, describe: Candidate) -> None:
        """The search may end at any node that the request allows."""

        def at(node: Term) -> list[Skip | Check | End]:
            there = copy(self)
            there.records = []
            there.skip("exact-node", negation(candidates(node)))
            describe(there, node)
            return [record for record in there.records if isinstance(record, Skip | Check | End)]

        self.records.append(Search(self.step.arguments.get("node"), at))


Description: TypeAlias = Callable[[StepSection], None]
