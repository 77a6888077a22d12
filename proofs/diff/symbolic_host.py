"""The reference's host over an unknown state: its own classes, with the heap and the lookup of pages abstracted.

Abstract are: which block of a node is free (whether one is, is an unknown truth), and which block a frame lies in (the
caller's blocks are entered as they are). Everything else is the reference's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import z3

from proofs.diff.explorer import Explorer
from proofs.diff.numbers import Number
from proofs.diff.start import Start
from reference.generations import SEMANTICS
from reference.locks import HEAP_LOCK, PAGE_ALLOC_LOCK, CheckedLock, make_lock
from reference.pages import Block, PageTable
from reference.state import ClaimHistory, Domain, Host, all_locks
from reference.status import MisuseError

SPAN = 1 << 30
"""Frames of a node; each has as many pages. Addresses are concrete, page counts are not."""


class Order:
    """An unknown order with its number of pages, 2^order."""

    __slots__ = ("number", "pages")

    def __init__(self, explorer: Explorer, name: str) -> None:
        self.number = explorer.number(name)
        self.pages = explorer.number(f"{name}.pages")

    def __rlshift__(self, one: int) -> Number:
        if one != 1:
            raise MisuseError("only 1 << order is a number of pages")
        return self.pages

    def __gt__(self, other: int) -> Any:
        return self.number > other

    def facts(self) -> list[z3.BoolRef]:
        """An order is 0 to 63; up to MAX_ORDER it has 1 to 2^20 pages, order 0 one."""
        order, pages = self.number.z3(), self.pages.z3()
        return [order >= 0, order <= 63, pages >= 1, pages <= 1 << 20, (order == 0) == (pages == 1)]


class AbstractHeap:
    """A node's heap of which only the number of free pages is known."""

    def __init__(self, node: int, free_pages: Any) -> None:
        self.node = node
        self.first_mfn = node * SPAN
        self.free_pages = free_pages

    def take(self, _mfn: int, order: Any) -> None:
        """A free block leaves."""
        self.free_pages -= 1 << order

    def give(self, _mfn: int, order: Any) -> None:
        """A block comes back."""
        self.free_pages += 1 << order


class NamedBlocks(PageTable):
    """The page table with the blocks that an operation names; a lookup of another is a lookup of none."""

    __slots__ = ()

    def find(self, mfn: int) -> Block | None:
        """The block that begins at this frame."""
        return self.blocks.get(mfn)

    def exact(self, mfn: int, order: Any) -> Block:
        """The block of these pages."""
        block = self.blocks.get(mfn)
        if block is None or (block.order is not order and block.order != order):
            raise MisuseError(f"mfn {mfn} is not allocated")
        return block


class SymbolicDomain(Domain.Checked):  # type: ignore[misc]  # made by a decorator
    """A domain whose `claim_node` is decided when it is read: the code asks whether it is None."""

    __slots__ = ()

    @property
    def claim_node(self) -> int | None:
        """The claim's node, none for host-wide."""
        value = _CLAIM_NODE.__get__(self)
        if not isinstance(value, Number):
            return value  # type: ignore[no-any-return]  # known
        return next((node for node in range(len(self.history.installed) - 1) if value == node), None)

    @claim_node.setter
    def claim_node(self, value: Any) -> None:
        _CLAIM_NODE.__set__(self, value)


_CLAIM_NODE = Domain.Checked.claim_node


class HasBlock:
    """The policy: whether a node has a free block of the order is unknown; consistent with its free pages."""

    def __init__(self, explorer: Explorer, section: int) -> None:
        self._explorer = explorer
        self._section = section

    def __call__(self, heap: AbstractHeap, _order: Any) -> int | None:
        """The first frame of a block that no other has."""
        if not self._explorer.flag(self.name(heap.node)):
            return None
        return heap.first_mfn + self._section * (1 << 21)

    def name(self, node: int) -> str:
        """The name of the unknown."""
        return f"has_block[{node}]@{self._section}"


class Domains(dict[int, Domain]):
    """The domains of a host; remembers whether the code under test looked at another domain than the caller."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        self.caller: int | None = None
        self.others_seen = False
        self._watched = False

    @contextmanager
    def watched(self, on: bool = True) -> Iterator[None]:
        """While the code under test runs; or, within, while somebody else looks."""
        before, self._watched = self._watched, on
        try:
            yield
        finally:
            self._watched = before

    def _all(self) -> None:
        self.others_seen = self.others_seen or self._watched

    def _one(self, domid: int) -> None:
        if domid != self.caller and domid in range(self.size):
            self._all()

    def __getitem__(self, domid: int) -> Domain:
        self._one(domid)
        return super().__getitem__(domid)

    def get(self, domid: int, default: Any = None) -> Any:
        """The domain with that id."""
        self._one(domid)
        return super().get(domid, default)

    def __iter__(self) -> Iterator[int]:
        self._all()
        return super().__iter__()

    def values(self) -> Any:
        """All domains."""
        self._all()
        return super().values()

    def items(self) -> Any:
        """All domains with their ids."""
        self._all()
        return super().items()


def make_host(semantics: str, nodes: int, domains: Domains) -> Host:
    """A host of the reference, checked locks and all, whose fields are still to be set by `put`."""
    held: list[CheckedLock] = []
    host: Host = Host.Checked(
        semantics=SEMANTICS[semantics],
        heap_lock=make_lock(HEAP_LOCK, HEAP_LOCK, held),
        node_span=SPAN,
        node_pages=(SPAN,) * nodes,
        llc_coloring_enabled=False,
        block_policy=None,  # type: ignore[arg-type]  # set by `put`
        locks_held=held,
        heap=[],
        total_avail_pages=0,
        node_avail_pages=[0] * nodes,
        node_outstanding_claims=[0] * nodes,
        pages=NamedBlocks(nodes, SPAN),
    )
    domains.clear()
    domains.caller = None
    host.domains = domains
    for domid in range(domains.size):
        host.domains[domid] = SymbolicDomain(
            domid=domid,
            page_alloc_lock=make_lock(PAGE_ALLOC_LOCK, f"page_alloc_lock of d{domid}", held),
            heap_lock=host.heap_lock,
            max_pages=0,
            node_affinity=(),
            claims=[0] * nodes,
            history=ClaimHistory(nodes),
        )
    return host


def put(host: Host, start: Start, policy: HasBlock) -> None:
    """Put the host into an unknown state. Named blocks stay."""
    nodes = range(len(host.node_pages))
    with host.heap_lock:
        host.total_avail_pages = start.get("total_avail_pages")
        host.outstanding_claims = start.get("outstanding_claims")
        host.node_avail_pages = [start.get("node_avail_pages", n) for n in nodes]
        host.node_outstanding_claims = [start.get("node_outstanding_claims", n) for n in nodes]
        host.heap = [AbstractHeap(n, start.get("node_avail_pages", n)) for n in nodes]  # type: ignore[misc]  # abstract
    host.llc_coloring_enabled = start.get("llc_coloring")
    host.block_policy = policy  # type: ignore[assignment]  # its heap is abstract
    host.pages.unavailable = [0] * len(nodes)
    for domain in host.domains.values():
        _put_domain(host, domain, start)


_HISTORY = ("installed", "redeemed", "released", "recalled")


def _put_domain(host: Host, domain: Domain, start: Start) -> None:
    d, nodes = domain.domid, range(len(host.node_pages))
    limbo = sum(start.get("limbo_pages", d, n) for n in nodes)
    domain.is_dying = start.get("is_dying", d)
    domain.paused_by_controller = start.get("is_paused", d)
    domain.node_affinity = start.get("node_affinity", d, 0)
    with domain.page_alloc_lock, host.heap_lock:
        domain.tot_pages = start.get("tot_pages", d)
        domain.max_pages = start.get("max_pages", d)
        domain.claims = [start.get("claims", d, n) for n in nodes]
        domain.node_claims = start.get("node_claims", d)
        domain.global_claims = start.get("global_claims", d)
        target = start.get("claim_node", d)
        domain.claim_node = None if isinstance(target, int) else target
        domain.last_alloc_node = start.get("last_alloc_node", d)
        domain.charged_pages = domain.tot_pages + limbo
        domain.charge_limit = domain.max_pages
        for name in _HISTORY:
            line = [start.get(f"ledger_{name}", d, n) for n in nodes]
            setattr(domain.history, name, [*line, start.get(f"global_{name}", d)])


@contextmanager
def looking(host: Host) -> Iterator[None]:
    """Every lock, for an observer who comes at any time."""
    held = host.locks_held or []
    before = list(held)
    held.clear()
    domains = host.domains.watched(False) if isinstance(host.domains, Domains) else nullcontext()
    try:
        with domains, all_locks(host):
            yield
    finally:
        held[:] = before
