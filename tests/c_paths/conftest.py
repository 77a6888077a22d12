"""What the tests of C files share: they need libclang and a C compiler."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
DATA = ROOT / "tests" / "data" / "c_paths"


@pytest.fixture(autouse=True)
def needed() -> None:
    pytest.importorskip("clang.cindex", reason="needs the optional extra `c`")
    if shutil.which("cc") is None:
        pytest.skip("needs a C compiler")
