"""docs/fuzz.md: every known mistake is found and becomes short, every generation's classes are reached."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from docs._make.blocks import blocks_of
from docs._make.fuzz import DOCUMENT
from model.named import GENERATIONS
from proofs.fuzz.hunt import hunt
from proofs.mistakes.catalogue import OVERRIDES

MOST_EVENTS = 6


def rows(name: str) -> list[list[str]]:
    lines = [
        line for line in blocks_of(DOCUMENT.read_text(encoding="utf-8"))[name].splitlines() if line.startswith("| ")
    ]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[1:]]


def test_document_lists_every_mistake_as_found_and_short() -> None:
    found = rows("fuzz-bugs")
    assert [row[0] for row in found] == [f"`{name}`" for name in OVERRIDES]
    assert [row[1] for row in found] == [bug.sentence() for bug in OVERRIDES.values()]
    assert all(0 < int(row[4]) <= MOST_EVENTS for row in found), found
    assert all(int(row[2].replace(",", "")) < 200_000 for row in found)  # well within a minute


def test_document_lists_reached_classes_per_generation() -> None:
    found = rows("fuzz-coverage")
    assert [row[0] for row in found] == [f"`{name}`" for name in GENERATIONS]
    for row in found:
        reached, of = map(int, re.fullmatch(r"(\d+) of (\d+)", row[2]).groups())  # type: ignore[union-attr]
        others = re.findall(r"`[^`]+`", row[5])
        assert reached + len(others) == of
        assert len(others) <= 3, row


@pytest.mark.long
def test_mistake_in_a_program_is_found_and_shrunk() -> None:
    found = hunt("duplicate-node-accepted")
    assert found.found is not None
    assert len(found.found.events) <= 2
    (row,) = [row for row in rows("fuzz-bugs") if row[0] == "`duplicate-node-accepted`"]
    assert row[2:5] == [f"{found.steps:,}", str(found.events_before), str(len(found.found.events))]


@pytest.mark.long
def test_fresh_run_gives_the_document() -> None:
    """All mistakes, all generations: many minutes."""
    done = subprocess.run([sys.executable, "-m", "docs._make.fuzz", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.long
@pytest.mark.parametrize("bug", OVERRIDES)
def test_every_mistake_is_found_and_shrunk_within_a_minute(bug: str) -> None:
    found = hunt(bug, seed=1, seconds=60)
    assert found.found is not None
    assert len(found.found.events) <= MOST_EVENTS
