"""The two views of a claim set: a list of entries in order, or page counts by node.

By node, the body of "for each entry" runs once, and each condition means "for some entry". The sum of the entries so
far is then the sum of all entries. This is right only for checks that fail for every larger sum, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from model.c_types import MAX_NUMNODES, UINT_MAX
from model.encoding import Vector
from model.interfaces import SetInstaller
from model.logic import Term, all_of, any_of, choose, negation, same, total_of
from model.operations.section import Condition, Parts, Section

GLOBAL = 0x80000000
"""Target of an entry: the host. Later called HOST."""
LEGACY = 0x40000000
"""Target of an entry: the legacy call."""
NO_NODE = 0xFFFFFFFF
"""Target of the entry in v4: the host."""
BIT_31 = 1 << 31

OnNode = Callable[[Term, Term], Term]
"""A condition on the pages of an entry and the node that it names."""


@dataclass(frozen=True)
class Entry:
    """One entry of a claim set, with the numbers of the hypercall's ABI."""

    pages: Term
    target: Term
    """A node id, `GLOBAL` or `LEGACY`, or any other 32-bit number."""
    pad: Term = 0
    """Must be 0; in claim-sets-v3 it is called `cmd`."""

    @property
    def host_wide(self) -> Term:
        """The target is the host."""
        return self.target == GLOBAL


class EntryView(Protocol):
    """An entry as the checks of a set use it; each condition is a reason why it fails."""

    @property
    def index(self) -> int | None:
        """Its index in the list; None: the set is by node."""
        ...

    @property
    def malformed(self) -> Term:
        """Its padding is not 0."""
        ...

    @property
    def empty(self) -> Term:
        """It has no pages."""
        ...

    @property
    def second_global(self) -> Term:
        """Its target is the host, and so is an earlier one's."""
        ...

    @property
    def unknown_selector(self) -> Term:
        """Its target is neither the host nor a possible node id."""
        ...

    @property
    def offline(self) -> Term:
        """Its target is a node that is not online."""
        ...

    @property
    def twice(self) -> Condition:
        """Its target is a node that an earlier entry names."""
        ...

    @property
    def sum_wraps(self) -> Term:
        """The pages on nodes up to this entry do not fit 32 bits."""
        ...

    def beyond(self, limit: Term) -> Parts:
        """The pages up to this entry exceed `limit`."""
        ...

    def short(self, fails: OnNode) -> Parts:
        """Its target is a node for which `fails` holds."""
        ...


class ClaimSet(Protocol):
    """A claim set as its checks use it."""

    @property
    def empty(self) -> Term:
        """It has no entries."""
        ...

    @property
    def too_many(self) -> Term:
        """It has more entries than targets exist."""
        ...

    @property
    def is_legacy(self) -> Term:
        """An entry makes it the legacy call."""
        ...

    @property
    def host_wide(self) -> Term:
        """Pages of the host-wide entry."""
        ...

    @property
    def total(self) -> Term:
        """The sum of the pages on nodes."""
        ...

    @property
    def by_node(self) -> Vector:
        """Pages by node."""
        ...

    def each(self) -> Iterator[EntryView]:
        """The entries in order."""
        ...

    def short(self, fails: OnNode) -> Parts:
        """It names a node for which `fails` holds."""
        ...


class ListedSet:
    """A claim set as a list of entries with arbitrary targets."""

    def __init__(self, x: Section, entries: Sequence[Entry]) -> None:
        self.x = x
        folds_legacy = x.rules.interface.sets is SetInstaller.REPLACING_OR_LEGACY
        self.is_legacy = any_of([entry.target == LEGACY for entry in entries]) if folds_legacy else False
        if folds_legacy:  # it is an entry for the host
            entries = [replace(e, target=choose(e.target == LEGACY, GLOBAL, e.target)) for e in entries]
        self.entries = entries
        self.empty, self.too_many = not entries, len(entries) > MAX_NUMNODES + 1

    @property
    def host_wide(self) -> Term:
        """Pages of the entries whose target is the host."""
        return total_of([choose(e.host_wide, e.pages, 0) for e in self.entries])

    @property
    def total(self) -> Term:
        """Pages of the other entries."""
        return node_pages(self.entries)

    @property
    def by_node(self) -> Vector:
        """Pages by node."""
        entries = self.entries
        return self.x.by_node(lambda n: total_of([choose(same(e.target, n), e.pages, 0) for e in entries]))

    def each(self) -> Iterator[ListedEntry]:
        """The entries in order."""
        for index, entry in enumerate(self.entries):
            yield ListedEntry(self.x, entry, ListedEarlierEntries(self.entries[:index]), index)

    def short(self, fails: OnNode) -> Parts:
        """Checked by node, for all entries together."""
        return {"nodes-have-room": short_by_node(self.by_node, fails)}


def short_by_node(by_node: Vector, fails: OnNode) -> Condition:
    """Some node has pages for which `fails` holds."""
    return lambda q: q.some_node(lambda n: all_of([by_node[n] > 0, fails(by_node[n], n)]))


def node_pages(entries: Sequence[Entry]) -> Term:
    """Pages of the entries whose target is not the host."""
    return total_of([choose(e.host_wide, 0, e.pages) for e in entries])


class EarlierEntries(Protocol):
    """The entries before an entry, as its checks use them."""

    @property
    def name_host(self) -> Term:
        """One of them has the host as its target."""
        ...

    @property
    def on_nodes(self) -> Term:
        """The sum of the pages on nodes."""
        ...

    @property
    def pages(self) -> Term:
        """Pages of all."""
        ...

    def name(self, target: Term) -> Term:
        """One of them has this target."""
        ...


class ListedEarlierEntries:
    """The first entries of a list."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = entries

    @property
    def name_host(self) -> Term:
        """One of them has the host as its target."""
        return any_of([e.host_wide for e in self.entries])

    @property
    def on_nodes(self) -> Term:
        """The sum of the pages on nodes."""
        return node_pages(self.entries)

    @property
    def pages(self) -> Term:
        """Pages of all."""
        return total_of([e.pages for e in self.entries])

    def name(self, target: Term) -> Term:
        """One of them has this target."""
        return any_of([target == e.target for e in self.entries])


class ListedEntry:
    """One entry of a list."""

    def __init__(self, x: Section, entry: Entry, earlier: EarlierEntries, index: int | None) -> None:
        self.x, self.entry, self.earlier, self.index = x, entry, earlier, index
        self.malformed, self.empty = entry.pad != 0, entry.pages == 0

    @property
    def second_global(self) -> Term:
        """Its target is the host, and so is an earlier one's."""
        return all_of([self.entry.host_wide, self.earlier.name_host])

    @property
    def unknown_selector(self) -> Term:
        """Its target is neither the host nor a possible node id."""
        return all_of([negation(self.entry.host_wide), self.entry.target >= BIT_31])

    @property
    def offline(self) -> Term:
        """Its target is a node that is not online."""
        return all_of([negation(self.entry.host_wide), negation(self.x.is_online(self.entry.target))])

    @property
    def twice(self) -> Term:
        """Its target is a node that an earlier entry names."""
        return all_of([negation(self.entry.host_wide), self.earlier.name(self.entry.target)])

    @property
    def sum_wraps(self) -> Term:
        """Compared by subtraction, because sums of uncapped requests may wrap."""
        return all_of([negation(self.entry.host_wide), self.entry.pages > UINT_MAX - self.earlier.on_nodes])

    def beyond(self, limit: Term) -> Parts:
        """The pages up to this entry exceed `limit`."""
        return {"set-within-limit": self.entry.pages > limit - self.earlier.pages}

    def short(self, fails: OnNode) -> Parts:
        """Its target is a node for which `fails` holds."""
        return {"fits-node": self.x.on(self.entry.target, lambda n: fails(self.entry.pages, n))}


class SetByNode:
    """A claim set as pages by node, with up to two entries per node, to represent a node that is named twice."""

    empty, too_many, is_legacy = False, False, False

    def __init__(
        self, x: Section, first: Vector, second: Vector, host_wide: Term, malformed: Term, names_offline: Term
    ) -> None:
        self.x, self.first, self.second, self.host_wide = x, first, second, host_wide
        self.malformed, self.names_offline = malformed, names_offline

    @property
    def by_node(self) -> Vector:
        """Pages by node."""
        return self.x.encoding.combined([(1, self.first), (1, self.second)], self.first)

    @property
    def total(self) -> Term:
        """The sum of the pages on nodes."""
        return self.by_node.total()

    def each(self) -> Iterator[SomeEntry]:
        """A single entry, which stands for some entry."""
        yield SomeEntry(self)

    def short(self, fails: OnNode) -> Parts:
        """One of the first or second entries names a node for which `fails` holds."""

        def named(entry: Vector) -> Condition:
            return lambda q: q.some_node(lambda n: all_of([entry[n] != 0, fails(entry[n], n)]))

        return {"first-fits-node": named(self.first), "second-fits-node": named(self.second)}


class SomeEntry:
    """Some entry of a set by node. One flag stands for all ways in which an entry's numbers are malformed."""

    index: int | None = None
    second_global, unknown_selector = False, False

    def __init__(self, of: SetByNode) -> None:
        self.of = of
        self.malformed, self.offline, self.short = of.malformed, of.names_offline, of.short

    @property
    def empty(self) -> Term:
        """Never true: a node without pages has no entry."""
        return self.of.total + self.of.host_wide == 0

    @property
    def twice(self) -> Condition:
        """A node is named in a second entry."""
        second = self.of.second
        return lambda q: q.some_node(lambda n: second[n] != 0)

    @property
    def sum_wraps(self) -> Term:
        """The sum of all entries does not fit 32 bits."""
        return self.of.total > UINT_MAX

    def beyond(self, limit: Term) -> Parts:
        """The sum of all entries exceeds `limit`."""
        host_wide = self.of.host_wide
        return {
            "global-within-limit": host_wide > limit,
            "set-within-limit": self.of.total > limit - host_wide,
        }
