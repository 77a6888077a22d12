"""Outcome classes "longest: ...": a loop of the reference that ran (nearly) as long as possible, or over many domains.

A loop that wrongly stops early shows only on longer inputs, so a campaign reports which loops ran long. The table of
loops and their classes is a test (`tests/fuzz/test_longest.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from model.calls import Case, ScriptOutcome, exists
from model.named import GENERATIONS
from model.rules import recall_nothing
from proofs.operations import Event, MemoryExchange, PopulatePhysmap

NODES, DOMAINS = 60, 20
"""A loop is long from this many iterations on. A host has up to 64 nodes, a set up to 65 entries."""
BLOCKS, EXTENTS, EXCHANGED, MARKED = 20, 8, 4, 3

INSTALLED = f"longest: a set on {NODES} or more nodes is installed"
REFUSED = f"longest: a set of {NODES} or more entries is refused after all of them"
RELEASED = f"longest: claims on {NODES} or more nodes are released"
RELEASED_LAST = f"longest: a claim on the {NODES}th node or a later one is released"
REDEEMED = f"longest: claims on {NODES} or more nodes are redeemed"
RECALLED_NODE = f"longest: recall of claims on a node comes to the {DOMAINS}th domain"
RECALLED_HOST = f"longest: recall of host-wide claims comes to the {DOMAINS}th domain"
SEARCHED = f"longest: a search ends at the {NODES}th candidate or a later one"
SEARCHED_IN_VAIN = f"longest: a search tries {NODES} or more candidates in vain"
ANSWERED = f"longest: {NODES} or more installed claims are reported"
FREED = f"longest: {BLOCKS} or more blocks of a domain are freed"
POPULATED = f"longest: {EXTENTS} or more extents are populated"
EXCHANGED_ALL = f"longest: {EXCHANGED} or more extents are exchanged"
LEFT_MARKED = f"longest: {MARKED} or more marked pages go offline with their block"

_SETS = ("install_claim_set", "claim_memory")
_ALLOCATING = ("alloc_domheap_pages", "alloc_heap_pages", "populate_physmap")
_LEADS: Mapping[str, tuple[str, ...]] = {
    RELEASED: ("domain_kill", *_SETS),
    RELEASED_LAST: ("domain_kill", *_SETS, "set_outstanding_pages"),
    REDEEMED: _ALLOCATING,
    RECALLED_NODE: ("offline_page",),
    RECALLED_HOST: ("offline_page",),
    SEARCHED: _ALLOCATING,
    SEARCHED_IN_VAIN: _ALLOCATING,
    ANSWERED: ("get_memory_claims",),
    FREED: ("relinquish_memory", "destroydomain"),
    POPULATED: ("populate_physmap",),
    EXCHANGED_ALL: ("memory_exchange",),
    LEFT_MARKED: ("free_heap_pages", "free_domheap_pages"),
}

_AFTER_ENTRIES = frozenset(
    {
        "legacy-and-nodes",
        "global-beyond-limit",
        "set-beyond-limit",
        "set-and-pages-beyond-limit",
        "pages-beyond-limit",
        "host-has-no-room",
        "claim-held",
        "node-has-no-room",
    }
)
"""Checks of the totals of a set, after those of its entries."""


def is_longest(name: str) -> bool:
    """Whether an outcome class is one of these."""
    return name.startswith("longest:")


def leads_to(name: str) -> tuple[str, ...]:
    """The operations of traces that reach a class: by default those of claim sets."""
    return _LEADS.get(name, _SETS)


def at_late_entry(check: str) -> str:
    """The class of a check that fails at a late entry of a set."""
    return f"longest: {check}, at the {NODES}th entry or a later one"


def classes_of_loops(semantics: str) -> list[str]:
    """The classes of a generation, except those of late entries. Each is reachable on a large enough host."""
    rules = GENERATIONS[semantics].rules
    found = [SEARCHED, SEARCHED_IN_VAIN, FREED, POPULATED, EXCHANGED_ALL, LEFT_MARKED]
    has_sets = exists("install_claim_set", semantics)
    if has_sets:
        found += [INSTALLED, REFUSED, RELEASED, REDEEMED]
    if has_sets or rules.interface.has_claim_node:
        found.append(RELEASED_LAST)
    if rules.recall is not recall_nothing:
        found += [RECALLED_NODE, RECALLED_HOST]
    if has_sets and exists("get_memory_claims", semantics):
        found.append(ANSWERED)
    return found


def count_set(hits: Counter[str], entries: Sequence[Any], case: Case) -> None:
    """Count the outcome of a set that is evaluated on numbers."""
    if case.entry is not None:
        if case.entry >= NODES - 1:
            hits[at_late_entry(case.name)] += 1
    elif len(entries) >= NODES and case.name in _AFTER_ENTRIES:
        hits[REFUSED] += 1


def count_claims(hits: Counter[str], before: Sequence[int], after: Sequence[int], *, redeems: bool) -> None:
    """Count on how many nodes of a large host a call took claims of a domain, and on how many it left claims."""
    if before == after:
        return
    if redeems:
        if sum(old > new for old, new in zip(before, after, strict=True)) >= NODES:
            hits[REDEEMED] += 1
        return
    if any(before[NODES - 1 :]):
        hits[RELEASED_LAST] += 1
    if sum(map(bool, before)) >= NODES:
        hits[RELEASED] += 1
    if sum(map(bool, after)) >= NODES:
        hits[INSTALLED] += 1


def count_recall(hits: Counter[str], name: str, before: Sequence[int], after: Sequence[int], there: list[bool]) -> None:
    """Count how many domains on the list recall visited up to the last one that lost claims.

    :param there: by domain, whether it is on the list
    """
    last = max((slot for slot, (old, new) in enumerate(zip(before, after, strict=True)) if old != new), default=-1)
    if sum(there[: last + 1]) >= DOMAINS:
        hits[name] += 1


def count_operation(hits: Counter[str], event: Event, ended: ScriptOutcome) -> None:
    """Count the length of the loop of an operation of several critical sections."""
    if type(event) is PopulatePhysmap and len(ended.blocks) >= EXTENTS:
        hits[POPULATED] += 1
    elif type(event) is MemoryExchange and ended.result == "OK" and len(event.in_mfns) >= EXCHANGED:
        hits[EXCHANGED_ALL] += 1
