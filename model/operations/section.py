"""The description of a critical section: premises, checks, C values and ends, in the hypervisor's order.

A check is described by the condition under which it *fails*. Conditions are terms, or functions of the quantifiers.
Descriptions never negate a quantified condition; code that derives something from a section negates conditions with
the dual quantifiers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeAlias

from model.c_code.evaluation import Code
from model.encoding import Encoding, Quantifiers, Vector
from model.logic import Term, all_of, any_of, is_true, negation
from model.operations.blocks import BY_NODE, TRANSIT, Block, counted_in
from model.rules import Request, Rules
from model.state import State
from model.step import Formula, Step

OK = "OK"
REFUSED = "refused"
"""An allocation that gets no pages."""
CRASH = "crash"
"""The hypervisor stops at one of its assertions."""
MISUSE = "misuse"
"""The hypervisor never makes this call: its outcome is undefined."""

Condition: TypeAlias = Term | Formula
Parts: TypeAlias = Mapping[str, Condition]
"""The parts of a failing condition: for each, the name of the guard that holds otherwise, and the condition."""
Change: TypeAlias = Callable[[Step], None]


def resolved(condition: Condition, q: Quantifiers) -> Term:
    """The condition as a term."""
    return condition(q) if callable(condition) else condition


def negated(condition: Condition) -> Condition:
    """The negation of the condition."""
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
    """A condition that the caller guarantees."""

    name: str
    holds: Condition
    errno: str = ""
    """The errno that the caller returns otherwise."""


@dataclass(frozen=True)
class Check:
    """A check: where some part holds, the call ends with the errno, or the host stops."""

    name: str
    errno: str
    fails: Parts
    entry: int | None = None
    """The index of the claim set's entry that it checks."""


@dataclass(frozen=True)
class End:
    """The call ends where some part holds; else it continues."""

    name: str
    when: Parts
    change: Change | None
    answer: Mapping[str, Any]
    code: Code | None
    """C values of the loops that make the change; they do not follow from the closed form."""
    result: str = OK
    block: Block | None = None
    """The state of the call's pages afterwards; None: free, or the call has no pages."""


@dataclass(frozen=True)
class CValue:
    """An intermediate value of the C code, with its type."""

    expression: str
    c_type: str
    term: Callable[[], Term]
    where: Callable[[], Term] | None = None
    """It is computed only where this holds."""


@dataclass(frozen=True)
class LoopFact:
    """C values of a loop, over loop variables."""

    code: Code


@dataclass(frozen=True)
class Skip:
    """A candidate of the node search is skipped where this holds. The name states what holds otherwise."""

    name: str
    fails: Term


@dataclass(frozen=True)
class Search:
    """The node search, for an arbitrary candidate: it ends at one that is not skipped. `at` describes a node."""

    node: Term
    """The node of the step; None: the step has no node."""
    at: Callable[[Term], Sequence[Skip | Check | End]]


@dataclass(frozen=True)
class LockAcquisition:
    """A lock is taken inside the section, in addition to those that it is entered with."""

    lock: str


Record: TypeAlias = SectionPremise | Check | End | CValue | LoopFact | Skip | Search | LockAcquisition
Candidate: TypeAlias = Callable[["Section", Term], None]
"""Describes what happens at one candidate of the node search."""


@dataclass
class Section:
    """A section over one state. Nodes that it names are online, unless a subclass defines otherwise."""

    encoding: Encoding
    s: State
    rules: Rules
    records: list[Record] = field(default_factory=list)
    of_destroyed: bool = False
    """The domain has left the domain list: its claims are `orphaned_claims`."""
    decided: bool = False
    """A check fails, or an end is reached, in every state: later records have no effect."""
    _where: Term = True
    stolen: ClassVar[str] = TRANSIT
    """The state of pages without owner that memory_exchange holds."""

    @property
    def observed(self) -> Any:
        """The state, including the fields that no property depends on; only for sections that are used as calls."""
        return self.s

    # -- the records of a description

    def premise(self, name: str, holds: Condition, errno: str = "") -> None:
        """The section is entered only where this holds."""
        self.records.append(SectionPremise(name, holds, errno))

    def check(self, name: str, errno: str, fails: Parts, entry: int | None = None) -> None:
        """The call ends with the errno where some part holds. A part's name states what holds otherwise."""
        self._add(Check(name, errno, self._here(fails), entry), fails)

    def crash(self, name: str, fails: Parts) -> None:
        """The hypervisor stops at one of its assertions where some part holds."""
        self.check(name, CRASH, fails)

    def end(
        self,
        name: str,
        change: Change | None = None,
        when: Parts | None = None,
        answer: Mapping[str, Any] | None = None,
        code: Code | None = None,
        result: str = OK,
        block: Block | None = None,
    ) -> None:
        """The call ends here where some part of `when` holds. A part's name states what holds otherwise."""
        parts: Parts = {f"not-{name}": True} if when is None else when
        self._add(End(name, self._here(parts), change, answer or {}, code, result, block), parts)

    def value(
        self, expression: str, c_type: str, term: Callable[[], Term], where: Callable[[], Term] | None = None
    ) -> None:
        """The C code computes or converts this value here; `where`: the condition for it; None: always."""
        self.records.append(CValue(expression, c_type, term, where))

    def loop(self, code: Code) -> None:
        """The C code has a loop here; its values do not follow from its closed form."""
        self.records.append(LoopFact(code))

    def take(self, lock: str) -> None:
        """The lock is taken inside the section."""
        self.records.append(LockAcquisition(lock))

    def search(self, candidates: Any, describe: Candidate) -> None:
        """The node search: each candidate in order, or an arbitrary one, as the subclass defines `candidates`."""
        raise NotImplementedError

    def skip(self, name: str, fails: Term) -> None:
        """A candidate is skipped where `fails` holds."""
        self.records.append(Skip(name, fails))

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

    # -- the differences between subclasses

    def as_c(self, _c_type: str, term: Term) -> Term:
        """The value in the C code, which may have wrapped."""
        return term

    def on(self, node: Term, statement: Callable[[Term], Term]) -> Term:
        """The node is online and the statement holds for it."""
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
        """domain_kill of the domain has begun; true for a destroyed domain."""
        return True if self.of_destroyed else self.s.is_dying[domid]

    def llc_coloring(self) -> Term:
        """LLC colouring is on."""
        raise NotImplementedError

    def debug_build(self) -> Term:
        """Assertions of a debug build stop the host."""
        return False

    def is_unpaused(self, _domid: Term) -> Term:
        """The domain is not paused by its controller."""
        return False

    def frees_in_flight(self, _domid: Term) -> Term:
        """Frees between their two halves that took the domain's last page."""
        return 0

    def is_last(self, _block: Block) -> Term:
        """The pages are all that keep a dead domain on the list."""
        return False

    def has_block(self, node: Term, pages: Term) -> Term:
        """The node has a free block of `pages` pages."""
        return pages <= self.s.node_avail_pages[node]

    def host_refuses(self, request: Request) -> Term:
        """The host check fails."""
        return negation(self.rules.host_permits(self.encoding, self.s, request))

    def node_refuses(self, request: Request, node: Term) -> Term:
        """The check of a candidate fails."""
        return negation(self.rules.node_permits(self.s, request, node))

    def listed(self) -> State:
        """The state without the domains that are off the domain list."""
        return self.s

    def orphan(self, step: Step, domid: Term) -> None:
        """The domain leaves the domain list: from then on its claims are orphaned."""
        s = self.s
        step.set_at("orphaned_claims", domid, s.held(domid))
        step.bookkeeping.change(step, domid, -s.node_claims[domid], -s.global_claims[domid])
        step.set_row("claims", domid, self.encoding.combined([], s.claims.row(domid)))

    def hold_domctl(self, step: Step, domid: Term) -> None:
        """The domctl lock stays held after this section, for domain_kill of the domain."""
        step.set("domctl_lock", domid)

    def unmarked(self, block: Block) -> Block:
        """The block, after a check found that none of its pages is marked."""
        return block

    def page_class(self, block: Block | None) -> str:
        """The field that counts the pages of a block; empty: free."""
        return counted_in(block)

    def pages_like(self, block: Block) -> Term:
        """The number of pages of the block's class on its node."""
        name = self.page_class(block)
        pages = getattr(self.s, name)
        return pages[block.node] if name in BY_NODE else pages[block.owner, block.node]

    def move(self, step: Step, before: Block | None, after: Block | None) -> None:
        """Move pages from one class to another. They never move to the same class of another domain."""
        if self.page_class(before) == self.page_class(after):
            return
        for block, sign in ((before, -1), (after, 1)):
            name = self.page_class(block)
            if block is None or not name:
                continue
            if name in BY_NODE:
                step.add_at(name, block.node, sign * block.pages)
            else:
                step.add_cell(name, block.owner, block.node, sign * block.pages)

    def observe(self, step: Step, field_name: str, index: Term, value: Callable[[Any], Term]) -> None:
        """Set a field that no property depends on, if the state has it."""
