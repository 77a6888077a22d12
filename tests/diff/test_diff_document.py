"""docs/diff.md names what there is."""

from __future__ import annotations

import re
from pathlib import Path

from model.semantics import SEMANTICS
from proofs.diff import documents
from proofs.diff.mistakes import MISTAKES
from proofs.diff.operations import OPERATIONS

TEXT = Path(__file__).parents[2].joinpath("docs/diff.md").read_text(encoding="utf-8")


def rows_of(block: str) -> dict[str, list[str]]:
    part = re.search(rf"<!-- generated: {block} -->\n(.*?)<!-- end -->", TEXT, re.DOTALL)
    assert part is not None, block
    lines = [line.strip("| ").split(" | ") for line in part[1].splitlines() if line.startswith("| `")]
    return {cells[0].strip("`"): cells for cells in lines}


def test_every_operation_has_its_row_and_is_proved() -> None:
    rows = rows_of("diff-operations")
    assert list(rows) == list(OPERATIONS)
    assert {cells[-1] for cells in rows.values()} == {"proved"}


def test_every_generation_has_its_row() -> None:
    assert list(rows_of("diff-generations")) == list(SEMANTICS)


def test_every_mistake_has_its_row() -> None:
    assert list(rows_of("diff-mistakes")) == [mistake.name for mistake in MISTAKES]


def test_what_is_assumed_is_what_the_code_assumes() -> None:
    assert f"<!-- generated: diff-assumed -->\n{documents.assumed()}\n" in TEXT
