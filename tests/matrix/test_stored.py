"""Stored verdicts: the same as they were, of the same code only, and none that is damaged."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from proofs.matrix import stored
from proofs.matrix.cells import CellVerdict, UnprovedRow
from proofs.matrix.matrix import matrix
from proofs.matrix.other_rows import matrix_ids
from proofs.matrix.rows import MatrixRow
from proofs.matrix.searches import searched
from proofs.prover.verdict import Verdict
from proofs.stored import DamagedFileError, digest_of

NAME = "claim-sets-no-recall"


@cache
def refuted() -> CellVerdict:
    return searched(UnprovedRow(NAME, MatrixRow("node-backed"), ""))


@pytest.fixture
def cells(tmp_path: Path) -> list[CellVerdict]:
    """A refuted cell with its trace, and a proved one; stored."""
    found = [
        refuted(),
        CellVerdict(NAME, MatrixRow("entitlement", ("x", "y")), Verdict.PROVED),
    ]
    stored.store(str(tmp_path), NAME, found)
    return [replace(cell, stored=datetime.now(UTC).date().isoformat()) for cell in found]


def test_stored_value_reads_back_equal(cells: list[CellVerdict], tmp_path: Path) -> None:
    assert cells[0].trace is not None
    assert stored.look_up(str(tmp_path), NAME) == cells
    assert stored.look_up(str(tmp_path), "claim-sets") is None


@pytest.mark.parametrize("damage", ["cut", "changed", "not text", "empty"])
def test_damaged_file_counts_as_absent(cells: list[CellVerdict], tmp_path: Path, damage: str) -> None:
    (path,) = tmp_path.iterdir()
    content = path.read_bytes()
    damaged = {
        "cut": content[:-9],
        "changed": content.replace(b"node-backed", b"host-backed", 1),
        "not text": b"\xff" + content,
        "empty": b"",
    }[damage]
    assert damaged != content
    path.write_bytes(damaged)
    with pytest.raises(DamagedFileError):
        stored.look_up(str(tmp_path), NAME)
    stored.store(str(tmp_path), NAME, cells)
    assert stored.look_up(str(tmp_path), NAME) == cells
    assert len(list(tmp_path.iterdir())) == 1


def test_unknown_verdict_is_not_stored(tmp_path: Path) -> None:
    stored.store(str(tmp_path), NAME, [CellVerdict(NAME, MatrixRow("node-backed"), Verdict.UNKNOWN)])
    assert list(tmp_path.iterdir()) == []


def test_other_code_has_another_fingerprint(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1", encoding="utf-8")
    before = digest_of({"package": tmp_path})
    assert digest_of({"package": tmp_path}) == before
    assert digest_of({"other": tmp_path}) != before
    (tmp_path / "a.py").write_text("x = 2", encoding="utf-8")
    changed = digest_of({"package": tmp_path})
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    assert len({before, changed, digest_of({"package": tmp_path})}) == 3


def test_matrix_reuses_stored_cells_of_requested_properties(cells: list[CellVerdict], tmp_path: Path) -> None:
    cells[1] = replace(cells[1], row=MatrixRow("entitlement"))
    stored.store(str(tmp_path), NAME, cells)
    assert matrix([NAME], matrix_ids(), 1, cache=str(tmp_path)) == cells
    assert matrix([NAME], ["node-backed"], 1, cache=str(tmp_path)) == cells[:1]


def test_partial_matrix_is_not_stored(tmp_path: Path) -> None:
    cells = matrix(["claim-sets-hardened"], ["superpage-fulfilled"], 1, cache=str(tmp_path))
    assert all(cell.row.part.startswith("superpage-fulfilled") for cell in cells)
    assert Verdict.REFUTED in {cell.verdict for cell in cells}
    assert list(tmp_path.iterdir()) == []
