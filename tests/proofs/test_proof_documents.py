"""The tables in the documents are what a run gives. A process of its own: ties between traces fall the same way."""

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from docs._make.blocks import blocks_of, renewed
from docs._make.proofs import BLOCKS, CHEAP, DOCUMENTS, MEASURED
from proofs.evidence.dated import is_older
from proofs.obligations.obligation import PARAMETRIC
from proofs.obligations.suite import property_ids, suite


@pytest.mark.parametrize(
    "name",
    [
        "docs/model.md",
        *(pytest.param(name, marks=pytest.mark.long) for name in ("docs/proofs.md", "docs/proofs-tables.md")),
    ],
)
def test_document_is_up_to_date(name: str) -> None:
    assert "<!-- generated: " in Path(name).read_text()
    command = [sys.executable, "-m", "docs._make.proofs", "--check", name]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize("path", DOCUMENTS, ids=str)
def test_parts_without_solver_are_up_to_date(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    cheap = {name: BLOCKS[name] for name in CHEAP if f"<!-- generated: {name} -->" in text}
    assert cheap
    assert renewed(text, cheap, others=set(BLOCKS) - set(cheap)) == text


def test_documented_counts_match_the_obligations() -> None:
    """What a run decides is compared by the long test; how much there is to decide is compared always."""
    table = blocks_of(Path("docs/proofs-tables.md").read_text(encoding="utf-8"))["verdicts"]
    counted: Counter[str] = Counter()
    for row in [line.split("|")[1:-1] for line in table.splitlines() if line.startswith("| ")][1:]:
        counted[row[0].split()[0]] += sum(map(int, row[2:5]))
    there_are: Counter[str] = Counter()
    for obligation in suite(["claim-sets"], property_ids(), [PARAMETRIC]):
        of_a_part = obligation.semantics == "claim-sets"
        there_are[obligation.property if of_a_part else obligation.semantics] += 1
    assert counted == there_are
    assert f"{there_are.total()} obligations: " in table


def test_documented_times_state_their_date_and_code() -> None:
    found = json.loads(MEASURED.read_text())
    text = Path("docs/proofs.md").read_text(encoding="utf-8")
    said = re.findall(r"Measured on (\S+), of (older|this) code", text)
    assert said == [(found["made"], "older" if is_older(found) else "this")]
    (measured,) = re.findall(r"^\| any \| (\d+) \|", blocks_of(text)["times"], re.MULTILINE)
    assert int(measured) == len(suite(["claim-sets"], property_ids(), [PARAMETRIC])) or said[0][1] == "older"


def test_stale_document_is_noticed(tmp_path: Path) -> None:
    stale = tmp_path / "stale.md"
    stale.write_text("<!-- generated: lemmas -->\nnothing\n<!-- end -->\n")
    command = [sys.executable, "-m", "docs._make.proofs", "--check", str(stale)]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1


def test_every_document_is_covered() -> None:
    assert list(map(str, DOCUMENTS)) == ["docs/model.md", "docs/proofs.md", "docs/proofs-tables.md"]
