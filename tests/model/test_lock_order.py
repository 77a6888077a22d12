"""`lock-order`: what each critical section of each generation reads and writes, against the locks it holds."""

from dataclasses import replace

import pytest

from model.named import GENERATIONS, TRANSITIONS
from model.properties.lock_order import broken_by, touched
from model.state import DOMCTL_LOCK, FIELDS
from tests.sampled import PLAIN, sampled

RULES = GENERATIONS["claim-sets"].rules


@pytest.mark.parametrize("semantics", sampled(GENERATIONS, keep=PLAIN))
def test_counters_are_accessed_only_under_their_lock(semantics: str) -> None:
    of = GENERATIONS[semantics]
    found = {name: broken_by(name, of.rules) for name in of.transitions if broken_by(name, of.rules)}
    limits = [f"reads {field} without page_alloc_lock" for field in ("max_pages", "tot_pages")]
    assert found == ({"alloc_heap_pages": limits} if semantics == "single-node-v4" else {})


def test_missing_or_misordered_lock_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    held = TRANSITIONS["claim_memory"].locks
    monkeypatch.setitem(TRANSITIONS, "claim_memory", replace(TRANSITIONS["claim_memory"], locks=held[:2]))
    assert "writes claims without heap_lock" in broken_by("claim_memory", RULES)
    monkeypatch.setitem(TRANSITIONS, "claim_memory", replace(TRANSITIONS["claim_memory"], locks=held[::-1]))
    assert broken_by("claim_memory", RULES)[0].startswith("takes heap_lock")


def test_redeeming_at_assignment_needs_heap_lock() -> None:
    late = GENERATIONS["legacy-redeem-at-assign"].rules
    assert "global_claims" in touched("assign_pages", late)[1]
    assert TRANSITIONS["assign_pages"].locks_under(late) != TRANSITIONS["assign_pages"].locks


def test_allocator_reads_no_limit() -> None:
    assert not touched("alloc_heap_pages", RULES)[0] & {"tot_pages", "max_pages"}


def test_only_domctls_and_destruction_write_domctl_fields() -> None:
    writers = {
        n
        for n in GENERATIONS["claim-sets"].transitions
        if any(FIELDS[f].lock == DOMCTL_LOCK for f in touched(n, RULES)[1])
    }
    assert writers == {"create_domain", "domain_kill", "domain_kill_release", "destroy_domain"}
