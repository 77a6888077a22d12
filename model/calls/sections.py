"""The outcome of a section on one state: its checks and ends in order, as cases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from model.calls.case import Call, Case, Effect
from model.calls.state import NONE, CallState, ListedDomains
from model.encoding import Vector
from model.logic import Term, all_of, any_of, choose, negation, same
from model.operations.blocks import ANONYMOUS, Block, counted_by_observer
from model.operations.section import Candidate, Check, End, Section, either, resolved
from model.rules import Request
from model.state import State
from model.step import Step


class CallSection(Section):
    """A section on the state of a call: nodes may be offline, domains unknown, and results depend on more fields."""

    def __init__(self, call: Call) -> None:
        super().__init__(call.host, call.before, call.rules)
        self.call = call
        self.blocks: Sequence[Term] = ()
        """For each node, whether it has a free block of the requested order."""

    stolen: ClassVar[str] = ANONYMOUS
    """The calls have no page class of their own for pages that memory_exchange holds."""

    @property
    def observed(self) -> CallState:
        """The state, including the fields that no property depends on."""
        return self.call.before

    @property
    def before(self) -> CallState:
        """The state before, including the fields that only calls read."""
        return self.call.before

    def on(self, node: Term, statement: Callable[[Term], Term]) -> Term:
        """The node is online and the statement holds for it."""
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

    def debug_build(self) -> Term:
        """Assertions of a debug build stop the host."""
        return self.before.debug_build

    def is_unpaused(self, domid: Term) -> Term:
        """The domain is not paused by its controller."""
        return self.before.controller_pause_count[domid] == 0

    def frees_in_flight(self, domid: Term) -> Term:
        """Frees between their two halves that took the domain's last page."""
        return self.before.last_frees[domid]

    def is_last(self, block: Block) -> Term:
        """The pages are all that keep a dead domain on the list."""
        return self.before.pages_counted(block.owner) == block.pages

    def has_block(self, node: Term, _pages: Term) -> Term:
        """The node has a free block of the order. It is an argument, because counters do not decide it."""
        return self.blocks[node]

    def host_refuses(self, request: Request) -> Term:
        """The host check. In single-node-v1 and v2 it considers the claim's target."""
        interface = self.rules.interface
        named = NONE if request.anywhere else request.node
        if interface.checks_exact_target:
            target = choose(request.exact, named, NONE)
        elif interface.checks_any_target:
            target = self._claim_target(request.domain) if request.anywhere else named
        else:
            return super().host_refuses(request)
        s, pages = self.before, request.pages
        fits = any_of([target == NONE, self.on(target, lambda n: pages <= s.unclaimed_on(n))])
        unclaimed = all_of([pages <= s.unclaimed(), fits])
        if request.claimant is None:
            return negation(unclaimed)
        own = all_of([s.claim_node[request.claimant] == target, pages <= request.own(s)])
        return negation(any_of([unclaimed, own]))

    def _claim_target(self, domid: Term) -> Term:
        """The claim's node if node_affinity is exactly that node, else `NONE`."""
        if domid is None:
            return NONE
        s = self.before
        target = s.claim_node[domid]
        only = self.call.host.every_node(lambda n: s.node_affinity[domid, n] == same(target, n))
        return choose(all_of([target != NONE, only]), target, NONE)

    def search(self, candidates: Sequence[Term], describe: Candidate) -> None:
        """Describe the candidates in order."""
        for node in candidates:
            with self.where(True):  # a skipped candidate affects no other candidate
                describe(self, node)

    def skip(self, _name: str, fails: Term) -> None:
        """A candidate is skipped where `fails` holds."""
        self._where = all_of([self._where, negation(fails)])

    def listed(self) -> State:
        """The state without the domains that are off the domain list."""
        return ListedDomains(self.call.host, self.before)

    def orphan(self, _step: Step, _domid: Term) -> None:
        """The claims do not change: operations in flight still use them."""

    def hold_domctl(self, _step: Step, _domid: Term) -> None:
        """The caller takes the domctl lock."""

    def unmarked(self, block: Block) -> Block:
        """The block, after a check found that none of its pages is marked."""
        return Block(block.pages, block.node, block.state, block.owner, block.refcounted)

    def page_class(self, block: Block | None) -> str:
        """The page class that an observer of calls can distinguish."""
        return counted_by_observer(block)

    def observe(self, step: Step, field_name: str, index: Term, value: Callable[[Any], Term]) -> None:
        """Set a field that no property depends on."""
        step.set_at(field_name, index, value(self.before))

    def cases(self) -> list[Case]:
        """The possible outcomes, in order."""
        q = self.call.host
        found = []
        for record in self.records:
            if isinstance(record, Check):
                found.append(Case(record.name, resolved(either(record.fails), q), record.errno, entry=record.entry))
            elif isinstance(record, End):
                effect = None if record.change is None else Effect(self.call, record.change)
                when = resolved(either(record.when), q)
                found.append(Case(record.name, when, record.result, effect, record.answer, record.block))
        return found
