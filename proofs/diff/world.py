"""A host of the reference with unknown counters.

The host has N nodes and D domains. Every counter is an unknown with the model's name. A symbolic heap decides only
whether a node has a free block of the requested order. The page table is the reference's own and holds the blocks that
an operation names; all other pages are in the unknown counts of their classes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import cache, lru_cache, partial
from itertools import chain, combinations
from typing import Any, NamedTuple

import z3

from model.calls import NONE, search_order
from reference import node_search, page_alloc
from reference.constants import MEMF_exact_node
from reference.generations import GENERATIONS
from reference.generations.parts import ChargeCounters
from reference.pages import Block, PageState, PageTable
from reference.state import Domain, Host, Stash

from .domains import SPAN, ChangedValues, any_domain, copies_of, observe
from .numbers import Order, chosen, flag, unknown
from .standins import Affinity, AnyHeap, Domains, LastNode
from .terms import Terms


class Size(NamedTuple):
    """The numbers of nodes and domains of a host."""

    nodes: int
    domains: int

    def __str__(self) -> str:
        return f"{self.nodes}x{self.domains}"


class MissingDomains(NamedTuple):
    """Which domains are on the domain list: all but these."""

    absent: int | None = None
    """An unused id; None: all ids are used."""
    destroyed: int | None = None
    """A domain that was destroyed while an operation that had looked it up was in flight; None: no domain was."""


ALL_THERE = MissingDomains()


class World:
    """A host of the reference before an operation; there is a new one for every path."""

    def __init__(self, semantics: str, shape: Size, terms: Terms, there: MissingDomains = ALL_THERE) -> None:
        self.semantics = GENERATIONS[semantics]
        self.shape, self.terms = shape, terms
        self.searches: list[tuple[int, ...]] = []
        """For each request for a block, the candidates of its node search in the model's order."""
        self.taken = 0
        """The number of blocks that left the heap."""
        self._blocks = 0
        self.stash_marked = 0
        """The number of marked pages in a stash."""
        self._there = there
        self._made: dict[int, Domain] = {}
        """Domains that were read."""
        self.host = self._host()
        if there.destroyed is not None:
            self.host.orphans.append(self.domain(there.destroyed))
        self._at_start: dict[str, Any] = {}

    def _host(self) -> Host:
        nodes = range(self.shape.nodes)
        host = Host(
            semantics=self.semantics,
            heap_lock=nullcontext(),
            node_span=SPAN,
            node_pages=(SPAN,) * self.shape.nodes,
            llc_coloring_enabled=flag("llc_coloring"),  # type: ignore[arg-type]  # unknown
            debug_build=flag("debug_build"),  # type: ignore[arg-type]  # unknown
            first_last_alloc_node=0,
            block_policy=self._free_block,  # type: ignore[arg-type]  # of the heaps below
            locks_held=None,
            heap=[AnyHeap(n) for n in nodes],  # type: ignore[misc]  # stands in
            total_avail_pages=unknown("total_avail_pages"),  # type: ignore[arg-type]  # unknown
            node_avail_pages=[unknown(f"node_avail_pages[{n}]") for n in nodes],  # type: ignore[misc]  # unknown
            node_outstanding_claims=[unknown(f"node_outstanding_claims[{n}]") for n in nodes],  # type: ignore[misc]
            pages=PageTable(self.shape.nodes, SPAN),
            outstanding_claims=unknown("outstanding_claims"),  # type: ignore[arg-type]  # unknown
        )
        host.domains = Domains(self._domain, (d for d in range(self.shape.domains) if d not in self._there))
        return host

    def _domain(self, d: int) -> Domain:
        destroyed = d == self._there.destroyed
        stashed = partial(self._stashed, d)
        made = any_domain(self.semantics.name, self.terms, d, self.shape.nodes, stashed, destroyed=destroyed)
        self._made[d] = made
        return made

    def _stashed(self, d: int) -> Stash | None:
        """A domain's stash: None, or an extent on a node, whose pages are in limbo before the operation."""
        order = stash_order(d)
        if order.pages == 0:
            return None
        node = next((n for n in range(self.shape.nodes - 1) if unknown(f"stash_node[{d}]") == n), self.shape.nodes - 1)
        mfn = node * SPAN + (1 << 38) + d * (1 << 30)
        self.host.pages.add(mfn, order, PageState.LIMBO, self.domain(d), True)  # type: ignore[arg-type]  # unknown
        self.host.pages.offlining.update(range(mfn, mfn + self.stash_marked))
        for name, pages in (
            (class_of(self.host.pages.blocks[mfn]), order.pages),
            (f"marked_pages[{node}]", self.stash_marked),
        ):
            self._at_start[name] = self._at_start.get(name, 0) + pages
        return Stash(mfn, order, unknown(f"stash_scrub_index[{d}]"))  # type: ignore[arg-type]  # unknown

    def domain(self, domid: int) -> Domain:
        """A domain, on the domain list or destroyed."""
        if domid != self._there.destroyed:
            return self.host.domains[domid]
        return self._made[domid] if domid in self._made else self._domain(domid)

    def looked_at(self) -> dict[int, Domain]:
        """The domains that were read, including those that left the domain list; no other domain can have changed."""
        on_list = ((d, domain) for d, domain in dict.items(self.host.domains) if domain is not None)
        return {**self._made, **dict(on_list)}

    # -- blocks

    def block(
        self, node: int, order: Any, state: PageState, domid: int | None, refcounted: bool, marked: int = 0
    ) -> int:
        """Add a block that exists before the operation; returns its frame."""
        self._blocks += 1
        mfn = node * SPAN + self._blocks * (1 << 30)
        owner = None if domid is None else self.domain(domid)
        self.host.pages.add(mfn, order, state, owner, refcounted)
        self.host.pages.offlining.update(range(mfn, mfn + marked))
        return mfn

    def begin(self) -> None:
        """Begin the operation: record the content of the page table."""
        self._at_start = self._classes()

    def free_flag(self, node: int, taken: int | None = None) -> str:
        """The flag whether a node has a free block after ``taken`` blocks left the heap."""
        return f"has_block.{self.taken if taken is None else taken}[{node}]"

    def _free_block(self, heap: AnyHeap, order: Any) -> int | None:
        pages = 1 << order
        if pages > self.host.node_avail_pages[heap.node] or not flag(self.free_flag(heap.node)):
            return None
        self.taken += 1
        return heap.node * SPAN + (1 << 39) + self.taken * (1 << 30)

    # -- the state afterwards

    def alone(self, domid: int | None) -> bool:
        """Whether only this domain was read, and no loop visited all domains."""
        domains = self.host.domains
        in_order = not isinstance(domains, Domains) or domains.in_order
        return not in_order and all(d == domid for d in self.looked_at())

    def _classes(self) -> dict[str, Any]:
        """Pages of the page table by class."""
        pages, counted = self.host.pages, dict[str, Any]()
        for block in pages.blocks.values():
            name = class_of(block)
            counted[name] = counted.get(name, 0) + block.pages
        for kind, frames in (("marked_pages", pages.offlining), ("offlined_pages", pages.offlined)):
            for mfn in frames:
                name = f"{kind}[{mfn // SPAN}]"
                counted[name] = counted.get(name, 0) + 1
        return counted

    def observed(self) -> dict[str, Any]:
        """Everything that the operation changed and that is compared, by the model's names."""
        host, nodes, seen = self.host, range(self.shape.nodes), ChangedValues()
        seen.number("total_avail_pages", host.total_avail_pages)
        seen.number("outstanding_claims", host.outstanding_claims)
        for n in nodes:
            seen.number(f"node_avail_pages[{n}]", host.node_avail_pages[n])
            seen.number(f"node_outstanding_claims[{n}]", host.node_outstanding_claims[n])
        for domain in self.looked_at().values():
            observe(domain, self.semantics.name, self.shape.nodes, seen)
        for name, pages in self._grown().items():
            if not isinstance(pages, int) or pages != 0:
                seen[name] = unknown(name) + pages
        return seen

    def _grown(self) -> dict[str, Any]:
        """The growth of the page table, in pages by class."""
        grown = self._classes()
        for name, pages in self._at_start.items():
            grown[name] = grown.get(name, 0) - pages
        return grown

    def copies(self) -> Iterator[tuple[Any, Any]]:
        """Pairs of counters that the reference keeps twice. They are no fields of the model, so each path proves it."""
        grown, charged = self._grown(), isinstance(self.semantics, ChargeCounters)
        for domain in self.looked_at().values():
            yield from copies_of(domain, self.shape.nodes, grown, charged=charged)

    # -- the node search

    def candidates(self, num_nodes: int, affinity: Any, requested: Any, last: Any, exact: bool) -> tuple[int, ...]:
        """The reference's candidate_nodes for every affinity and last node, with a path for each resulting order.

        The model's order for the same inputs is recorded with it: later, only the order matters.
        """
        if not isinstance(affinity, Affinity):
            found = node_search.candidate_nodes(num_nodes, affinity, requested, last, exact)
            self.searches.append(search_order(num_nodes, affinity, requested, last, exact))
            return found
        ways = _orders(num_nodes, requested, exact, last if not isinstance(last, LastNode) else "any")
        key = num_nodes, requested, exact, affinity.domid, last if not isinstance(last, LastNode) else "any"
        options = self.terms.searches.get(key)
        if options is None:
            options = {orders: self._one_of(inputs, affinity, last) for orders, inputs in ways.items()}
            self.terms.searches[key] = options
        found, modelled = chosen(f"search {len(self.searches)}", options)
        self.searches.append(modelled)
        return found  # type: ignore[no-any-return]  # an order

    def refused_before(self, domid: int | None, requested: int | None, exact: bool) -> None:
        """A request was refused before the node search. The model still gets candidates.

        It must refuse the request by its checks, not for lack of candidates. Their order does not matter, so there is a
        path for each set of them.
        """
        nodes = range(self.shape.nodes)
        sets: dict[frozenset[int], tuple[tuple[int, ...], list[tuple[int, ...]]]] = {}
        for affinity in [tuple(nodes)] if domid is None else _affinities(len(nodes)):
            candidates = search_order(len(nodes), affinity, requested, None, exact)
            sets.setdefault(frozenset(candidates), (candidates, []))[1].append(affinity)
        if len(sets) == 1 or domid is None:
            ((candidates, _),) = sets.values()
        else:
            known = Affinity(self.terms, domid, len(nodes))
            options = {c: z3.Or([known.is_exactly(a) for a in affinities]) for c, affinities in sets.values()}
            candidates = chosen(f"search {len(self.searches)}", options)
        self.searches.append(candidates)

    def _one_of(self, inputs: Any, affinity: Affinity, last: Any) -> Any:
        parts = []
        for nodes, after in inputs:
            same = [affinity.is_exactly(nodes)]
            if isinstance(last, LastNode):
                same.append(self.terms.number(f"last_alloc_node[{last.domid}]") == (NONE if after is None else after))
            parts.append(z3.And(same))
        return z3.Or(parts)


@lru_cache(maxsize=4096)
def _orders(num_nodes: int, requested: int | None, exact: bool, last: Any) -> dict[Any, list[Any]]:
    """(order of the reference, order of the model) -> the affinities and last nodes that lead to them."""
    nodes = range(num_nodes)
    found: dict[Any, list[Any]] = {}
    for affinity in _affinities(num_nodes):
        for after in (None, *nodes) if last == "any" else (last,):
            order = node_search.candidate_nodes(num_nodes, affinity, requested, after, exact)
            modelled = search_order(num_nodes, affinity, requested, after, exact)
            found.setdefault((order, modelled), []).append((affinity, after))
    return found


@cache
def stash_order(d: int) -> Order:
    """The order of a domain's stash. Only its pages matter, not its number."""
    return Order(unknown(f"stash_pages[{d}]"), unknown(f"stash_order[{d}]"))


@cache
def _affinities(num_nodes: int) -> list[tuple[int, ...]]:
    """All sets of nodes that are not empty."""
    return [*chain.from_iterable(combinations(range(num_nodes), size) for size in range(1, num_nodes + 1))]


def class_of(block: Block) -> str:
    """The class of the model that a block's pages are in."""
    node = block.mfn // SPAN
    if block.domid is None or block.state is PageState.ANONYMOUS:
        return f"other_pages[{node}]"
    if not block.refcounted:
        return f"extra_pages[{block.domid}][{node}]" if block.state is PageState.ASSIGNED else f"other_pages[{node}]"
    return f"{'limbo' if block.state is PageState.LIMBO else 'assigned'}_pages[{block.domid}][{node}]"


@contextmanager
def searching(world: World) -> Iterator[None]:
    """The world decides the reference's node search, and records requests that are refused before it."""
    names = vars(page_alloc)
    own = {name: names[name] for name in ("candidate_nodes", "alloc_heap_pages")}

    def alloc_heap_pages(
        host: Host, domain: Domain | None, order: int, node: int | None = None, memflags: int = 0
    ) -> int | None:
        before = len(world.searches)
        mfn: int | None = own["alloc_heap_pages"](host, domain, order, node, memflags)
        if len(world.searches) == before:
            world.refused_before(None if domain is None else domain.domid, node, memflags & MEMF_exact_node != 0)
        return mfn

    names |= {"candidate_nodes": world.candidates, "alloc_heap_pages": alloc_heap_pages}
    try:
        yield
    finally:
        names |= own
