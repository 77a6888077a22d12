# ruff: noqa: RUF009  # every default here is a dataclasses.field, with its description
"""The state that calls with results depend on: the model's own, and what decides results but no property."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from model.bounded import BoundedHost, ListVector
from model.encoding import Vector
from model.logic import Term
from model.state import DOMCTL_LOCK, HEAP_LOCK, FieldInfo, Shape, State, described, field_infos

NONE = -1
"""No node: of `claim_node` and `last_alloc_node`."""


def _seen(shape: Shape, meaning: str, lock: str = "", flag: bool = False) -> Any:
    return described(shape, meaning, lock, flag=flag)


@dataclass
class CallState(State):
    """A state with what the order of checks, the node search and the interfaces of the generations look at.

    Page classes here are what an observer can tell apart: `limbo_pages` are refcounted pages on their way to a domain,
    until they are assigned or freed; `assigned_pages` a domain's refcounted pages; all other pages in use are
    `other_pages`. The model's own `transit_pages` and `anonymous_pages` are not looked at.
    """

    llc_coloring: Term = _seen(Shape.HOST, "LLC colouring is on", flag=True)
    other_pages: Any = _seen(Shape.NODE, "class: in use, and not refcounted to a domain")
    claim_node: Any = _seen(Shape.DOMAIN, "single-node generations: the target of the claim, -1 for none", HEAP_LOCK)
    last_alloc_node: Any = _seen(Shape.DOMAIN, "where the domain's last pages came from, -1 for none yet", HEAP_LOCK)
    controller_pause_count: Any = _seen(Shape.DOMAIN, "pauses by the toolstack; a new domain has one", DOMCTL_LOCK)
    node_affinity: Any = _seen(Shape.CELL, "the node is in the domain's node_affinity", flag=True)


CALL_FIELDS: dict[str, FieldInfo] = field_infos(CallState)

UNSEEN = frozenset({"domctl_lock", "legacy_calls", "installed_pages", "transit_pages", "anonymous_pages"})
"""Fields of the model that no result depends on and that no observer of a call sees."""


class CallHost(BoundedHost):
    """A host of N nodes and D domains whose states are `CallState`."""

    fields: Mapping[str, FieldInfo] = CALL_FIELDS
    state_type: type[State] = CallState

    def by_node(self, entry: Callable[[Term], Term]) -> Vector:
        """A vector whose entries are given by node."""
        return ListVector([entry(n) for n in range(self.nodes)])
