"""The lint of tests/prose.py finds what it is for, and reads what people read."""

from pathlib import Path

import pytest

from tests import prose
from tests.prose import wordings

EXAMPLES = (
    "3 events behind it",
    "the memory beside the claim",
    "made anew",
    "as told",
    "the solver is asked",
    "or none",
)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(prose, "ROOT", tmp_path)
    return tmp_path


@pytest.mark.parametrize("text", EXAMPLES)
def test_ruled_out_phrase_is_found(root: Path, text: str) -> None:
    (root / "page.md").write_text(f"First line.\n{text}\n")
    (found,) = wordings([root])
    assert (found.place, found.line) == ("page.md", 2)


@pytest.mark.parametrize("text", ["left behind-hand", "`beside` in code", "untold", "```\nbehind\n```"])
def test_code_and_other_words_pass(root: Path, text: str) -> None:
    (root / "page.md").write_text(text)
    assert list(wordings([root])) == []


def test_python_strings_and_comments_are_read(root: Path) -> None:
    (root / "code.py").write_text('beside = 1  # beside\nx = f"{beside} beside"\n"""One\nbeside."""\n')
    assert [found.line for found in wordings([root])] == [1, 2, 4]


def test_templates_are_read_without_their_code(root: Path) -> None:
    (root / "page.html.j2").write_text("{{ q.asks }} {% if beside %}\n<p>beside</p>\n{# beside #}\n")
    assert [found.line for found in wordings([root])] == [2, 3]
