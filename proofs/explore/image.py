"""The state of a host of the reference as values: taken, compared, and put back into the same host.

What a state consists of is read from the classes of the reference: every field but those that are listed here as fixed,
and caches. So a field that is added to one of them is a part of states without being named.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import fields
from functools import cache
from operator import attrgetter, call
from typing import Any, NamedTuple

from reference.heap import NodeHeap
from reference.pages import Block, PageTable
from reference.state import ClaimHistory, Domain, Host

HOST_FIXED = frozenset(
    {
        "semantics",
        "heap_lock",
        "node_span",
        "node_pages",
        "llc_coloring_enabled",
        "debug_build",
        "first_last_alloc_node",
        "block_policy",
        "locks_held",
    }
)
"""Set at boot. The policy is told its block with every event; no lock is held between two critical sections."""
DOMAIN_FIXED = frozenset({"domid", "page_alloc_lock", "heap_lock", "node_affinity"})
"""Set when the domain is created."""
HEAP_FIXED = frozenset({"first_mfn", "pages"})
HEAP_CACHE = "_queue"
"""Of a heap. It follows from the free blocks."""

Values = tuple[Any, ...]


def _own(value: Any) -> Any:
    """A copy of what the reference changes in place."""
    kind = type(value)
    if kind is int:
        return value
    if kind is set or kind is dict:
        return value.copy()
    if isinstance(value, list):
        return [item.copy() if type(item) is set else item for item in list.copy(value)]
    return value


class FieldKind:
    """The fields of a class that make up a state, read at once."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self.of: Callable[[Any], Values] = attrgetter(*names)

    def put(self, into: Any, now: Values, then: Values) -> None:
        """Set those that are not as they were."""
        for name, value, former in zip(self.names, now, then, strict=True):
            if value is not former and value != former:
                owner, _, field = name.rpartition(".")
                setattr(getattr(into, owner) if owner else into, field, _own(former))


class _Heap(FieldKind):
    """Of the heap of a node, by order: no free block is larger than the node."""

    def __init__(self, pages: int) -> None:
        names = [name for name in NodeHeap.__slots__ if name not in HEAP_FIXED | {HEAP_CACHE, "free"}]
        super().__init__(names)
        others, orders = self.of, pages.bit_length()
        self.of = lambda heap: (others(heap), heap.free[:orders])

    def put(self, into: Any, now: Values, then: Values) -> None:
        super().put(into, now[0], then[0])
        into.free[: len(then[1])] = map(set.copy, then[1])
        for blocks in getattr(into, HEAP_CACHE):  # what follows from the free blocks is forgotten
            blocks.clear()


@cache
def _heap(pages: int) -> _Heap:
    return _Heap(pages)


class _Blocks(FieldKind):
    """The blocks of a page table, what `Block` takes of each, in the order in which they were entered.

    A dying domain's pages are freed in this order.
    """

    def __init__(self) -> None:
        of = attrgetter("mfn", "order", "state", "owner", "refcounted")
        self.names = ()
        self.of = lambda host: tuple(map(of, host.pages.blocks.values())) if host.pages.blocks else ()

    def put(self, into: Any, _now: Values, then: Values) -> None:
        into.pages.blocks = {block[0]: Block(*block) for block in then}


def _names(cls: Any, without: frozenset[str]) -> list[str]:
    return [field.name for field in fields(cls) if field.name not in without]


TABLE = [f"pages.{name}" for name in PageTable.__slots__ if name not in {"_node_span", "blocks"}]
HISTORY = [f"history.{name}" for name in sorted(ClaimHistory.__slots__)]
HOST = FieldKind([*_names(Host, HOST_FIXED | {"heap", "pages"}), *TABLE])
DOMAIN = FieldKind([*_names(Domain, DOMAIN_FIXED | {"history"}), *HISTORY])
BLOCKS = _Blocks()


class Image(NamedTuple):
    """The state of a host: the objects that it consists of, and what they were like."""

    kinds: list[FieldKind]
    of: list[Callable[[Any], Values]]
    """How each is read."""
    parts: list[Any]
    values: list[Values]


def taken(host: Host, domains: Iterable[Domain], former: Image | None = None) -> Image:
    """The state now. All locks are held, where they are checked.

    :param domains: every domain that there was
    :param former: an image of the same host: what did not change is shared with it
    """
    found: list[tuple[FieldKind, Any]] = [(HOST, host), (BLOCKS, host)]
    found += [(_heap(heap.pages), heap) for heap in host.heap]
    found += [(DOMAIN, domain) for domain in domains]
    kinds, parts = [kind for kind, _part in found], [part for _kind, part in found]
    if former is not None and former.parts == parts:
        now = map(call, former.of, parts)
        values = [
            old if old == value else tuple(map(_own, value)) for old, value in zip(former.values, now, strict=True)
        ]
        return Image(former.kinds, former.of, former.parts, values)
    values = [tuple(map(_own, kind.of(part))) for kind, part in found]
    return Image(kinds, [kind.of for kind in kinds], parts, values)


def shown(image: Image) -> bool:
    """Whether nothing of it has changed. All locks are held, where they are checked."""
    return list(map(call, image.of, image.parts)) == image.values


def put_back(image: Image) -> None:
    """Undo what has changed of it. All locks are held, where they are checked."""
    now = list(map(call, image.of, image.parts))
    if now != image.values:
        for kind, part, value, former in zip(image.kinds, image.parts, now, image.values, strict=True):
            if value != former:
                kind.put(part, value, former)


def _hashable(value: Any, places: Mapping[Any, int]) -> Hashable:
    kind = type(value)
    if kind is int:
        return int(value)
    if kind is tuple or isinstance(value, list):
        return tuple([_hashable(item, places) for item in value])
    if kind is set:
        return frozenset(value)
    if kind is dict:
        return tuple([(name, _hashable(item, places)) for name, item in value.items()])
    return places.get(value, value) if isinstance(value, Domain) else value


def key(image: Image, whole_ledger: bool = False) -> Hashable:
    """Equal for states from which the same can happen, and in which the same properties hold.

    :param whole_ledger: so that the same became of all claims; otherwise only what of the ledger does not balance
    """
    places = {part: place for place, part in enumerate(image.parts) if isinstance(part, Domain)}
    whole = [tuple([_hashable(value, places) for value in values]) for values in image.values]
    if whole_ledger:
        return tuple(whole)
    end = -len(HISTORY)
    return tuple(
        (values[:end], _balance(values[end:])) if kind is DOMAIN else values
        for kind, values in zip(image.kinds, whole, strict=True)
    )


def _balance(history: Values) -> Hashable:
    """What was installed and is none of redeemed, released, recalled; and what was lost."""
    installed, lost, recalled, redeemed, released = history
    left = [i - (r + e + c) for i, r, e, c in zip(installed, redeemed, released, recalled, strict=True)]
    return (*left, lost)
