# ruff: noqa: RUF009  # every default here is a dataclasses.field, with its description
"""The state that results of calls depend on: the model's state, and fields that decide results but no property."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from model.encoding import Vector
from model.hosts.bounded import BoundedHost, ListVector
from model.logic import Term, choose
from model.state import DOMCTL_LOCK, HEAP_LOCK, PAGE_ALLOC_LOCK, FieldInfo, Shape, State, described, field_infos

NONE = -1
"""No node: of `claim_node` and `last_alloc_node`."""


def _seen(shape: Shape, meaning: str, lock: str = "", flag: bool = False) -> Any:
    return described(shape, meaning, lock, flag=flag)


@dataclass
class CallState(State):
    """A state with the fields that checks, the node search and the generations' interfaces read.

    Page classes are those that an observer can distinguish: `limbo_pages` are refcounted pages on their way to a
    domain, until they are assigned or freed; `assigned_pages` a domain's refcounted pages, `extra_pages` its other
    pages; all other pages in use are `other_pages`. The model's `transit_pages` and `anonymous_pages` are not compared.

    A destroyed domain keeps its claims here, as in `struct domain`: operations in flight use and release them. Loops
    over domains do not visit it: they use the state as `ListedDomains`. In the transitions, `orphaned_claims` is their
    sum.
    """

    llc_coloring: Term = _seen(Shape.HOST, "LLC colouring is on", flag=True)
    debug_build: Term = _seen(Shape.HOST, "assertions that only a debug build has stop the host", flag=True)
    other_pages: Any = _seen(Shape.NODE, "class: in use, and no domain's, or meant for one without being refcounted")
    claim_node: Any = _seen(Shape.DOMAIN, "single-node generations: the target of the claim, -1 for none", HEAP_LOCK)
    last_alloc_node: Any = _seen(Shape.DOMAIN, "where the domain's last pages came from, -1 for none yet", HEAP_LOCK)
    controller_pause_count: Any = _seen(Shape.DOMAIN, "pauses by the toolstack; a new domain has one", DOMCTL_LOCK)
    creation_finished: Any = _seen(Shape.DOMAIN, "controller_pause_count has been 0 once", DOMCTL_LOCK, flag=True)
    is_dead: Any = _seen(Shape.DOMAIN, "domain_kill is over: only pages keep the domain on the list", flag=True)
    last_frees: Any = _seen(Shape.DOMAIN, "frees between their two halves that took the domain's last page")
    stash_pages: Any = _seen(
        Shape.DOMAIN, "pages of the stashed extent, 0 for none; they are in limbo", PAGE_ALLOC_LOCK
    )
    stash_node: Any = _seen(Shape.DOMAIN, "the node of the stashed extent", PAGE_ALLOC_LOCK)
    stash_scrub_index: Any = _seen(Shape.DOMAIN, "its pages that need no further scrubbing", PAGE_ALLOC_LOCK)
    node_affinity: Any = _seen(Shape.CELL, "the node is in the domain's node_affinity", flag=True)

    def pages_counted(self, domain: Term) -> Term:
        """The pages that keep a dead domain on the list: those in tot_pages, stolen ones too, and extra pages."""
        return self.tot_pages[domain] + self.extra_pages.row(domain).total()


CALL_FIELDS: dict[str, FieldInfo] = field_infos(CallState)

UNSEEN = frozenset(
    {
        "domctl_lock",
        "legacy_calls",
        "installed_pages",
        "transit_pages",
        "anonymous_pages",
        "orphaned_claims",
        "owed_pages",
    }
)
"""Fields of the model that no result depends on and that no observer of a call can read."""


class CallHost(BoundedHost):
    """A host of N nodes and D domains whose states are `CallState`."""

    fields: Mapping[str, FieldInfo] = CALL_FIELDS
    state_type: type[State] = CallState

    def by_node(self, entry: Callable[[Term], Term]) -> Vector:
        """A vector whose entries are given by node."""
        return ListVector([entry(n) for n in range(self.nodes)])

    def by_domain(self, entry: Callable[[Term], Term]) -> Vector:
        """A vector whose entries are given by domain."""
        return ListVector([entry(d) for d in range(self.domains)])


class ListedDomains(State):
    """A state as loops over domains read it: a destroyed domain is not visited and appears to hold nothing."""

    def __init__(self, host: CallHost, of: State) -> None:
        self._of = of
        self.global_claims = host.by_domain(lambda d: choose(of.is_destroyed[d], 0, of.global_claims[d]))
        self.claims = _ListedClaims(host, of)  # type: ignore[assignment]  # what a loop over domains reads of a grid

    def __getattribute__(self, name: str) -> Any:
        if name in CALL_FIELDS and name not in ("global_claims", "claims"):
            return getattr(object.__getattribute__(self, "_of"), name)
        return object.__getattribute__(self, name)


class _ListedClaims:
    """The claims of the domains on the list."""

    def __init__(self, host: CallHost, of: State) -> None:
        self._host, self._of = host, of

    def column(self, node: Term) -> Vector:
        """A node's entries by domain."""
        of = self._of
        return self._host.by_domain(lambda d: choose(of.is_destroyed[d], 0, of.claims[d, node]))
