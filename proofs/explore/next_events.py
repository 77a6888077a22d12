"""The events that can happen next on a tiny host of the reference, with small arguments: every choice of them.

An operation of several critical sections is begun by a builder and resumed by `continue`, so that all
interleavings are tried. Which free block an allocation takes is a choice too. What they are says each operation.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from proofs.operations import OPERATIONS, Choice, Event, TinyHost
from reference.state import Host


def _about(what: str) -> list[type[Event]]:
    return sorted((kind for kind in OPERATIONS.values() if kind.about == what), key=lambda kind: kind.rank)


_KINDS = {what: _about(what) for what in ("domain", "host", "block", "frame")}


def next_events(host: Host, waiting: list[str], order: int, domctl: bool = True) -> Iterator[Choice]:
    """Every event that may come next.

    :param waiting: builders in the middle of an operation
    :param order: the order of the largest block requested
    :param domctl: whether the domctl lock is free
    """
    new = f"builder-{1 + max((int(b.removeprefix('builder-')) for b in waiting), default=0)}"
    tiny = TinyHost(host, order, domctl, new)
    for what, abouts in _subjects(host):
        for about in abouts:
            for kind in _KINDS[what]:
                yield from kind.small(tiny, about)
    for builder in waiting:
        yield _goes_on(builder)


def _subjects(host: Host) -> Iterator[tuple[str, list[Any]]]:
    """What events are about: one after the other, as each event changes the host."""
    yield "domain", list(host.domains.values())
    yield "host", [host]
    yield "block", sorted(host.pages.blocks.values(), key=lambda block: block.mfn)
    span = host.node_span
    yield "frame", [node * span + page for node in host.nodes for page in range(host.node_pages[node])]


@lru_cache
def _goes_on(builder: str) -> Choice:
    return Choice({"op": "continue", "builder": builder})
