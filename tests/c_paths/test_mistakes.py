"""Planted mistakes in C: each is found, with small numbers and its path through the source."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.sampled import sampled

from .conftest import DATA, ROOT

MISTAKES: list[dict[str, Any]] = tomllib.loads((DATA / "mistakes.toml").read_text())["mistake"]
SIZES = ("1x1", "2x2")


def found_in(mistake: dict[str, Any]) -> Any:
    """The difference on the smallest host that shows it."""
    from proofs.c_paths.machine import Machine
    from proofs.c_paths.run import CTask, bound, row
    from proofs.diff.world import Size

    is_ledger = mistake["file"] == "ledger"
    source = ROOT / "docs/adapters/ledger.c" if is_ledger else DATA / f"{mistake['file']}.c"
    text = source.read_text()
    for change in (mistake, *mistake.get("also", ())):
        assert text.count(change["was"]) == 1
        text = text.replace(change["was"], change["now"])
    for size in SIZES:
        nodes, domains = map(int, size.split("x"))
        task = CTask(str(source), str(DATA / f"{mistake['file']}.toml"), "", mistake["operation"], Size(nodes, domains))
        with_map = bound(task, text)
        task = task._replace(generation=with_map.loaded.map.generations[0])
        result = row(with_map, Machine(with_map.source), task)
        if result.difference is not None:
            return result.difference
    return None


BY_NAME = {f"{mistake['file']}: {mistake['what']}": mistake for mistake in MISTAKES}


@pytest.mark.parametrize("name", sampled(BY_NAME, 9))
def test_planted_mistake_is_found(name: str) -> None:
    found = found_in(BY_NAME[name])
    assert found is not None
    assert found.result != found.expected or found.after
    assert all(int(line.rpartition(":")[0].rpartition(":")[2]) > 0 for line in found.path)


def test_there_are_enough_planted_mistakes() -> None:
    assert len(BY_NAME) == len(MISTAKES) >= 25
    assert {Path(m["file"]).parts[0] for m in MISTAKES} == {"ledger", "hypervisor"}


@pytest.mark.long
def test_cast_of_the_ledger_shows_without_its_assumption(tmp_path: Path) -> None:
    """recall_claims() of docs/adapters/ledger.c: a shortage of 2^32 pages is cast to 0."""
    from proofs.c_paths.machine import Machine
    from proofs.c_paths.run import CTask, bound, row
    from proofs.diff.world import Size

    text = (DATA / "ledger.toml").read_text()
    (tmp_path / "ledger.toml").write_text(text.replace('assume = ["host-backed", "node-backed"]\n', ""))
    source = str(ROOT / "docs/adapters/ledger.c")
    task = CTask(source, str(tmp_path / "ledger.toml"), "claim-sets", "offline_page", Size(2, 2))
    with_map = bound(task)
    result = row(with_map, Machine(with_map.source), task)
    assert result.difference is not None
    assert any("above unsigned int" in line for line in result.difference.departures)
