"""docs/guarantees.md: it is what its maker writes, and the maker says what the verdicts say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from docs._make import guarantees as made
from docs._make.catalogue import RELEASES
from docs._make.guarantees import DOCUMENT, GUARANTEES, Guarantee, all_or_none, cell, main, numbers, together
from model.named import GENERATIONS
from proofs.matrix.cells import CellVerdict
from proofs.matrix.rows import MatrixRow
from proofs.prover.verdict import Verdict

COMPLETES, ON_NODES, *_ = GUARANTEES


@pytest.fixture
def changed(monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, MatrixRow], CellVerdict]:
    """A copy of the verdicts in the place of the stored ones."""
    found = dict(made.cells())
    monkeypatch.setattr(made, "cells", lambda: found)
    return found


def test_page_is_what_the_maker_writes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 0
    assert capsys.readouterr().out == ""


def test_check_names_a_page_out_of_date(
    changed: dict[tuple[str, MatrixRow], CellVerdict], capsys: pytest.CaptureFixture[str]
) -> None:
    before = DOCUMENT.read_text()
    at = ("mainline-4.22", MatrixRow("unclaimed-only"))
    changed[at] = replace(changed[at], verdict=Verdict.REFUTED)
    assert main(["--check"]) == 1
    assert capsys.readouterr().out == f"not up to date: {DOCUMENT}\n"
    assert DOCUMENT.read_text() == before


def test_every_release_has_a_generation() -> None:
    assert set(RELEASES.values()) <= set(GENERATIONS)
    for number in ("4.20", "4.21"):
        assert number in GENERATIONS[RELEASES["4.20, 4.21"]].rules.summary


def test_no_release_completes_a_build_without_conditions() -> None:
    """The sentence under the heading of the page."""
    said = {release: cell(name, COMPLETES) for release, name in RELEASES.items()}
    assert said.pop("4.18").startswith("**no** [x3]")
    assert all(text.startswith("if 1 2 3 ") for text in said.values())


def test_all_must_claim_in_two_generations_only() -> None:
    """Case 2 of the public reports."""
    assert all_or_none().startswith("It is true of `single-node-v1` and `single-node-v2` only")
    assert "no release in the table" in all_or_none()


def test_recall_makes_offlining_a_condition_of_completing() -> None:
    for name in ("claim-sets-v7", "per-node-v8"):
        assert all("nothing-offlined" in way for way, _ in together(name, ON_NODES))
    lasting = replace(ON_NODES, lasts=False)
    assert any("nothing-offlined" not in way for way, _ in together("claim-sets-v7", lasting))


def test_unknown_verdict_is_no_promise(changed: dict[tuple[str, MatrixRow], CellVerdict]) -> None:
    part = Guarantee("unknown", ("unclaimed-only",))
    at = ("per-node-v8", MatrixRow("unclaimed-only"))
    assert cell("per-node-v8", part).startswith("[yes]")
    changed[at] = replace(changed[at], verdict=Verdict.UNKNOWN)
    assert cell("per-node-v8", part) == "unknown"


def test_every_condition_of_the_table_is_explained() -> None:
    text = DOCUMENT.read_text()
    for name, number in numbers().items():
        assert f"{number}. *{name}*: " in text
        assert f"*{name}*" in text.partition("What that means for a toolstack:")[2]


def test_every_trace_of_the_page_exists() -> None:
    lines = made.traces().splitlines()[2:]
    assert lines
    for line in lines:
        assert Path(line.split("`")[1]).is_file()
