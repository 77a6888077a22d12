"""What compiled code calls, and the state that it works on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from model.calls import CALL_FIELDS, NONE
from model.state import Shape


def taken_ascending(held: Sequence[int], amount: int) -> list[int]:
    """What each index gives when ``amount`` is taken from ``held`` in ascending order.

    The model's closed form, ``min(held[i], max(0, amount - sum of held[:i]))``, with the sum kept on the way.
    """
    if amount <= 0 <= min(held):
        return [0] * len(held)
    taken = []
    for pages in held:
        most = amount if amount > 0 else 0
        taken.append(pages if pages <= most else most)
        amount -= pages
    return taken


def placed(entries: list[Any], index: int, value: Any) -> list[Any]:
    """A copy in which one entry is another."""
    new = entries[:]
    new[index] = value
    return new


class ModelState:
    """A state of the model in plain numbers: the fields of ``CallState``, grids as one list a domain."""

    __slots__ = (*CALL_FIELDS, "answer", "chosen", "number_of_domains", "number_of_nodes")

    def __init__(self, nodes: Sequence[int], domains: int, llc_coloring: bool, debug_build: bool = False) -> None:
        """At boot: every page is free, no domain."""
        self.number_of_nodes = len(nodes)
        self.number_of_domains = domains
        self.answer: dict[str, Any] = {}
        """What a query told, until the next one."""
        self.chosen = NONE
        """The node at which the last allocation's search ended."""
        for info in CALL_FIELDS.values():
            nothing: Any = False if info.flag else 0
            if info.shape is Shape.NODE:
                nothing = [nothing] * len(nodes)
            elif info.shape is Shape.DOMAIN:
                nothing = [nothing] * domains
            elif info.shape is Shape.CELL:
                nothing = [[nothing] * len(nodes) for _ in range(domains)]
            setattr(self, info.name, nothing)
        self.total_avail_pages: int = sum(nodes)
        self.node_avail_pages: list[int] = list(nodes)
        self.installed_pages: list[int] = list(nodes)
        self.llc_coloring: bool = llc_coloring
        self.debug_build: bool = debug_build
        self.domctl_lock: int = NONE
        self.claim_node: list[int] = [NONE] * domains
        self.last_alloc_node: list[int] = [NONE] * domains

    if TYPE_CHECKING:  # the fields that are not named above

        def __getattr__(self, name: str) -> Any: ...
