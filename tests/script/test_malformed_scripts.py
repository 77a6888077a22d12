"""Malformed scripts: one line that names file, line and column, exit 2, and what ran before."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from .command import run_script
from .mistakes import BEFORE, BY_HAND, Mistake
from .mutations import GOOD, mutations


@pytest.mark.parametrize("mistake", BY_HAND, ids=lambda mistake: mistake.line[:40])
def test_a_mistake_is_named_with_its_place(mistake: Mistake, tmp_path: Path) -> None:
    before = [] if mistake.is_first else BEFORE
    script = "\n".join([*before, mistake.line, "d1 never"]) + "\n"
    ended = run_script(tmp_path, script.encode())
    assert ended.code == 2
    place = f"claimcheck: {tmp_path}/mine.claims:{len(before) + 1}:{mistake.column}: "
    assert ended.err.startswith(place), ended.err
    assert mistake.says in ended.err
    assert ended.err.count("\n") == 1
    assert all(character.isprintable() for character in ended.err[:-1])
    if not mistake.is_first:
        assert "create_domain(max_pages=8" in ended.out


def test_the_script_that_mutations_begin_with_is_good(tmp_path: Path) -> None:
    ended = run_script(tmp_path, GOOD)
    assert (ended.code, ended.err) == (0, ""), ended.out


def _check_mutation(content: bytes, folder: Path) -> int:
    """A valid script ends with 0 or 1; another with 2 and one line that names the place."""
    ended = run_script(folder, content)
    assert ended.code in (0, 1, 2)
    if ended.code == 2:
        assert re.match(rf"claimcheck: {re.escape(str(folder))}/mine\.claims(:\d+){{0,2}}: \S", ended.err), ended.err
        assert ended.err.count("\n") == 1
        assert ended.err[:-1].isprintable()
        assert len(ended.err) < 900
    else:
        assert ended.err == ""
    return ended.code


def test_mutated_scripts_end_in_one_clear_line(tmp_path: Path) -> None:
    codes = Counter(_check_mutation(content, tmp_path) for _name, content in mutations(3))
    assert codes[2] > 25


@pytest.mark.long
def test_many_mutated_scripts_end_in_one_clear_line(tmp_path: Path) -> None:
    codes = Counter(_check_mutation(content, tmp_path) for _name, content in mutations(400))
    assert codes[2] > 2000
