"""Every loop of the reference has a class "longest: ...", or a reason why it has none; the classes come out."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

from model.named import GENERATIONS
from proofs.fuzz import longest
from proofs.fuzz.checker import Checker
from proofs.fuzz.known import GenerationFacts
from proofs.fuzz.leads import favourable, leads_to
from proofs.fuzz.longest import classes_of_loops
from proofs.operations import (
    OPERATIONS,
    AllocHeapPages,
    Claim,
    ClaimMemory,
    CreateDomain,
    Event,
    InstallClaimSet,
    OfflinePage,
)
from proofs.operations.draw import UNKNOWN_DOMID
from proofs.operations.entries import HypercallClaim
from proofs.traces.events import HostShape

FRAMES = "the model counts pages and has no frames: recordings, and tests of the heap, are about it"
CHECKS = "it checks states, and is checked by mutation"
BOOT = "every trace does all of it, whatever is done later"
PARTS = "a part of the hardened generation, which campaigns try only as a whole"

LOOPS: dict[str, tuple[str, ...] | str] = {
    "claims:cancel_all_node_claims": (longest.RELEASED, longest.RELEASED_LAST),
    "claims:stake_claims": (longest.INSTALLED,),
    "claims:redeem_claims_for_allocation": (longest.REDEEMED,),
    "claims:recall_claims": (longest.RECALLED_NODE, longest.RECALLED_HOST),
    "claims:checked_entries": (longest.at_late_entry("node-twice"), longest.REFUSED),
    "claims:installed_entries": (longest.ANSWERED,),
    "domain:relinquish_memory": (longest.FREED,),
    "domain:domain_destroy": FRAMES,
    "generations/__init__:Generations.__contains__": "the list of generations",
    "generations/__init__:": "the list of generations",
    "generations/claim_sets:legacy_as_global": (longest.REFUSED,),
    "generations/claim_sets:ClaimSetsV3.install_claim_set": (longest.REFUSED,),
    "generations/claim_sets_v7:ClaimSetsV7.install_claim_set": (longest.REFUSED,),
    "generations/parts:ClaimsTrimmed.limit_stored": PARTS,
    "generations/parts:OthersKept.redeem": PARTS,
    "generations/parts:changed": "the list of parts",
    "generations/per_node:PerNodeV8.install_claim_set": (longest.at_late_entry("node-twice"), longest.REFUSED),
    "heap:NodeHeap.__init__": BOOT,
    "heap:NodeHeap._add_range": BOOT,
    "heap:NodeHeap.lowest": FRAMES,
    "heap:NodeHeap.find": FRAMES,
    "heap:NodeHeap.take": FRAMES,
    "heap:NodeHeap.give": FRAMES,
    "heap:NodeHeap.blocks": FRAMES,
    "hypercalls:memory_exchange": (longest.EXCHANGED_ALL,),
    "hypercalls:_give_back": "what an exchange stole before it failed: as many extents as `memory_exchange` has",
    "hypercalls:_free_all": "what an exchange allocated before it failed: as many extents as `memory_exchange` has",
    "locks:CheckedLock.__enter__": "it checks the order of locks",
    "locks:guarded.decorate": "it checks that locks are held",
    "node_search:candidate_nodes": (longest.SEARCHED, longest.SEARCHED_IN_VAIN),
    "page_alloc:get_free_buddy": (longest.SEARCHED, longest.SEARCHED_IN_VAIN),
    "page_alloc:free_heap_pages": (longest.LEFT_MARKED,),
    "pages:PageTable.find": FRAMES,
    "pages:PageTable._split": FRAMES,
    "pages:PageTable._parts": FRAMES,
    "pages:PageTable._join": FRAMES,
    "pages:PageTable.marked": (longest.LEFT_MARKED,),
    "pages:PageTable.of_domain": (longest.FREED,),
    "pages:PageTable.in_limbo": "for those who draw events",
    "populate:populate_physmap": (longest.POPULATED,),
    "state:all_locks": "for observers",
    "state:boot": BOOT,
    "steps:run": "it runs the sections of an operation",
}
"""By function of `reference/`, without `properties`: the classes that say that its loop ran long, or why none does."""


def loops() -> set[str]:
    """Every function of the reference that has a loop or a comprehension."""
    found: set[str] = set()

    def visit(module: str, node: ast.AST, name: str) -> None:
        for child in ast.iter_child_nodes(node):
            within = name
            if isinstance(child, ast.FunctionDef | ast.ClassDef):
                within = f"{name}.{child.name}" if name else child.name
            if isinstance(child, ast.For | ast.While | ast.comprehension):
                found.add(f"{module}:{name}")
            visit(module, child, within)

    for path in Path("reference").rglob("*.py"):
        if path.stem != "properties":
            module = str(path.relative_to("reference").with_suffix(""))
            visit(module, ast.parse(path.read_text(encoding="utf-8")), "")
    return found


def test_every_loop_has_a_class_or_a_reason() -> None:
    assert loops() == set(LOOPS)


def test_every_loop_class_has_a_loop_and_a_generation() -> None:
    of_loops = {name for classes in LOOPS.values() if not isinstance(classes, str) for name in classes}
    of_generations = {name for semantics in GENERATIONS for name in classes_of_loops(semantics)}
    assert of_loops - {longest.at_late_entry("node-twice")} == of_generations
    assert all(leads_to(name) and set(leads_to(name)) <= set(OPERATIONS) for name in of_loops)
    assert {favourable(name) for name in of_loops} == {()}


def hits_of(host: HostShape, events: list[Event], semantics: str = "claim-sets") -> Counter[str]:
    checker = Checker(host, GenerationFacts(semantics, [], {}), every=1)
    checker.expectation.calls.hits.clear()
    for event in events:
        assert checker.do(event) is None
    return Counter({name: count for name, count in checker.expectation.calls.hits.items() if longest.is_longest(name)})


LARGE = HostShape(128, [1] * 63 + [100], last_alloc_node=0)
DOMAIN = CreateDomain(domid=0x7FEF, max_pages=200, node_affinity=list(range(64)))
ALL = [Claim(1, node) for node in range(64)]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([InstallClaimSet(domid=0x7FEF, claims=ALL)], {longest.INSTALLED}),
        (
            [InstallClaimSet(domid=0x7FEF, claims=ALL), InstallClaimSet(domid=0x7FEF, claims=[])],
            {longest.INSTALLED, longest.RELEASED, longest.RELEASED_LAST},
        ),
        (
            [
                InstallClaimSet(domid=0x7FEF, claims=ALL),
                AllocHeapPages(domid=0x7FEF, order=6, node=None, memflags=[]),
            ],
            {longest.INSTALLED, longest.REDEEMED, longest.SEARCHED},
        ),
        ([AllocHeapPages(domid=0x7FEF, order=7, node=None, memflags=[])], {longest.SEARCHED_IN_VAIN}),
        ([InstallClaimSet(domid=0x7FEF, claims=[*ALL, Claim(150, "global")])], {longest.REFUSED}),
        ([InstallClaimSet(domid=0x7FEF, claims=[*ALL, ALL[5]])], {longest.at_late_entry("node-twice")}),
        (
            [InstallClaimSet(domid=0x7FEF, claims=[*ALL[:63], Claim(101, 63)])],
            {longest.at_late_entry("node-has-no-room")},
        ),
        ([ClaimMemory(domid=0x7FEF, claims=[HypercallClaim(0, 1)] * 66)], set()),
        ([InstallClaimSet(domid=0x7FEF, claims=ALL[:40])], set()),
    ],
    ids=["installed", "released", "redeemed", "in-vain", "refused", "twice", "no-room", "too-many", "short"],
)
def test_only_loops_that_ran_long_are_counted(events: list[object], expected: set[str]) -> None:
    assert set(hits_of(LARGE, [DOMAIN, *events])) == expected


def test_recall_that_reaches_the_20th_domain_is_counted() -> None:
    created = [CreateDomain(domid=domid, max_pages=9, node_affinity=[0]) for domid in range(200, 221)]

    def recalled(domid: int, target: int | str) -> set[str]:
        claim = InstallClaimSet(domid=domid, claims=[Claim(1, target)])  # type: ignore[arg-type]  # a node or global
        return set(hits_of(HostShape(1, [1], last_alloc_node=0), [*created, claim, OfflinePage(mfn=0)]))

    assert UNKNOWN_DOMID not in range(200, 221)
    assert recalled(219, 0) == {longest.RECALLED_NODE}
    assert recalled(219, "global") == {longest.RECALLED_HOST}
    assert recalled(218, 0) == set()
