"""What stands in a host of the reference for what is not known: domains, node sets, free blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import z3

from reference.state import Domain

from .numbers import unknown
from .terms import Terms


class Affinity:
    """The node_affinity of a domain: any set of nodes that is not empty."""

    __slots__ = ("domid", "nodes", "terms")

    def __init__(self, terms: Terms, domid: int, nodes: int) -> None:
        self.terms, self.domid, self.nodes = terms, domid, nodes

    def is_exactly(self, wanted: tuple[int, ...]) -> Any:
        """That it is this set, as a formula."""
        bits = [self.terms.flag(f"node_affinity[{self.domid}][{n}]") for n in range(self.nodes)]
        return z3.And([bit if n in wanted else z3.Not(bit) for n, bit in enumerate(bits)])

    def __eq__(self, other: object) -> Any:
        if not isinstance(other, tuple):
            return NotImplemented
        if any(not isinstance(n, int) or not 0 <= n < self.nodes for n in other):
            return False
        return self.terms.branch(self.is_exactly(other))

    __hash__ = None  # type: ignore[assignment]  # it is not known


class LastNode:
    """A domain's last_alloc_node: a node, or none yet."""

    __slots__ = ("domid",)

    def __init__(self, domid: int) -> None:
        self.domid = domid


class _Unread:
    """A field that nobody has looked at."""


UNREAD: Any = _Unread()
_CLAIM_NODE: Any = vars(Domain)["claim_node"]
_PENDING_SCRUB: Any = vars(Domain)["pending_scrub"]
"""The slots."""


def claim_node_of(domain: Domain) -> Any:
    """A claim_node without looking at it: a node, none, or unread."""
    return _CLAIM_NODE.__get__(domain)


def pending_scrub_of(domain: Domain) -> Any:
    """A stash without looking at it: the extent, none, or unread."""
    return _PENDING_SCRUB.__get__(domain)


class AnyDomain(Domain):
    """A domain whose claim_node and stash become known when they are looked at: a branch for every node, and none."""

    __slots__ = ("nodes", "stashed")
    nodes: int
    """Of the host."""
    stashed: Callable[[], Any]
    """What its stash is: asked once."""

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
    """The domains of a host. One is made when it is looked at."""

    def __init__(self, make: Callable[[int], Domain], ids: Iterable[int]) -> None:
        super().__init__(dict.fromkeys(ids))  # type: ignore[arg-type]  # not made yet
        self._make = make
        self.in_order = False
        """Whether anybody went through them: then it matters which id a domain has."""

    def __getitem__(self, domid: int) -> Domain:
        domain = super().__getitem__(domid)
        if domain is None:
            domain = self._make(domid)
            self[domid] = domain
        return domain

    def get(self, domid: int, default: Any = None) -> Any:
        """As of any dictionary."""
        return self[domid] if domid in self else default  # noqa: SIM401  # it is this method

    def values(self) -> Any:
        """As of any dictionary, one by one."""
        self.in_order = True
        return (self[domid] for domid in list(self))

    def items(self) -> Any:
        """Likewise."""
        self.in_order = True
        return ((domid, self[domid]) for domid in list(self))


class AnyHeap:
    """The free blocks of a node, as far as the allocator looks at them."""

    __slots__ = ("free_pages", "node")

    def __init__(self, node: int) -> None:
        self.node = node
        self.free_pages: Any = 0
        """Compared with the start: what was given less what was taken."""

    def take(self, _mfn: int, order: Any) -> None:
        """Take a block."""
        self.free_pages -= 1 << order

    def give(self, _mfn: int, order: Any) -> None:
        """Return a block."""
        self.free_pages += 1 << order
