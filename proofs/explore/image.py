"""The state of a host of the reference as values: taken, compared, and put back into the same host.

What a state consists of is read from the classes of the reference: every field but those that are listed here as fixed,
and caches. So a field that is added to one of them is a part of states without being named.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import fields
from functools import cache
from itertools import compress
from operator import call, ne
from typing import Any, NamedTuple

from reference.heap import NodeHeap
from reference.pages import Block, PageTable
from reference.state import ClaimHistory, Domain, Host

HOST_FIXED = frozenset(
    {
        "semantics",
        "booked_on",
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
"""Fields that are set at boot, or that no event depends on: the policy's block, and locks between sections."""
DOMAIN_FIXED = frozenset({"domid", "page_alloc_lock", "heap_lock", "node_affinity"})
"""Set when the domain is created."""
HEAP_FIXED = frozenset({"first_mfn", "pages"})
HEAP_CACHE = "_queue"
"""Of a heap. It follows from the free blocks."""

Values = Sequence[Any]


def _own(value: Any) -> Any:
    """A copy of what the reference changes in place."""
    kind = type(value)
    if kind is int:
        return value
    if kind is set or kind is dict:
        return value.copy()
    return list.copy(value) if isinstance(value, list) else value


def reader(names: Sequence[str]) -> Callable[[Any], Values]:
    """A function that reads these fields. It is compiled: three times as fast as an attrgetter."""
    return eval(f"lambda of: ({', '.join(f'of.{name}' for name in names)},)")  # type: ignore[no-any-return]  # field names of classes


class FieldKind:
    """The fields of a class that make up a state, read at once. A name may lead through an object that is a field."""

    def __init__(self, names: Sequence[str]) -> None:
        self.of = reader(names)
        self._places = [(owner, field) for owner, _, field in (name.rpartition(".") for name in names)]

    def own(self, now: Values, former: Values | None) -> Values:
        """The values as none of them changes later. Those that are as formerly are shared."""
        if former is None:
            return tuple(map(_own, now))
        return tuple([old if value == old else _own(value) for value, old in zip(now, former, strict=True)])

    def put(self, into: Any, now: Values, then: Values) -> None:
        """Set those that are not as they were."""
        for (owner, field), former in compress(zip(self._places, then, strict=True), map(ne, now, then)):
            setattr(getattr(into, owner) if owner else into, field, _own(former))

    def key(self, values: Values, places: Mapping[Any, int]) -> Hashable:
        """The values as a hashable, domains by their places."""
        return tuple([_hashable(value, places) for value in values])


class _Heap(FieldKind):
    """Of the heap of a node, by order: no free block is larger than the node."""

    def __init__(self, pages: int) -> None:
        super().__init__([name for name in NodeHeap.__slots__ if name not in HEAP_FIXED | {HEAP_CACHE, "free"}])
        others, orders = self.of, pages.bit_length()
        self.of = lambda heap: (others(heap), heap.free[:orders])

    def own(self, now: Values, _former: Values | None) -> Values:
        return now[0], [blocks.copy() for blocks in now[1]]

    def put(self, into: Any, now: Values, then: Values) -> None:
        super().put(into, now[0], then[0])
        into.free[: len(then[1])] = [blocks.copy() for blocks in then[1]]
        for blocks in getattr(into, HEAP_CACHE):  # what follows from the free blocks is forgotten
            if blocks:
                blocks.clear()


@cache
def _heap(pages: int) -> _Heap:
    return _Heap(pages)


class _Blocks(FieldKind):
    """The blocks of a page table, what `Block` takes of each, in the order in which they were entered.

    A dying domain's pages are freed in this order.
    """

    def __init__(self) -> None:
        self.of = lambda host: (
            [(block.mfn, block.order, block.state, block.owner, block.refcounted) for block in blocks.values()]
            if (blocks := host.pages.blocks)
            else []
        )

    def own(self, now: Values, _former: Values | None) -> Values:
        return now

    def put(self, into: Any, _now: Values, then: Values) -> None:
        into.pages.blocks = {block[0]: Block(*block) for block in then}


def _names(cls: Any, without: frozenset[str]) -> list[str]:
    return [field.name for field in fields(cls) if field.name not in without]


TABLE = [f"pages.{name}" for name in PageTable.__slots__ if name not in {"_node_span", "blocks"}]
HISTORY = [f"history.{name}" for name in sorted(ClaimHistory.__slots__)]


class _Domain(FieldKind):
    """Of a domain, with its ledger at the end."""

    def __init__(self) -> None:
        super().__init__([*_names(Domain, DOMAIN_FIXED | {"history"}), *HISTORY])

    def key(self, values: Values, places: Mapping[Any, int]) -> Hashable:
        """Two: what of the ledger does not balance, and the whole."""
        end = -len(HISTORY)
        rest = super().key(values[:end], places)
        return (rest, _balance(values[end:])), (rest, super().key(values[end:], places))


HOST = FieldKind([*_names(Host, HOST_FIXED | {"heap", "pages"}), *TABLE])
DOMAIN = _Domain()
BLOCKS = _Blocks()


class Image(NamedTuple):
    """The state of a host: the objects that it consists of, and what they were like."""

    kinds: list[FieldKind]
    of: list[Callable[[Any], Values]]
    """How each is read."""
    parts: list[Any]
    values: list[Values]
    keys: list[Hashable]
    """What each tells states apart by."""
    domains: Mapping[int, Domain]


def taken(host: Host, domains: Mapping[int, Domain], former: Image | None = None) -> Image:
    """The state now. All locks are held, where they are checked.

    :param domains: every domain that there was; nobody changes it
    :param former: an image of the same host: what did not change is shared with it
    """
    if former is not None and former.domains is domains:
        kinds, reads, parts, formerly, formerly_keys, _domains = former
        places = {part: place for place, part in enumerate(parts) if isinstance(part, Domain)}
        values, keys = [], []
        for kind, now, old, key in zip(kinds, map(call, reads, parts), formerly, formerly_keys, strict=True):
            same = old == now
            values.append(old if same else kind.own(now, old))
            keys.append(key if same else kind.key(values[-1], places))
        return Image(kinds, reads, parts, values, keys, domains)
    found: list[tuple[FieldKind, Any]] = [(HOST, host), (BLOCKS, host)]
    found += [(_heap(heap.pages), heap) for heap in host.heap]
    found += [(DOMAIN, domain) for domain in domains.values()]
    kinds, parts = [kind for kind, _part in found], [part for _kind, part in found]
    places = {part: place for place, part in enumerate(parts) if isinstance(part, Domain)}
    values = [kind.own(kind.of(part), None) for kind, part in found]
    keys = [kind.key(value, places) for kind, value in zip(kinds, values, strict=True)]
    return Image(kinds, [kind.of for kind in kinds], parts, values, keys, domains)


def shown(image: Image) -> bool:
    """Whether nothing of it has changed. All locks are held, where they are checked."""
    return all(of(part) == value for of, part, value in zip(image.of, image.parts, image.values, strict=True))


def put_back(image: Image) -> None:
    """Undo what has changed of it. All locks are held, where they are checked."""
    for kind, of, part, former in zip(image.kinds, image.of, image.parts, image.values, strict=True):
        now = of(part)
        if now != former:
            kind.put(part, now, former)


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
    return tuple(
        [of[whole_ledger] if kind is DOMAIN else of for kind, of in zip(image.kinds, image.keys, strict=True)]  # type: ignore[index]
    )


def _balance(history: Values) -> Hashable:
    """What was installed and is none of redeemed, released, recalled; and what was lost."""
    installed, lost, recalled, redeemed, released = history
    left = [i - (r + e + c) for i, r, e, c in zip(installed, redeemed, released, recalled, strict=True)]
    return (*left, lost)
