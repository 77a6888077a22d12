"""The node search for every request at once: requested node, MEMF_exact_node, node_affinity and last_alloc_node.

Each has finitely many values, so all combinations are run through the reference's own `candidate_nodes`. Combinations
that try the same nodes so far stay together: the path forks only where the next node differs, or where the code looks.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import chain, combinations
from typing import Any, NamedTuple
from unittest.mock import patch

from model.calls import search_order
from proofs.diff.explorer import Explorer
from proofs.diff.finite import Finite, Groups, Seen, grouped, parts
from reference import page_alloc
from reference.constants import MEMF_exact_node


class Search(NamedTuple):
    """What the order of the search depends on."""

    requested: int | None
    exact: bool
    affinity: tuple[int, ...]
    last_alloc_node: int | None


class ExactBit(Seen[Search]):
    """`memflags & MEMF_exact_node`: looked at when it is used as a truth."""

    __slots__ = ()

    def __ne__(self, other: object) -> Any:
        return self if other == 0 else NotImplemented

    __hash__ = Seen.__hash__


class MemFlags:
    """memflags of which MEMF_exact_node is not known."""

    __slots__ = ("_exact", "_others")

    def __init__(self, exact: ExactBit, others: int) -> None:
        self._exact = exact
        self._others = others

    def __and__(self, mask: int) -> Any:
        return self._exact if mask == MEMF_exact_node else self._others & mask

    def __or__(self, flags: int) -> MemFlags:
        return MemFlags(self._exact, self._others | flags)


class Now:
    """What is known of a search: which are still possible, by identity (`Kept`), and the nodes tried."""

    __slots__ = ("exhausted", "key", "tried", "values")

    def __init__(self, values: tuple[Search, ...], tried: tuple[int, ...], exhausted: bool) -> None:
        self.values, self.tried, self.exhausted = values, tried, exhausted
        self.key = (id(values), tried, exhausted)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Now) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


class SearchWorld:
    """All searches that are still possible, and the nodes that they have tried."""

    def __init__(self, explorer: Explorer, searches: Sequence[Search], nodes: int, kept: Kept) -> None:
        self.searches = Finite(explorer, searches)
        self.nodes = nodes
        self.tried: tuple[int, ...] = ()
        self.exhausted = False
        self._kept = kept

    def now(self) -> Now:
        """What is known of the search by now."""
        return Now(self.searches.values, self.tried, self.exhausted)

    def set(self, now: Now) -> None:
        """Go on from what was known of the search."""
        self.searches.values, self.tried, self.exhausted = now.values, now.tried, now.exhausted

    def part(self, name: str) -> Seen[Search]:
        """One part of the search, as an argument."""
        return Seen(self.searches, name)

    def memflags(self, others: int) -> MemFlags:
        """memflags with MEMF_exact_node where the search has it."""
        return MemFlags(ExactBit(self.searches, "exact"), others)

    def candidates(self, *arguments: object) -> Iterator[int]:
        """`candidate_nodes` for all searches that are still possible, node by node."""
        asked = tuple(a.name if isinstance(a, Seen) else a for a in arguments)
        began = self.searches.values

        def orders() -> dict[Search, tuple[int, ...]]:
            columns = [parts(argument, began) for argument in arguments]
            return {search: page_alloc_candidates(*row) for search, *row in zip(began, *columns, strict=True)}

        order = self._kept.get("orders", began, asked, orders)
        while True:
            at = len(self.tried)
            groups = self._kept.get("next", self.searches.values, (asked, at), lambda at=at: self._next(order, at))
            node = self.searches.take(groups)
            if node is None:
                self.exhausted = True
                return
            self.tried += (node,)
            yield node

    def _next(self, order: dict[Search, tuple[int, ...]], at: int) -> Groups[Search]:
        return grouped(self.searches.values, lambda search: order[search][at] if at < len(order[search]) else None)

    def settled(self, looks_at: Sequence[str]) -> tuple[Search, tuple[int, ...]]:
        """The search and the nodes that the model tries, as far as the reference came.

        Forks over searches that differ in this, or in the parts that the generation looks at.
        """

        def seen(search: Search) -> tuple[Any, ...]:
            order = search_order(self.nodes, search.affinity, search.requested, search.last_alloc_node, search.exact)
            tried = order if self.exhausted else order[: len(self.tried)]
            return (tried, *(getattr(search, name) for name in looks_at))

        asked = (self.exhausted, len(self.tried), *looks_at)
        groups = self._kept.get("settled", self.searches.values, asked, lambda: grouped(self.searches.values, seen))
        tried, *_looked_at = self.searches.take(groups)
        return self.searches.values[0], tried


class Kept:
    """What was found out about sets of searches. A set is told by its identity, and kept with what is known of it."""

    def __init__(self) -> None:
        self._found: dict[Hashable, tuple[Any, Any]] = {}

    def get(self, what: str, values: tuple[Search, ...], asked: Hashable, find: Callable[[], Any]) -> Any:
        """What is known, found out at the first time."""
        key = (what, id(values), asked)
        if key not in self._found:
            self._found[key] = (values, find())
        return self._found[key][1]


page_alloc_candidates: Any = page_alloc.candidate_nodes


@contextmanager
def lazy_candidates(world: Callable[[], SearchWorld | None]) -> Iterator[None]:
    """The allocator gets its candidates from the search world, which asks the reference's own function for them."""

    def candidates(*arguments: Any) -> Any:
        current = world()
        return page_alloc_candidates(*arguments) if current is None else current.candidates(*arguments)

    with patch.object(page_alloc, "candidate_nodes", candidates):
        yield


@lru_cache(maxsize=64)
def all_searches(nodes: int, requested: bool, exact: bool, for_domain: bool) -> tuple[Search, ...]:
    """Every search on so many nodes, with a requested node (it may be offline) or MEMF_exact_node if these may be."""
    ids = range(nodes)
    wanted: list[int | None] = [*ids, nodes] if requested else [None]
    sets = list(chain.from_iterable(combinations(ids, size) for size in range(1, nodes + 1)))
    affinities = sets if for_domain else [tuple(ids)]
    lasts: list[int | None] = [None, *ids] if for_domain else [None]
    return tuple(
        Search(node, is_exact, affinity, last)
        for node in wanted
        for is_exact in ((False, True) if exact else (False,))
        for affinity in affinities
        for last in lasts
    )
