"""Proves the two abstractions of the model in both directions, for any host: sets by node, and any node that qualifies.

*Claim sets.* A list of entries becomes pages by node, entry by entry. `no-entries`: a list without entries is the empty
set, which no check of an entry refuses. Assume that a list is accepted so far and corresponds to this set.
`entry-accepted`: if the list's checks accept a further entry, the checks by node accept the set with that entry.
`entry-left-out`: if the checks by node accept a set, they accept it without one of its nodes, or without its host-wide
pages, and the list's checks accept that part as the next entry. By induction over the entries, every accepted list is
an accepted set, and every accepted set is that of an accepted list. Both views check the totals with the same formula;
`entry-accepted` proves that the totals are equal, and `same-room` that the rooms of nodes are. An entry without pages
has no entry by node.

*The node search.* `first-serves`: if a node is the first in some order that is not skipped, the transition is possible
there. `any-serves`: if the transition is possible at a node, the node is first in the order that starts with it.
`none-serves`: if every candidate is skipped, the refused transition is possible.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from model.c_types import MAX_NUMNODES
from model.encoding import Quantifiers
from model.hosts.parametric import ParametricHost
from model.hosts.summed import NODE
from model.interfaces import SetInstaller
from model.logic import Term, all_of, any_of, choose, implies, negation, same
from model.named import GENERATIONS, TRANSITIONS
from model.operations.derived import DerivedTransition, accept, passed_over, refuse, serves
from model.operations.installing import entry_checks
from model.operations.section import Check, Search, SectionPremise, either, resolved
from model.operations.sets import GLOBAL, EarlierEntries, Entry, EntryView, ListedEntry, SetByNode, short_by_node
from model.operations.stepped import StepSection
from model.rules import Rules
from model.step import Step
from proofs.obligations.auxiliary import Problem, parametric_problem
from proofs.obligations.obligation import ABSTRACTION, PARAMETRIC, Obligation

_OF_SETS = ("no-entries", "entry-accepted", "entry-left-out", "same-room")
_OF_THE_SEARCH = ("first-serves", "any-serves", "none-serves")


def abstraction_obligations(semantics: list[str]) -> list[Obligation]:
    """The obligations of each generation; those about sets only for generations with claim sets."""
    found = []
    for name in semantics:
        has_sets = GENERATIONS[name].rules.interface.sets is not SetInstaller.NONE
        cases = (*(_OF_SETS if has_sets else ()), *_OF_THE_SEARCH)
        found += [Obligation(ABSTRACTION, name, case, PARAMETRIC) for case in cases]
    return found


def abstraction_problem(obligation: Obligation) -> Problem:
    """The formulas of one case."""
    rules, host = GENERATIONS[obligation.property].rules, ParametricHost()
    found = _case(obligation.transition, rules, host)
    return parametric_problem(host, found.goal, found.assumptions)


@dataclass(frozen=True)
class _Abstraction:
    assumptions: Callable[[Quantifiers], dict[str, Term]]
    goal: Callable[[Quantifiers], Term]


def _case(name: str, rules: Rules, host: ParametricHost) -> _Abstraction:
    if name in _OF_SETS:
        return _Sets(rules, host).case(name)
    return _search(name, rules, host)


# -- claim sets


@dataclass(frozen=True)
class _SetSoFar:
    """The earlier entries as the list's checks use them, computed from the set by node."""

    of: SetByNode
    name_host: Term
    named: Callable[[Term], Term]

    @property
    def on_nodes(self) -> Term:
        return self.of.total

    @property
    def pages(self) -> Term:
        return self.of.total + self.of.host_wide

    def name(self, target: Term) -> Term:
        return self.named(target)


class _AnyTarget(StepSection):
    """A section in which a target may be any number: an online node or not."""

    def is_online(self, node: Term) -> Term:
        """Whether there is a node with this id."""
        assert isinstance(self.encoding, ParametricHost)
        return node < self.encoding.nodes

    def on(self, node: Term, statement: Callable[[Term], Term]) -> Term:
        """The node is online and the statement holds for it."""
        return all_of([node >= 0, self.is_online(node), statement(node)])


class _Sets:
    """A set by node, and a further entry."""

    def __init__(self, rules: Rules, host: ParametricHost) -> None:
        self.host = host
        self.x = _AnyTarget(Step(host, host.state()), rules)
        self.domid = host.domain("domid")
        self.pages, self.node, self.pad = host.pages("pages"), host.node("node"), host.pages("pad")
        self.on_host, self.online, elsewhere = host.flag("on_host"), host.flag("online"), host.pages("elsewhere")
        target = choose(self.on_host, GLOBAL, choose(self.online, self.node, elsewhere))
        self.known = all_of([elsewhere >= host.nodes, elsewhere != GLOBAL, host.nodes <= MAX_NUMNODES])
        """A target that is neither the host nor an online node is another number."""
        self.entry = Entry(self.pages, target, self.pad)
        first, second = host.pages_by_node("first"), host.pages_by_node("second")
        self.before = SetByNode(self.x, first, second, host.pages("global"), False, False)
        self.after = self._with_entry()

    def _with_entry(self) -> SetByNode:
        """The set with the entry, as a second entry if its node is named already."""
        h, before, node = self.host, self.before, self.node
        on_node = self._on_node()
        fresh = before.first[node] == 0
        first = h.replaced(before.first, node, before.first[node] + choose(fresh, on_node, 0))
        second = h.replaced(before.second, node, before.second[node] + choose(fresh, 0, on_node))
        host_wide = before.host_wide + choose(self.on_host, self.pages, 0)
        return SetByNode(self.x, first, second, host_wide, self.pad != 0, negation(any_of([self.on_host, self.online])))

    def _on_node(self) -> Term:
        return choose(all_of([negation(self.on_host), self.online]), self.pages, 0)

    def accepts(self, q: Quantifiers, entry: EntryView, *, empty: bool = False) -> Term:
        """All checks of an entry pass. By node they check some entry, unless the set may be `empty`."""
        x = _AnyTarget(self.x.step, self.x.rules)
        entry_checks(x, self.domid, entry)
        passed = []
        for check in x.records:
            assert isinstance(check, Check)
            fails = {name: part for name, part in check.fails.items() if not empty or name != "names-something"}
            passed.append(negation(resolved(either(fails), q.dual)))
        return all_of(passed)

    def next_entry(self, earlier: EarlierEntries) -> EntryView:
        """The entry, in the list's view."""
        return ListedEntry(self.x, self.entry, earlier, None)

    def case(self, name: str) -> _Abstraction:
        """One direction."""
        for vector in (self.before.first, self.before.second, self.before.by_node):
            self.host.entry_within_sum(vector, self.node)
        cases = {
            "no-entries": self._no_entries,
            "entry-accepted": self._accepted,
            "entry-left-out": self._left_out,
            "same-room": self._same_room,
        }
        return cases[name]()

    def _no_entries(self) -> _Abstraction:
        """The set by node of a list without entries."""
        nothing = self.host.combined([], self.before.first)
        (empty,) = SetByNode(self.x, nothing, nothing, 0, False, False).each()
        limit = {"limit": self.x.s.max_pages[self.domid] >= 0}
        return _Abstraction(lambda _q: limit, lambda q: self.accepts(q, empty, empty=True))

    def _accepted(self) -> _Abstraction:
        before, (set_before,), (set_after,) = self.before, self.before.each(), self.after.each()
        names_host, names_node = self.host.flag("names_host"), self.host.flag("names_node")
        earlier = _SetSoFar(before, names_host, lambda _target: names_node)
        # The list also has entries without pages, which are not in the set by node.
        named = [implies(before.first[self.node] != 0, names_node), implies(before.host_wide != 0, names_host)]
        return _Abstraction(
            lambda q: {
                "set": self.accepts(q, set_before, empty=True),
                "entry": self.accepts(q, self.next_entry(earlier)),
                "earlier": all_of(named),
                "target": self.known,
            },
            lambda q: all_of([self.accepts(q, set_after, empty=True), self._totals_grow()]),
        )

    def _totals_grow(self) -> Term:
        """The totals by node are those of the list: they grow by the pages of the entry."""
        before, after, on_node = self.before, self.after, self._on_node()
        return all_of(
            [
                after.total == before.total + on_node,
                after.host_wide == before.host_wide + self.pages - on_node,
                after.by_node[self.node] == before.by_node[self.node] + on_node,
            ]
        )

    def _left_out(self) -> _Abstraction:
        before, (set_before,), (set_after,) = self.before, self.before.each(), self.after.each()
        earlier = _SetSoFar(before, before.host_wide != 0, lambda _target: before.first[self.node] != 0)
        new = choose(self.on_host, before.host_wide == 0, all_of([self.online, before.by_node[self.node] == 0]))
        return _Abstraction(
            lambda q: {
                "set": self.accepts(q, set_after),
                "entry": all_of([self.pages >= 1, self.pad == 0, new]),
                "target": self.known,
            },
            lambda q: all_of([self.accepts(q, set_before, empty=True), self.accepts(q, self.next_entry(earlier))]),
        )

    def _same_room(self) -> _Abstraction:
        """For a set that names each node once, both views agree whether some node lacks room."""
        no_room = self.x.s.unclaimed_on
        by_set = either(self.before.short(lambda pages, n: pages > no_room(n)))
        by_list = short_by_node(self.before.by_node, lambda pages, n: pages > no_room(n))
        second = self.before.second
        return _Abstraction(
            lambda q: {"once": q.every_node(lambda n: second[n] == 0)},
            lambda q: all_of(
                [
                    any_of([negation(resolved(by_set, q.dual)), resolved(by_list, q)]),
                    any_of([negation(resolved(by_list, q.dual)), resolved(by_set, q)]),
                ]
            ),
        )


# -- the node search


def _section(name: str, rules: Rules, host: ParametricHost) -> tuple[StepSection, Search]:
    """The section of a transition, and its node search."""
    written, step = TRANSITIONS[name].written, Step(host, host.state())
    assert isinstance(written, DerivedTransition)
    x = StepSection(step, rules)
    written.describe(x)
    (search,) = [record for record in x.records if isinstance(record, Search)]
    return x, search


def _reached(x: StepSection, q: Quantifiers) -> Term:
    """The premises hold, and no check before the search fails."""
    reached = []
    for record in x.records:
        if isinstance(record, SectionPremise):
            reached.append(resolved(record.holds, q))
        elif isinstance(record, Check):
            reached.append(negation(resolved(either(record.fails), q.dual)))
        elif isinstance(record, Search):
            break
    return all_of(reached)


def _search(name: str, rules: Rules, host: ParametricHost) -> _Abstraction:
    x, search = _section("alloc_heap_pages_refused" if name == "none-serves" else "alloc_heap_pages", rules, host)
    step = Step(host, x.step.before, x.step.arguments)
    if name == "none-serves":
        refuse(step, x)
    else:
        accept(step, x, ("allocated",))

    def possible(q: Quantifiers) -> Term:
        return all_of(guard.formula(q) for guard in step.guards)

    if name == "none-serves":
        return _Abstraction(
            lambda q: {
                "reached": _reached(x, q),
                "all-passed-over": q.every_node(lambda n: passed_over(search, n, q)),
            },
            possible,
        )
    node, rank = search.node, host.vector("rank", NODE)

    def first_in_order(q: Quantifiers) -> Term:
        earlier = q.every_node(lambda n: implies(rank[n] < rank[node], passed_over(search, n, q)))
        return all_of([_reached(x, q), serves(search, node, q), earlier])

    if name == "first-serves":
        return _Abstraction(lambda q: {"first": first_in_order(q)}, possible)
    return _Abstraction(
        lambda q: {
            "possible": possible(q),
            "order": q.every_node(lambda n: any_of([same(n, node), rank[node] < rank[n]])),
        },
        first_in_order,
    )
