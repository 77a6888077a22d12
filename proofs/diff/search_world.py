"""The node search for every request at once: requested node, MEMF_exact_node, node_affinity and last_alloc_node.

Each has finitely many values, so all combinations are run through the reference's own `candidate_nodes`. Combinations
that try the same nodes so far stay together: the path forks only where the next node differs, or where the code looks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, combinations
from typing import Any, NamedTuple
from unittest.mock import patch

from model.calls import search_order
from proofs.diff.explorer import Explorer
from proofs.diff.finite import Finite, Seen, parts
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


class SearchWorld:
    """All searches that are still possible, and the nodes that they have tried."""

    def __init__(self, explorer: Explorer, searches: Sequence[Search], nodes: int) -> None:
        self.searches = Finite(explorer, searches)
        self.nodes = nodes
        self.tried: list[int] = []
        self.exhausted = False

    def part(self, name: str) -> Seen[Search]:
        """One part of the search, as an argument."""
        return Seen(self.searches, lambda search: getattr(search, name))

    def memflags(self, others: int) -> MemFlags:
        """memflags with MEMF_exact_node where the search has it."""
        return MemFlags(ExactBit(self.searches, lambda search: search.exact), others)

    def candidates(self, *arguments: object) -> Iterator[int]:
        """`candidate_nodes` for all searches that are still possible, node by node."""
        values = self.searches.values
        columns = [parts(argument, values) for argument in arguments]
        orders = {search: page_alloc_candidates(*row) for search, *row in zip(values, *columns, strict=True)}
        while True:
            node = self.searches.split(lambda search: next(iter(orders[search][len(self.tried) :]), None))
            if node is None:
                self.exhausted = True
                return
            self.tried.append(node)
            yield node

    def settled(self, looks_at: Sequence[str]) -> tuple[Search, tuple[int, ...]]:
        """The search and the nodes that the model tries, as far as the reference came.

        Forks over searches that differ in this, or in the parts that the generation looks at.
        """

        def seen(search: Search) -> tuple[Any, ...]:
            order = search_order(self.nodes, search.affinity, search.requested, search.last_alloc_node, search.exact)
            tried = order if self.exhausted else order[: len(self.tried)]
            return (tried, *(getattr(search, name) for name in looks_at))

        tried, *_looked_at = self.searches.split(seen)
        return self.searches.values[0], tried


page_alloc_candidates: Any = page_alloc.candidate_nodes


@contextmanager
def lazy_candidates(world: Callable[[], SearchWorld | None]) -> Iterator[None]:
    """The allocator gets its candidates from the search world, which asks the reference's own function for them."""

    def candidates(*arguments: Any) -> Any:
        current = world()
        return page_alloc_candidates(*arguments) if current is None else current.candidates(*arguments)

    with patch.object(page_alloc, "candidate_nodes", candidates):
        yield


def all_searches(nodes: int, requested: bool, exact: bool, for_domain: bool) -> list[Search]:
    """Every search on so many nodes, with a requested node (it may be offline) or MEMF_exact_node if these may be."""
    ids = range(nodes)
    wanted: list[int | None] = [*ids, nodes] if requested else [None]
    sets = list(chain.from_iterable(combinations(ids, size) for size in range(1, nodes + 1)))
    affinities = sets if for_domain else [tuple(ids)]
    lasts: list[int | None] = [None, *ids] if for_domain else [None]
    return [
        Search(node, is_exact, affinity, last)
        for node in wanted
        for is_exact in ((False, True) if exact else (False,))
        for affinity in affinities
        for last in lasts
    ]
