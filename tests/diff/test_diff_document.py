"""docs/diff.md names what there is."""

from __future__ import annotations

from docs._make.blocks import blocks_of
from docs._make.checkout import ROOT
from docs._make.diff import DOCUMENT, assumed
from model.named import GENERATIONS
from proofs.diff.operations import OPERATIONS
from proofs.mistakes.edits import EDITS

SHOWN = blocks_of((ROOT / DOCUMENT).read_text(encoding="utf-8"))


def rows_of(block: str) -> dict[str, list[str]]:
    lines = [line.strip("| ").split(" | ") for line in SHOWN[block].splitlines() if line.startswith("| `")]
    return {cells[0].strip("`"): cells for cells in lines}


def test_every_operation_has_its_row_and_is_proved() -> None:
    rows = rows_of("diff-operations")
    assert list(rows) == list(OPERATIONS)
    assert {cells[-1] for cells in rows.values()} == {"proved"}


def test_every_generation_has_its_row() -> None:
    assert list(rows_of("diff-generations")) == list(GENERATIONS)


def test_every_mistake_has_its_row() -> None:
    assert list(rows_of("diff-mistakes")) == [mistake.name for mistake in EDITS]


def test_documented_assumptions_match_the_code() -> None:
    assert SHOWN["diff-assumed"] == f"{assumed()}\n"
