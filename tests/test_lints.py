"""The lints of tests/lints.py find what they are for, and exceptions that are no longer needed."""

from pathlib import Path

import pytest

from tests.lints import LONGEST, long_files, shared_names


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_file_above_the_limit_is_found(tmp_path: Path) -> None:
    write(tmp_path, "proofs/long.py", "x = 1\n" * (LONGEST + 1))
    write(tmp_path, "tests/short.py", "x = 1\n" * LONGEST)
    (found,) = long_files(tmp_path, {})
    assert found.startswith("proofs/long.py: 401 lines")
    assert long_files(tmp_path, {"proofs/long.py": "a reason"}) == []


@pytest.mark.parametrize("name", ["proofs/short.py", "proofs/absent.py"])
def test_a_needless_exception_to_length_is_found(tmp_path: Path, name: str) -> None:
    write(tmp_path, "proofs/short.py", "x = 1\n")
    (found,) = long_files(tmp_path, {name: "a reason"})
    assert found.startswith(f"{name}: no longer above")


def test_a_class_name_used_twice_is_found(tmp_path: Path) -> None:
    write(tmp_path, "reference/a.py", "class Row: ...\n")
    write(tmp_path, "proofs/b.py", "class Row: ...\n")
    (found,) = shared_names(tmp_path, {})
    assert found.startswith("class Row: reference/a.py:1, proofs/b.py:1")
    assert shared_names(tmp_path, {"Row": "a reason"}) == []


def test_a_subclass_may_have_the_name_of_its_base(tmp_path: Path) -> None:
    write(tmp_path, "model/a.py", "class Row: ...\n")
    write(tmp_path, "proofs/b.py", "import model.a\nclass Row(model.a.Row): ...\n")
    assert shared_names(tmp_path, {}) == []
    (found,) = shared_names(tmp_path, {"Row": "a reason"})
    assert found.startswith("class Row: no longer used twice")
