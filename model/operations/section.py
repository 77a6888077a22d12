"""A critical section being written down: premises, checks, C values and ends, in the hypervisor's order.

A check is given by what makes it *fail*. Conditions are terms, or functions of the quantifiers; whoever derives
something from a section builds negations with the dual quantifiers, and descriptions never negate a quantified
condition.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from model.c_code.evaluation import Code
from model.encoding import Encoding, Quantifiers, Vector
from model.logic import Term, all_of, any_of, is_true, negation
from model.rules import Rules
from model.state import State
from model.step import Formula, Step

CRASH = "crash"
"""The result of a check at which the hypervisor stops."""

Condition: TypeAlias = Term | Formula
Parts: TypeAlias = Mapping[str, Condition]
"""Name of the guard that holds where it does not, and the condition."""
Change: TypeAlias = Callable[[Step], None]


def resolved(condition: Condition, q: Quantifiers) -> Term:
    """The condition as a term."""
    return condition(q) if callable(condition) else condition


def negated(condition: Condition) -> Condition:
    """The opposite."""
    if callable(condition):
        return lambda q: negation(condition(q.dual))
    return negation(condition)


def either(parts: Parts) -> Condition:
    """Some part holds."""
    conditions = list(parts.values())
    if any(callable(condition) for condition in conditions):
        return lambda q: any_of(resolved(condition, q) for condition in conditions)
    return any_of(conditions)


@dataclass(frozen=True)
class SectionPremise:
    """What the caller has seen to."""

    name: str
    holds: Condition
    errno: str = ""
    """What the caller returns otherwise."""


@dataclass(frozen=True)
class Check:
    """A check: where some part holds, the call ends with the errno, or the host stops."""

    name: str
    errno: str
    fails: Parts
    entry: int | None = None
    """Which entry of a claim set it is about."""


@dataclass(frozen=True)
class End:
    """The call succeeds where some part holds; else it continues."""

    name: str
    when: Parts
    change: Change | None
    answer: Mapping[str, Any]
    code: Code | None
    """C values of the loops that make the change: they do not follow from its closed form."""


@dataclass(frozen=True)
class CValue:
    """An intermediate value of the C code, with its type."""

    expression: str
    c_type: str
    term: Callable[[], Term]


@dataclass(frozen=True)
class LoopFact:
    """C values of a loop, which have variables of their own."""

    code: Code


Record: TypeAlias = SectionPremise | Check | End | CValue | LoopFact


@dataclass
class Section:
    """A section over one state. Nodes that it names are online, unless a view says otherwise."""

    encoding: Encoding
    s: State
    rules: Rules
    records: list[Record] = field(default_factory=list)
    of_destroyed: bool = False
    """The domain has left the domain list: its claims are `orphaned_claims`."""
    decided: bool = False
    """A check fails, or an end is reached, whatever the state is: nothing after it matters."""
    _where: Term = True

    # -- what a description says

    def premise(self, name: str, holds: Condition, errno: str = "") -> None:
        """The section is entered only where this holds."""
        self.records.append(SectionPremise(name, holds, errno))

    def check(self, name: str, errno: str, fails: Parts, entry: int | None = None) -> None:
        """The call ends with the errno where some part holds. A part's name says what holds otherwise."""
        self._add(Check(name, errno, self._here(fails), entry), fails)

    def crash(self, name: str, fails: Parts) -> None:
        """The hypervisor stops at an assertion of its own where some part holds."""
        self.check(name, CRASH, fails)

    def end(
        self,
        name: str,
        change: Change | None = None,
        when: Parts | None = None,
        answer: Mapping[str, Any] | None = None,
        code: Code | None = None,
    ) -> None:
        """The call succeeds here, where some part of `when` holds. A part's name says what holds otherwise."""
        parts: Parts = {f"not-{name}": True} if when is None else when
        self._add(End(name, self._here(parts), change, answer or {}, code), parts)

    def value(self, expression: str, c_type: str, term: Callable[[], Term]) -> None:
        """The C code computes this here, or converts it to this type."""
        self.records.append(CValue(expression, c_type, term))

    def loop(self, code: Code) -> None:
        """The C code has a loop here, whose values do not follow from its closed form."""
        self.records.append(LoopFact(code))

    @contextmanager
    def where(self, condition: Term) -> Iterator[None]:
        """Checks and ends that are reached only where the condition holds."""
        before, self._where = self._where, all_of([self._where, condition])
        yield
        self._where = before

    def _here(self, parts: Parts) -> Parts:
        if is_true(self._where):
            return parts
        where = self._where

        def also(condition: Condition) -> Condition:
            if callable(condition):
                return lambda q: all_of([where, condition(q)])
            return all_of([where, condition])

        return {name: also(condition) for name, condition in parts.items()}

    def _add(self, record: Check | End, parts: Parts) -> None:
        self.records.append(record)
        self.decided = self.decided or (is_true(self._where) and any(is_true(part) for part in parts.values()))

    # -- what the views of a section differ in

    def as_c(self, _c_type: str, term: Term) -> Term:
        """What the C program has in the place of a value, which may have wrapped."""
        return term

    def on(self, node: Term, statement: Callable[[Term], Term]) -> Term:
        """The node is online and the statement holds of it."""
        return statement(node)

    def is_online(self, _node: Term) -> Term:
        """Whether there is a node with that id, 0 or more."""
        return True

    def is_unknown(self, domid: Term) -> Term:
        """No domain with this id is on the domain list."""
        return True if domid is None else negation(self.s.listed(domid))

    def by_node(self, _entry: Callable[[Term], Term]) -> Vector:
        """A vector whose entries are given by node."""
        raise NotImplementedError

    def is_dying(self, domid: Term) -> Term:
        """domain_kill of the domain has begun: else it would not be destroyed."""
        return True if self.of_destroyed else self.s.is_dying[domid]

    def llc_coloring(self) -> Term:
        """LLC colouring is on."""
        raise NotImplementedError

    def is_unpaused(self, _domid: Term) -> Term:
        """Its controller does not pause the domain."""
        return False

    def set_claim_node(self, step: Step, domid: Term, node: Term) -> None:
        """claim_node, where a view has it."""
