# ruff: noqa: RUF009  # every default here is a dataclasses.field, with its description
"""The state of a host: the hypervisor's counters, the page classes, and the ghost variables of the ledger.

Units are pages throughout. `lock` names what protects a field in the hypervisor; ghosts have none.
"""

from dataclasses import dataclass, field, fields
from enum import Enum
from typing import Any

from model.encoding import Grid, Vector
from model.logic import Term, all_of, negation


class Shape(Enum):
    """How a field is indexed."""

    HOST = "host"
    NODE = "node"
    DOMAIN = "domain"
    CELL = "domain and node"


HEAP_LOCK = "heap_lock"
PAGE_ALLOC_LOCK = "page_alloc_lock"
DOMCTL_LOCK = "domctl_lock"
GHOST = ""
COUNTER = "int64 or uint64"
"""The type of the counters of host and nodes: `Rules.counter_type` says which."""
AFTER = ".after"
"""The suffix of the names of fields in the state after a step."""


@dataclass(frozen=True)
class FieldInfo:
    """How one field is shaped, typed and protected."""

    name: str
    shape: Shape
    lock: str
    c_type: str
    flag: bool
    meaning: str


def described(shape: Shape, meaning: str, lock: str = GHOST, c_type: str = "", flag: bool = False) -> Any:
    """A field of a state, with its `FieldInfo`."""
    return field(metadata={"shape": shape, "meaning": meaning, "lock": lock, "c_type": c_type, "flag": flag})


def _host(meaning: str, lock: str = GHOST, c_type: str = "") -> Any:
    return described(Shape.HOST, meaning, lock, c_type)


def _node(meaning: str, lock: str = GHOST, c_type: str = "") -> Any:
    return described(Shape.NODE, meaning, lock, c_type)


def _domain(meaning: str, lock: str = GHOST, c_type: str = "", flag: bool = False) -> Any:
    return described(Shape.DOMAIN, meaning, lock, c_type, flag)


def _cell(meaning: str, lock: str = GHOST, c_type: str = "") -> Any:
    return described(Shape.CELL, meaning, lock, c_type)


@dataclass
class State:
    """One state; the names are the hypervisor's own where it has one."""

    total_avail_pages: Term = _host("free pages of the host", HEAP_LOCK, COUNTER)
    outstanding_claims: Term = _host("claimed pages of the host", HEAP_LOCK, COUNTER)
    domctl_lock: Term = _host("domain whose domain_kill holds the domctl lock, -1 for none", DOMCTL_LOCK)

    node_avail_pages: Vector = _node("free pages of a node, the class `free`", HEAP_LOCK, COUNTER)
    node_outstanding_claims: Vector = _node("claimed pages of a node", HEAP_LOCK, COUNTER)
    transit_pages: Vector = _node("class: off every list: on the way to the heap, stolen, or without owner")
    anonymous_pages: Vector = _node("class: allocated for no domain")
    offlined_pages: Vector = _node("class: out of use")
    marked_pages: Vector = _node("pages in use that leave when they are freed")
    installed_pages: Vector = _node("pages the node was booted with; never changes")

    node_claims: Vector = _domain("sum of a domain's node claims", HEAP_LOCK, "uint32")
    global_claims: Vector = _domain("a domain's host-wide claim", HEAP_LOCK, "uint32")
    tot_pages: Vector = _domain("pages counted for a domain", PAGE_ALLOC_LOCK, "uint32")
    max_pages: Vector = _domain("the limit on tot_pages", PAGE_ALLOC_LOCK, "uint32")
    is_created: Vector = _domain("the domain id is in use", DOMCTL_LOCK, flag=True)
    is_dying: Vector = _domain("domain_kill has begun", DOMCTL_LOCK, flag=True)
    is_destroyed: Vector = _domain("off the domain list; operations in flight still use it", DOMCTL_LOCK, flag=True)
    owed_pages: Vector = _domain("class: stolen from a domain by memory_exchange, on no list, still in its tot_pages")
    orphaned_claims: Vector = _domain("claims of a destroyed domain: no loop visits them", HEAP_LOCK, "uint32")
    legacy_calls: Vector = _domain("XENMEM_claim_pages calls past their check of is_dying, not yet in the lock")

    claims: Grid = _cell("a domain's claim on a node", HEAP_LOCK, "uint32")
    limbo_pages: Grid = _cell("class: taken from the heap for a domain, not yet in its tot_pages")
    assigned_pages: Grid = _cell("class: on a domain's page list")
    extra_pages: Grid = _cell("class: a domain's pages that are not refcounted")

    ledger_installed: Grid = _cell("ghost: node claims ever installed")
    ledger_redeemed: Grid = _cell("ghost: node claims ever redeemed")
    ledger_released: Grid = _cell("ghost: node claims ever released or replaced")
    ledger_recalled: Grid = _cell("ghost: node claims ever recalled")
    global_installed: Vector = _domain("ghost: host-wide claims ever installed")
    global_redeemed: Vector = _domain("ghost: host-wide claims ever redeemed")
    global_released: Vector = _domain("ghost: host-wide claims ever released or replaced")
    global_recalled: Vector = _domain("ghost: host-wide claims ever recalled")

    def concerns(self, name: str) -> bool:  # noqa: ARG002
        """Whether a statement about all fields must cover this one."""
        return True

    def held(self, domain: Term) -> Term:
        """All claims of a domain, as getdomaininfo reports them. Once it is destroyed, all are orphaned."""
        return self.global_claims[domain] + self.node_claims[domain] + self.orphaned_claims[domain]

    def listed(self, domain: Term) -> Term:
        """The domain is on the domain list: hypercalls and loops over domains find it."""
        return all_of([self.is_created[domain], negation(self.is_destroyed[domain])])

    def unclaimed(self) -> Term:
        """Free pages of the host minus claimed pages."""
        return self.total_avail_pages - self.outstanding_claims

    def unclaimed_on(self, node: Term) -> Term:
        """Free pages of a node minus pages claimed there."""
        return self.node_avail_pages[node] - self.node_outstanding_claims[node]


def field_infos(state: type[State]) -> dict[str, FieldInfo]:
    """The fields of a kind of state, by name."""
    return {
        f.name: FieldInfo(
            f.name,
            f.metadata["shape"],
            f.metadata["lock"],
            f.metadata["c_type"],
            f.metadata["flag"],
            f.metadata["meaning"],
        )
        for f in fields(state)
    }


FIELDS: dict[str, FieldInfo] = field_infos(State)
