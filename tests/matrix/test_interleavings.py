"""Three builders and a running domain: the result of every trace, and the time of a run."""

import pytest

from docs._make.run_times import Clock, slowest_search, written
from proofs.evidence.outcomes import BROKEN, IMPOSSIBLE, NOBODY, STOPS, outcomes
from proofs.matrix.cells import CellVerdict
from proofs.matrix.interleavings import InterleavingRequest, InterleavingResult, refuted, search
from proofs.matrix.rows import MatrixRow
from proofs.matrix.verdicts import load
from proofs.prover.verdict import Verdict

CELLS = load()
EXACT, KEPT = "redeemed-once.exact", "claims-protected.kept"


def test_refuted_rows_are_violated_and_proved_rows_are_not() -> None:
    found = search(InterleavingRequest("legacy-2013", (), (EXACT, KEPT)), steps=2)
    assert found == [
        InterleavingResult("legacy-2013", MatrixRow(EXACT), steps=2, searched=2),
        InterleavingResult("legacy-2013", MatrixRow(KEPT), steps=0, searched=2),
    ]


def test_running_domain_has_pages_to_free() -> None:
    part = "redeemed-once.claims-do-not-come-back"
    (found,) = search(InterleavingRequest("legacy-2013", (), (part,)), steps=2)
    assert found.steps == 2  # of a domain that has none, four


def test_undecided_search_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proofs.matrix.interleavings.WORK", 1)
    (found,) = search(InterleavingRequest("legacy-2013", (), (EXACT,)), steps=1)
    assert (found.steps, found.searched) == (0, 0)
    assert found.unknown


def test_rows_of_two_properties_are_searched_for_interleavings() -> None:
    rows = refuted(CELLS)
    assert rows["legacy-2013", MatrixRow(EXACT)] == 2
    assert {row.part.partition(".")[0] for _, row in rows} == {"claims-protected", "redeemed-once"}


@pytest.mark.parametrize("every", [12, pytest.param(1, marks=pytest.mark.long)])
def test_repaired_generations_refuse_or_survive_every_trace(every: int) -> None:
    """Every trace, or some; what repairs it is looked for among all cells."""
    cells = [c for number, c in enumerate(CELLS) if c.verdict is not Verdict.REFUTED or number % every == 0]
    found = outcomes(cells)
    assert sum(counted.total() for counted in found.values()) == sum(c.verdict is Verdict.REFUTED for c in cells) > 20
    for semantics, counted in found.items():
        assert not counted[BROKEN] + counted[STOPS] + counted[IMPOSSIBLE], semantics
        blocks = [c for c in cells if c.semantics == semantics and c.verdict is Verdict.REFUTED]
        assert counted[NOBODY] == sum(cell.row.part.startswith("superpage-fulfilled") for cell in blocks)


def test_run_reports_its_cost() -> None:
    clock = Clock()
    sum(range(10**6))
    clock.took("counting")
    by_clock, processor = clock.whole()
    assert 0 < processor <= by_clock + 0.1
    quick, slow = (
        CellVerdict("claim-sets", MatrixRow(part), Verdict.REFUTED, cpu=cpu) for part, cpu in (("a", 1), ("b", 2))
    )
    assert slowest_search([quick, slow]) is slow
    assert "The slowest of 2 searches" in written(clock, [quick, slow], 2)
    assert "`b`" in written(clock, [quick, slow], 2)
