"""The tables in the documents are what a run gives. A process of its own: ties between traces fall the same way."""

import subprocess
import sys
from pathlib import Path

import pytest

from docs._make.proofs import DOCUMENTS


@pytest.mark.parametrize("name", ["docs/model.md", pytest.param("docs/proofs.md", marks=pytest.mark.long)])
def test_document_is_up_to_date(name: str) -> None:
    assert "<!-- generated: " in Path(name).read_text()
    command = [sys.executable, "-m", "docs._make.proofs", "--check", name]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_a_stale_document_is_noticed(tmp_path: Path) -> None:
    stale = tmp_path / "stale.md"
    stale.write_text("<!-- generated: lemmas -->\nnothing\n<!-- end -->\n")
    command = [sys.executable, "-m", "docs._make.proofs", "--check", str(stale)]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1


def test_every_document_is_covered() -> None:
    assert list(map(str, DOCUMENTS)) == ["docs/model.md", "docs/proofs.md"]
