"""The store of compiled C: the same text is compiled once wherever it is, other text again, and a failure is not kept."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.adapters.c_store import compiled
from tests.adapters.programs import STRICT


def source(folder: Path, number: int) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "number.h").write_text(f"#define NUMBER {number}\n")
    (folder / "main.c").write_text('#include "number.h"\nint main(void) { return NUMBER; }\n')
    return folder / "main.c"


def test_copies_are_compiled_once_and_changed_headers_again(tmp_path: Path) -> None:
    first = compiled("cc", STRICT, [source(tmp_path / "a", 3)])
    assert compiled("cc", STRICT, [source(tmp_path / "b", 3)]) == first
    other = compiled("cc", STRICT, [source(tmp_path / "b", 4)])
    assert [subprocess.run([program], check=False).returncode for program in (first, other)] == [3, 4]
    assert compiled("cc", [*STRICT, "-O1"], [source(tmp_path / "a", 3)]) != first


def test_source_with_a_warning_fails_each_time(tmp_path: Path) -> None:
    path = tmp_path / "main.c"
    path.write_text("int main(void) { int unused; return 0; }\n")
    for _ in range(2):
        with pytest.raises(subprocess.CalledProcessError):
            compiled("cc", STRICT, [path])
