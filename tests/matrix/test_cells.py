"""How a cell of the matrix comes to its verdict: proved by all steps, refuted only by a trace that the reference makes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from model.named import GENERATIONS
from model.properties import PROPERTIES, Kind
from proofs.matrix import matrix as module
from proofs.matrix import searches
from proofs.matrix.cells import LARGEST, UP_TO, CellVerdict, UnprovedRow, proofs_of
from proofs.matrix.matrix import InterruptedMatrix, matrix
from proofs.matrix.other_rows import OTHER_ROWS
from proofs.matrix.rows import MatrixRow, granted, parts, says_nothing
from proofs.obligations.obligation import PARAMETRIC, Obligation
from proofs.obligations.suite import places, property_ids
from proofs.prover.verdict import Verdict
from proofs.search.events import Trace
from proofs.search.minimise import SearchResult
from proofs.search.replayed import ReferenceReplay
from proofs.search.row_verdict import ANY_HOST

IDS = property_ids()
JUDGED = [p for p in parts(IDS) if not says_nothing(p, GENERATIONS["claim-sets"])]


@dataclass
class Solver:
    """Says of each step of each part whether there is a proof."""

    fails: set[tuple[str, str]] = field(default_factory=set)
    """Parts and steps for which there is none, for any host."""
    fails_bounded: set[tuple[str, str]] = field(default_factory=set)
    always: bool = True
    on_conditions: bool = False
    """There is one on conditions."""
    asked: set[tuple[str, str, str]] = field(default_factory=set)

    def __call__(self, asked: Obligation) -> set[str] | None:
        self.asked.add((asked.property, asked.transition, asked.encoding))
        fails = self.fails if asked.encoding == PARAMETRIC else self.fails_bounded
        proved = (self.always and (asked.property, asked.transition) not in fails) or (
            self.on_conditions and bool(asked.conditions)
        )
        return set() if proved else None


def test_no_row_is_proved_without_a_proof() -> None:
    """Every row is left to be searched, on its conditions too."""
    cells, left = proofs_of("claim-sets", IDS, Solver(always=False))
    assert {cell.verdict for cell in cells} <= {Verdict.NOT_APPLICABLE}
    wanted = [MatrixRow(p.name, c) for p in JUDGED for c in ((), *granted(p))]
    assert [open_.row for open_ in left if open_.row.part not in OTHER_ROWS] == wanted


def test_proof_of_every_step_holds_for_any_host() -> None:
    cells, left = proofs_of("claim-sets", IDS, Solver())
    proved = {cell.row: cell.reason for cell in cells if cell.verdict is Verdict.PROVED}
    assert proved == {MatrixRow(p.name): ANY_HOST for p in JUDGED}
    assert [open_ for open_ in left if open_.row.part not in OTHER_ROWS] == []


@pytest.mark.parametrize("part", ["node-backed", "claims-protected.kept", "claims-fulfilled.granted"])
def test_step_without_a_proof_leaves_its_row_unproved(part: str) -> None:
    """Whichever it is; that for any host a few hosts have one is said."""
    where = places(PROPERTIES[part], GENERATIONS["claim-sets"])
    for place in dict.fromkeys((where[0], where[-1])):
        solver = Solver({(part, place)}, {(part, place)})
        cells, left = proofs_of("claim-sets", [PROPERTIES[part].id], solver)
        assert MatrixRow(part) not in [cell.row for cell in cells]
        (open_,) = [one for one in left if one.row == MatrixRow(part)]
        assert open_.fails_at == place
        assert (part, place, LARGEST) in solver.asked
        cells, left = proofs_of("claim-sets", [PROPERTIES[part].id], Solver({(part, place)}))
        assert [cell.reason for cell in cells if cell.row.part == part][:1] == [UP_TO]


def test_row_proved_on_conditions_stays_open_without_them() -> None:
    solver = Solver(always=False, on_conditions=True)
    cells, left = proofs_of("claim-sets", IDS, solver)
    assert {cell.row.conditions for cell in cells if cell.verdict is Verdict.PROVED} >= {("nothing-offlined",)}
    assert () not in {cell.row.conditions for cell in cells if cell.verdict is Verdict.PROVED}
    assert {open_.row for open_ in left} >= {MatrixRow(p.name) for p in JUDGED}
    for open_ in left:
        assert not open_.waived or PROPERTIES[open_.row.part].kind is Kind.STEP


ROW = UnprovedRow("claim-sets", MatrixRow("entitlement"), "offline_page")
TRACE = Trace("claim-sets", "", "entitlement", {"nodes": [1]}, [{}, {}], [], [])
FOUND = SearchResult(TRACE, 2, 0.0)
REPLAYED = ReferenceReplay(True, 2, violations=["entitlement: broken"])


@pytest.mark.parametrize(
    ("found", "replayed", "verdict", "says"),
    [
        (FOUND, REPLAYED, Verdict.REFUTED, ""),
        (FOUND, replace(REPLAYED, difference="event 1"), Verdict.UNKNOWN, "does not reproduce the trace: event 1"),
        (FOUND, replace(REPLAYED, available=False), Verdict.UNKNOWN, "does not have these rules"),
        (replace(FOUND, untold=1), REPLAYED, Verdict.UNKNOWN, "cannot be written"),
        (replace(FOUND, trace=None), REPLAYED, Verdict.UNKNOWN, "no proof at offline_page; no trace of at most 2"),
        (replace(FOUND, trace=None, unknown="limit"), REPLAYED, Verdict.UNKNOWN, "gave up there: limit"),
    ],
)
def test_only_a_reproduced_trace_refutes_a_row(
    found: SearchResult, replayed: ReferenceReplay, verdict: Verdict, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searches, "_larger", lambda _left: None)
    monkeypatch.setattr(searches, "replay_on_reference", lambda _trace: replayed)
    cell = searches._found(ROW, found)
    assert (cell.verdict, says in cell.reason) == (verdict, True)
    assert cell.replayed == (replayed.violations if verdict is Verdict.REFUTED else [])


def test_interrupted_matrix_keeps_the_cells_judged_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    proved = CellVerdict("claim-sets", MatrixRow("node-backed"), Verdict.PROVED)
    given = iter([[(0, ([proved], [ROW]))], []])
    monkeypatch.setattr(module, "in_processes", lambda *_args, **_named: next(given))
    with pytest.raises(InterruptedMatrix) as interrupted:
        matrix(["claim-sets"], ["node-backed", "entitlement"], 1)
    assert interrupted.value.cells == [proved]
