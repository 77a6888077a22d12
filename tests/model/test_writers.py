"""Every function of the reference that writes a counter, with the calls and transitions of the model that stand for it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from model.calls import CALL_FIELDS, CALLS
from model.named import TRANSITIONS
from proofs.diff.operations import OPERATIONS

REFERENCE = Path("reference")
OTHER_NAMES = {"pending_scrub", "extra_pages", "charged_pages", "charge_limit", "is_dead"}
"""Counters of the reference that the model calls something else, or has as sums."""
PARTS = "a part of claim-sets-hardened and of variants: pages and pages in limbo, and max_pages, counted by themselves"


class ModelCounterpart(NamedTuple):
    """What of the model stands for a function, or why nothing does."""

    calls: tuple[str, ...] = ()
    transitions: tuple[str, ...] = ()
    why_none: str = ""


ALLOCATES = ("alloc_heap_pages", "alloc_heap_pages_unowned", "exchange_allocate", "alloc_for_destroyed")
CLAIMS = ("set_outstanding_pages", "claim_memory", "install_claim_set")
INSTALLS = ("set_outstanding_pages", "claim_memory", "claim_on_node", "claim_for_destroyed")
WRITERS: dict[str, ModelCounterpart] = {
    "claims:deduct_node_claims": ModelCounterpart(
        ("alloc_heap_pages", "assign_pages", "offline_page", "free_heap_pages", "release_all_claims", *CLAIMS),
        (*ALLOCATES, "assign_pages", "offline_page", "free_marked_page", "domain_kill_release", "release_claims"),
    ),
    "claims:deduct_global_claims": ModelCounterpart(
        ("alloc_heap_pages", "assign_pages", "offline_page", "free_heap_pages", "release_all_claims", *CLAIMS),
        (*ALLOCATES, "assign_pages", "offline_page", "free_marked_page", "domain_kill_release", "release_claims"),
    ),
    "claims:stake_claims": ModelCounterpart((*CLAIMS, "release_ownership"), (*INSTALLS, "free_domheap_pages")),
    "domain:mark_dying": ModelCounterpart(("mark_dying",), ("domain_kill",)),
    "domain:domain_pending_scrub_free": ModelCounterpart(("take_stash", "free_stash"), ("free_stash",)),
    "domain:domain_destroy": ModelCounterpart(("domain_destroy", "finish_kill"), ("destroy_domain",)),
    "generation:Generation.set_max_pages": ModelCounterpart(("set_max_pages", "max_mem"), ("set_max_pages",)),
    "generations.single_node:_stake": ModelCounterpart(CLAIMS, INSTALLS),
    "generations.single_node:SingleNodeV4.redeem": ModelCounterpart(("alloc_heap_pages",), ALLOCATES),
    "generations.single_node:SingleNodeV4.set_outstanding_pages": ModelCounterpart(CLAIMS, INSTALLS),
    "generations.parts:ChargeCounters.redeem": ModelCounterpart(why_none=PARTS),
    "generations.parts:ChargeCounters.limbo_ended": ModelCounterpart(why_none=PARTS),
    "generations.parts:ChargeCounters.pages_released": ModelCounterpart(why_none=PARTS),
    "generations.parts:ChargeCounters.set_max_pages": ModelCounterpart(
        ("set_max_pages", "max_mem"), ("set_max_pages",)
    ),
    "generations.parts:OthersKept.redeem": ModelCounterpart(why_none=PARTS),
    "hypercalls:_drop_tot_pages": ModelCounterpart(("drop_tot_pages",), ("drop_tot_pages",)),
    "hypercalls:pausedomain": ModelCounterpart(("pausedomain",)),
    "hypercalls:unpausedomain": ModelCounterpart(("domain_unpause_by_systemcontroller",)),
    "page_alloc:alloc_heap_pages": ModelCounterpart(("alloc_heap_pages",), ALLOCATES),
    "page_alloc:assign_pages": ModelCounterpart(
        ("assign_pages", "assign_in_exchange"), ("assign_pages", "assign_extra_pages", "exchange_assign")
    ),
    "page_alloc:free_heap_pages": ModelCounterpart(
        ("free_heap_pages", "free_stash"), ("free_heap_pages", "free_stash")
    ),
    "page_alloc:release_ownership": ModelCounterpart(
        ("release_ownership",), ("free_domheap_pages", "free_extra_pages")
    ),
    "page_alloc:put_domain": ModelCounterpart(("put_domain", "domain_destroy", "finish_kill"), ("destroy_domain",)),
    "page_alloc:free_domheap_pages": ModelCounterpart(("put_domain",)),
    "page_alloc:offline_page": ModelCounterpart(("offline_page",), ("offline_page",)),
    "page_alloc:online_page": ModelCounterpart(("online_page",), ("online_page",)),
    "populate:get_stashed_allocation": ModelCounterpart(("get_stashed_allocation",)),
    "populate:stash_allocation": ModelCounterpart(("stash_allocation",)),
}
NO_PROPERTY_READS = {"hypercalls:pausedomain", "hypercalls:unpausedomain", "page_alloc:free_domheap_pages"} | {
    "populate:get_stashed_allocation",
    "populate:stash_allocation",
}
"""They write only what decides results of calls, and no property: pauses, the stash, frees in flight."""


def written(target: ast.expr) -> Iterator[str]:
    """The attributes that an assignment writes."""
    while isinstance(target, ast.Subscript):
        target = target.value
    if isinstance(target, ast.Tuple | ast.List):
        for part in target.elts:
            yield from written(part)
    elif isinstance(target, ast.Attribute):
        yield target.attr


def writers(node: ast.AST, name: str, counters: set[str]) -> Iterator[str]:
    """The functions that write one of the counters."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.ClassDef):
            yield from writers(child, f"{name}.{child.name}" if ":" in name else f"{name}:{child.name}", counters)
            continue
        targets = child.targets if isinstance(child, ast.Assign) else []
        targets = [*targets, child.target] if isinstance(child, ast.AugAssign) else targets
        if any(attribute in counters for target in targets for attribute in written(target)):
            yield name
        yield from writers(child, name, counters)


def test_every_function_that_writes_a_counter_has_an_operation() -> None:
    found = set()
    for path in sorted(REFERENCE.rglob("*.py")):
        module = ".".join(path.with_suffix("").parts[1:])
        found |= set(writers(ast.parse(path.read_text()), module, set(CALL_FIELDS) | OTHER_NAMES))
    assert found == set(WRITERS)


def test_model_counterparts_of_writers_are_compared() -> None:
    for name, stands in WRITERS.items():
        assert set(stands.calls) <= set(CALLS), name
        assert set(stands.calls) <= set(OPERATIONS), name  # `claimcheck diff` holds the reference to each
        assert set(stands.transitions) <= set(TRANSITIONS), name
        assert bool(stands.calls) != bool(stands.why_none), name
    without = {name for name, stands in WRITERS.items() if not stands.transitions and not stands.why_none}
    assert without == NO_PROPERTY_READS
