"""The rows of the matrix that are no formulas."""

from contextlib import nullcontext
from dataclasses import replace

import pytest

from model.named import GENERATIONS, TRANSITIONS
from proofs.matrix.cells import UnprovedRow, proofs_of
from proofs.matrix.lock_order import judge, violations
from proofs.matrix.other_rows import OTHER_ROWS, matrix_ids
from proofs.matrix.rows import MatrixRow, promised, rows
from proofs.matrix.searches import searched
from proofs.prover.verdict import Verdict
from reference.generations.claim_sets import ClaimSets


def test_every_property_of_the_specification_has_a_row() -> None:
    assert {"superpage-fulfilled", "legacy-compatible", "lock-order"} <= set(matrix_ids())
    assert {row.part.partition(".")[0] for row in rows()} <= set(matrix_ids())


def test_v4_reads_the_limit_without_its_lock() -> None:
    judged = judge("single-node-v4", depth=3)
    assert judged.verdict is Verdict.REFUTED
    assert judged.trace is not None
    assert [e["op"] for e in judged.trace.events] == ["create_domain", "set_outstanding_pages", "alloc_heap_pages"]
    assert "max_pages of d0 read without page_alloc_lock" in judged.trace.broken[-1]


@pytest.mark.parametrize("semantics", ["legacy-2013", "claim-sets-hardened"])
def test_other_generations_keep_the_lock_order(semantics: str) -> None:
    assert judge(semantics, depth=3).verdict is Verdict.PROVED


def test_transition_without_its_lock_is_not_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TRANSITIONS, "offline_page", replace(TRANSITIONS["offline_page"], locks=()))
    judged = judge("claim-sets", depth=2)
    assert judged.verdict is Verdict.UNKNOWN
    assert "offline_page writes claims without heap_lock" in judged.reason


def test_copied_limit_that_may_be_too_small_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    assign = TRANSITIONS["assign_pages"]

    def keeps_limbo(step, rules) -> None:
        assign.build(step, rules)
        del step.updates["limbo_pages"]

    monkeypatch.setitem(TRANSITIONS, "assign_pages", replace(assign, build=keeps_limbo))
    assert "assign_pages may leave a copy too small" in violations("claim-sets-hardened")


def test_reference_without_a_lock_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    def unlocked(_self, host, domain, max_pages: int):
        with nullcontext():
            domain.max_pages = max_pages

    monkeypatch.setattr(ClaimSets, "set_max_pages", unlocked)
    judged = judge("claim-sets", depth=3)
    assert judged.verdict is Verdict.REFUTED
    assert judged.trace is not None
    assert judged.trace.events[-1]["op"] == "set_max_pages"


def test_no_generation_guarantees_superpages() -> None:
    cells, left = proofs_of("legacy-2013", ["superpage-fulfilled"])
    assert [cell.verdict for cell in cells] == [Verdict.NOT_APPLICABLE]
    assert [open_.row.part for open_ in left] == ["superpage-fulfilled.anywhere"] * 2
    for conditions in ((), ("nothing-offlined",)):
        cell = searched(UnprovedRow("single-node-v4", MatrixRow("superpage-fulfilled.node", conditions), ""))
        assert cell.verdict is Verdict.REFUTED
        assert cell.trace is not None
        assert ("offline_page" in {event["op"] for event in cell.trace.events}) == (not conditions)


def test_only_lock_order_is_promised() -> None:
    assert [part for part in OTHER_ROWS if promised("claim-sets", MatrixRow(part))] == ["lock-order"]
    assert not promised("single-node-v4", MatrixRow("lock-order"))
    assert all(other.says_nothing(GENERATIONS["claim-sets"]) == "" for other in OTHER_ROWS.values())
