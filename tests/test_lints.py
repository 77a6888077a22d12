"""The lints of tests/lints.py find what they are for, and exceptions that are no longer needed."""

from pathlib import Path

import pytest

from tests.lints import LONGEST, class_names, long_files, names_of_tests, shared_names


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_file_above_the_limit_is_found(tmp_path: Path) -> None:
    write(tmp_path, "proofs/long.py", "x = 1\n" * (LONGEST + 1))
    write(tmp_path, "tests/short.py", "x = 1\n" * LONGEST)
    (found,) = long_files(tmp_path, {})
    assert found.startswith("proofs/long.py: 401 lines")
    assert long_files(tmp_path, {"proofs/long.py": "a reason"}) == []


@pytest.mark.parametrize("name", ["proofs/short.py", "proofs/absent.py"])
def test_needless_exception_to_length_is_found(tmp_path: Path, name: str) -> None:
    write(tmp_path, "proofs/short.py", "x = 1\n")
    (found,) = long_files(tmp_path, {name: "a reason"})
    assert found.startswith(f"{name}: no longer above")


def test_class_name_used_twice_is_found(tmp_path: Path) -> None:
    write(tmp_path, "reference/a.py", "class Row: ...\n")
    write(tmp_path, "proofs/b.py", "class Row: ...\n")
    (found,) = shared_names(tmp_path, {})
    assert found.startswith("class Row: reference/a.py:1, proofs/b.py:1")
    assert shared_names(tmp_path, {"Row": "a reason"}) == []


def test_subclass_may_have_the_name_of_its_base(tmp_path: Path) -> None:
    write(tmp_path, "model/a.py", "class Row: ...\n")
    write(tmp_path, "proofs/b.py", "import model.a\nclass Row(model.a.Row): ...\n")
    assert shared_names(tmp_path, {}) == []
    (found,) = shared_names(tmp_path, {"Row": "a reason"})
    assert found.startswith("class Row: no longer used twice")


@pytest.mark.parametrize("name", ["Found", "_Asked", "HalfMade", "FromBoot", "HTTPListed", "LooksAt"])
def test_class_name_without_a_noun_is_found(tmp_path: Path, name: str) -> None:
    write(tmp_path, "proofs/a.py", f"class {name}: ...\n")
    (found,) = class_names(tmp_path, {})
    assert found.startswith(f"proofs/a.py:1: class {name}: ")
    assert class_names(tmp_path, {"proofs/": "a reason"}) == []


@pytest.mark.parametrize("name", ["SearchResult", "_StoredItem", "ClaimSet", "UnprovedRow", "deciding"])
def test_class_name_with_a_noun_passes(tmp_path: Path, name: str) -> None:
    write(tmp_path, "proofs/a.py", f"class {name}: ...\n")
    assert class_names(tmp_path, {}) == []
    (found,) = class_names(tmp_path, {"proofs/": "a reason"})
    assert found.startswith("proofs/: every class is named by a noun")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("test_" + "x" * 55, "60 characters; at most 59"),
        ("test_nothing_is_left_behind", "write after"),
        ("test_a_campaign_gone_on_with", "write resumed, continues"),
    ],
)
def test_wrong_test_name_is_found(tmp_path: Path, name: str, says: str) -> None:
    write(tmp_path, "tests/test_a.py", f"def test_right(): ...\ndef {name}(): ...\n")
    (found,) = names_of_tests(tmp_path)
    assert found.startswith(f"tests/test_a.py:2: {name}: ")
    assert found.endswith(says)
