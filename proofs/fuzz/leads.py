"""Maps outcome classes to the operations of traces that reach them."""

from __future__ import annotations

from msgspec.structs import replace

from . import longest
from .known import GenerationFacts
from .offered import ProgramCapabilities

_ALLOCATING = ("alloc_domheap_pages", "alloc_heap_pages", "populate_physmap")
_KILLING = ("domain_kill", "destroydomain")
_EXCHANGING = ("memory_exchange",)

_LEADS_TO: dict[str, tuple[str, ...]] = {
    "alloc_heap_pages": (*_ALLOCATING, *_EXCHANGING),
    "assign_pages": ("assign_pages", "alloc_domheap_pages", "populate_physmap"),
    "free_heap_pages": ("free_heap_pages", "free_domheap_pages", "alloc_domheap_pages"),
    "set_outstanding_pages": ("set_outstanding_pages", "claim_pages"),
    "search": _ALLOCATING,
    "redeemed": ("install_claim_set", "set_outstanding_pages", "alloc_heap_pages", "alloc_domheap_pages"),
    "recalled": ("install_claim_set", "offline_page", "free_domheap_pages"),
    "claim_pages_check": ("claim_pages",),
    "mark_dying": _KILLING,
    "release_all_claims": _KILLING,
    "finish_kill": ("destroydomain",),
    "put_domain": ("destroydomain", "free_domheap_pages", *_EXCHANGING),
    "release_ownership": ("free_domheap_pages",),
    "get_stashed_allocation": ("populate_physmap",),
    "creation_check": ("populate_physmap",),
    "preemption_check": ("populate_physmap",),
    "stash_allocation": ("populate_physmap",),
    "free_stash": ("populate_physmap",),
    "offline_marked": ("populate_physmap",),
    "stash_check": _KILLING,
    "take_stash": _KILLING,
    "domain_unpause_by_systemcontroller": ("unpausedomain",),
    "exchange_check": _EXCHANGING,
    "steal_page": _EXCHANGING,
    "assign_in_exchange": _EXCHANGING,
    "drop_tot_pages": _EXCHANGING,
}
"""Calls whose operations have other names."""

NOT_OFFERED = "the program has no operation that reaches it"
NOT_IN_TRACES = "claim-trace/1 cannot express the events that reach it"
_EXTENDED_ONLY = ("llc-coloring", "mark-asserted")


def leads_to(name: str) -> tuple[str, ...]:
    """The operations that reach an outcome class."""
    if longest.is_longest(name):
        return longest.leads_to(name)
    call = name.partition(":")[0].partition(",")[0]
    return _LEADS_TO.get(call, (call,))


def favourable(name: str) -> tuple[str, ...]:
    """The operations to favour for an outcome class: those that make the call, and those that prepare it.

    Empty for classes of long loops: these need a large host or many domains, and would favour nearly every operation.
    """
    if longest.is_longest(name):
        return ()
    return (*leads_to(name), *_needs(name))


def _needs(name: str) -> tuple[str, ...]:
    """The operations that prepare a state in which the class can be reached."""
    call, _, case = name.partition(": ")
    if case in ("node-overclaimed", "host-overclaimed", "mark-asserted", "assigned-mark-lost") or name in _NEED_MARKS:
        return ("offline_page",)
    if name in _NEED_STASHES:
        return ("populate_physmap", "offline_page") if name in _NEED_MARKS else ("populate_physmap",)
    if name == "preemption_check: finished":
        return ("unpausedomain",)
    return ("domain_kill",) if (case == "dying" and call == "assign_in_exchange") or call == "drop_tot_pages" else ()


_NEED_MARKS = frozenset({"offline_marked: offlined", "free_heap_pages: freed-and-offlined"})
_NEED_STASHES = frozenset(
    {
        "stash_check: to-be-freed",
        "take_stash: taken",
        "take_stash: no-stash",
        "domain_unpause_by_systemcontroller: crashed",
        "domain_unpause_by_systemcontroller: stash-kept",
    }
)


def as_offered(known: GenerationFacts, offered: ProgramCapabilities) -> GenerationFacts:
    """The facts restricted to the operations that a program offers."""
    return replace(known, classes={name: reason or _why_not(name, offered) for name, reason in known.classes.items()})


def _why_not(name: str, offered: ProgramCapabilities) -> str:
    leads = any(operation in offered.operations for operation in leads_to(name))
    if not leads or not offered.operations.issuperset(_needs(name)):
        return NOT_OFFERED
    if not offered.extended and name.partition(": ")[2] in _EXTENDED_ONLY:
        return NOT_IN_TRACES
    return ""
