"""Tiny hosts with all domains created: where explorations begin, in the order of their size."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import product
from typing import Any, NamedTuple

from proofs.explore.explorer import Events, Explorer
from proofs.operations import EventFields

Nodes = tuple[int, ...]
"""The pages of each node."""


class ShortestTrace(NamedTuple):
    """What a search found: the first of the traces with the fewest events, then domains, nodes and pages."""

    nodes: Nodes
    events: Events
    found: Any


def tiny_hosts(nodes: int, pages: int) -> list[Nodes]:
    """Every host of at most so many nodes, and pages in all: fewest nodes first, then fewest pages."""
    sizes = range(1, pages + 1)
    shapes = [shape for count in range(1, nodes + 1) for shape in product(sizes, repeat=count)]
    return sorted((s for s in shapes if sum(s) <= pages), key=lambda s: (len(s), sum(s), s))


def create(nodes: Nodes, domid: int, max_pages: int) -> EventFields:
    """A domain whose affinity is every node."""
    return {"op": "create_domain", "domid": domid, "max_pages": max_pages, "node_affinity": list(range(len(nodes)))}


def created(nodes: Nodes, domains: int, limits: Iterable[int]) -> Iterator[Events]:
    """The creation of so many domains, with every choice of these limits."""
    for chosen in product(limits, repeat=domains):
        yield tuple(create(nodes, domid, limit) for domid, limit in enumerate(chosen))


class Sizes:
    """Explorations of hosts of ascending size, with ascending numbers of domains, that go deeper together.

    :param begin: the explorer of a host with so many domains, which starts with their creation
    """

    def __init__(self, begin: Callable[[int, Nodes], Explorer[Any, Any, Any]], domains: range, hosts: list[Nodes]):
        self._begin, self._domains, self._hosts = begin, domains, hosts
        self.explorers: dict[tuple[int, Nodes], Explorer[Any, Any, Any]] = {}

    def deepen(self, depth: int, last: bool = False) -> ShortestTrace | None:
        """The states after exactly this many events, including those that create domains. Query depths in order."""
        for count, nodes in product(self._domains, self._hosts):
            if count > depth:
                break
            if (count, nodes) not in self.explorers:
                self.explorers[count, nodes] = self._begin(count, nodes)
            found = self.explorers[count, nodes].deepen(last)
            if found is not None:
                return ShortestTrace(nodes, *found)
        return None
