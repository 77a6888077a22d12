"""docs/diff.md names what there is."""

from __future__ import annotations

import msgspec
import pytest

from docs._make.blocks import blocks_of
from docs._make.checkout import ROOT
from docs._make.diff import DOCUMENT, Result, assumed, joined, stored
from model.named import GENERATIONS
from proofs.diff.operations import OPERATIONS
from proofs.diff.run import OperationResult
from proofs.evidence import kept
from proofs.evidence.explored import NAME
from proofs.evidence.structure import Tables
from proofs.mistakes.edits import EDITS
from proofs.prover.verdict import Verdict

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


def test_document_and_report_show_the_same_run() -> None:
    found = kept.load(ROOT / kept.path_of(NAME))
    assert found is not None
    operations, generations = found.whole.tables
    shown = rows_of("diff-operations")
    assert [[row[0], row[1], *row[2:5]] for row in operations.rows] == [
        [name, cells[1], *cells[2:5]] for name, cells in shown.items()
    ]
    assert [row[0] for row in generations.rows] == list(rows_of("diff-generations"))
    paths = sum(int(row[4].replace(",", "")) for row in operations.rows)
    assert f"{paths:,} paths" in SHOWN["diff-run"]
    assert f"{found.took:.0f} seconds of processor time" in SHOWN["diff-run"]
    assert [table.rows for table in found.part.tables] != [table.rows for table in found.whole.tables]


def result(size: str, code: str = "c0de", made: str = "2026-01-02") -> Result:
    row = OperationResult("claim-sets", "offline_page", size, Verdict.PROVED, plans=1, paths=2, queries=3, seconds=0.5)
    return Result(made, code, {"z3": "5"}, False, [row])


def test_results_by_size_make_one_run(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = joined([result("2x2", made="2026-01-03"), result("1x1")])
    assert ([row.size for row in whole.rows], whole.made) == (["1x1", "2x2"], "2026-01-02")
    calls: list[tuple[object, ...]] = []
    monkeypatch.setattr(kept, "store", lambda *arguments: calls.append(arguments))
    stored(whole)
    ((name, stamp, took, all_sizes, smallest),) = calls
    assert (name, stamp, took) == (NAME, {"made": "2026-01-02", "code": "c0de"}, 1.0)
    sections = [section for section in (all_sizes, smallest) if isinstance(section, Tables)]
    assert [section.tables[0].rows[0][4] for section in sections] == ["4", "2"]


@pytest.mark.parametrize("other", [result("2x2", code="other"), msgspec.structs.replace(result("2x2"), versions={})])
def test_results_of_other_code_are_not_joined(other: Result) -> None:
    with pytest.raises(SystemExit, match="different code or versions"):
        joined([result("1x1"), other])
