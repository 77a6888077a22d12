"""Symbolic objects in a host of the reference: unknown domains, node sets and free blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import z3

from reference.state import Domain

from .numbers import unknown
from .terms import Terms


class Affinity:
    """The unknown node_affinity of a domain: any set of nodes that is not empty."""

    __slots__ = ("domid", "nodes", "terms")

    def __init__(self, terms: Terms, domid: int, nodes: int) -> None:
        self.terms, self.domid, self.nodes = terms, domid, nodes

    def is_exactly(self, wanted: tuple[int, ...]) -> Any:
        """The formula that it is this set."""
        bits = [self.terms.flag(f"node_affinity[{self.domid}][{n}]") for n in range(self.nodes)]
        return z3.And([bit if n in wanted else z3.Not(bit) for n, bit in enumerate(bits)])

    def __eq__(self, other: object) -> Any:
        if not isinstance(other, tuple):
            return NotImplemented
        if any(not isinstance(n, int) or not 0 <= n < self.nodes for n in other):
            return False
        return self.terms.branch(self.is_exactly(other))

    __hash__ = None  # type: ignore[assignment]  # its value is unknown


class LastNode:
    """A domain's unknown last_alloc_node: a node, or no node yet."""

    __slots__ = ("domid",)

    def __init__(self, domid: int) -> None:
        self.domid = domid


class _UnreadField:
    """The value of a field that was not read yet."""


UNREAD: Any = _UnreadField()
_CLAIM_NODE: Any = vars(Domain)["claim_node"]
_PENDING_SCRUB: Any = vars(Domain)["pending_scrub"]
"""The slots of `Domain` that the properties below use."""


def claim_node_of(domain: Domain) -> Any:
    """A claim_node without reading it: a node, None, or unread."""
    return _CLAIM_NODE.__get__(domain)


def pending_scrub_of(domain: Domain) -> Any:
    """A stash without reading it: the extent, None, or unread."""
    return _PENDING_SCRUB.__get__(domain)


class AnyDomain(Domain):
    """A domain whose claim_node and stash are decided when they are read, with a branch per node and one for None."""

    __slots__ = ("nodes", "stashed")
    nodes: int
    """The number of nodes of the host."""
    stashed: Callable[[], Any]
    """Returns its stash; called once."""

    @property
    def pending_scrub(self) -> Any:
        value = pending_scrub_of(self)
        if value is UNREAD:
            value = self.stashed()
            _PENDING_SCRUB.__set__(self, value)
        return value

    @pending_scrub.setter
    def pending_scrub(self, value: Any) -> None:
        _PENDING_SCRUB.__set__(self, value)

    @property
    def claim_node(self) -> Any:
        value = claim_node_of(self)
        if value is not UNREAD:
            return value
        held = unknown(f"claim_node[{self.domid}]")
        known = None
        for node in range(self.nodes):
            if held == node:
                known = node
                break
        _CLAIM_NODE.__set__(self, known)
        return known

    @claim_node.setter
    def claim_node(self, value: Any) -> None:
        _CLAIM_NODE.__set__(self, value)


class Domains(dict[int, Domain]):
    """The domains of a host. Each is made when it is first read."""

    def __init__(self, make: Callable[[int], Domain], ids: Iterable[int]) -> None:
        super().__init__(dict.fromkeys(ids))  # type: ignore[arg-type]  # made later
        self._make = make
        self.in_order = False
        """Whether a loop visited the domains: then the order of their ids matters."""

    def __getitem__(self, domid: int) -> Domain:
        domain = super().__getitem__(domid)
        if domain is None:
            domain = self._make(domid)
            self[domid] = domain
        return domain

    def get(self, domid: int, default: Any = None) -> Any:
        """As for any dictionary."""
        return self[domid] if domid in self else default  # noqa: SIM401  # it is this method

    def values(self) -> Any:
        """As for any dictionary, one by one."""
        self.in_order = True
        return (self[domid] for domid in list(self))

    def items(self) -> Any:
        """As for any dictionary, one by one."""
        self.in_order = True
        return ((domid, self[domid]) for domid in list(self))


class AnyHeap:
    """The unknown free blocks of a node, as far as the allocator reads them."""

    __slots__ = ("free_pages", "node")

    def __init__(self, node: int) -> None:
        self.node = node
        self.free_pages: Any = 0
        """The change since the start: pages given minus pages taken."""

    def take(self, _mfn: int, order: Any) -> None:
        """Take a block."""
        self.free_pages -= 1 << order

    def give(self, _mfn: int, order: Any) -> None:
        """Return a block."""
        self.free_pages += 1 << order
