"""The project builds, and the wheel works in an environment of its own."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from docs._make.checkout import ROOT


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--outdir", folder, ROOT], check=True, capture_output=True, timeout=300
    )
    return folder


def test_sdist_and_wheel_hold_the_three_packages(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    (sdist,) = built.glob("*.tar.gz")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if not name.startswith("claimcheck-")} == {
        "reference",
        "model",
        "proofs",
    }
    assert {"reference/py.typed", "reference/generations/claim_sets.py", "proofs/cli/main.py"} <= set(names)
    assert {"proofs/evidence/statements.toml", "proofs/report/templates/report.html.j2"} <= set(names)
    assert any(name.endswith("LICENSE") for name in names)
    with tarfile.open(sdist) as archive:
        assert any(name.endswith("/pyproject.toml") for name in archive.getnames())


def test_the_wheel_works_outside_the_checkout(built: Path, tmp_path: Path) -> None:
    (wheel,) = built.glob("*.whl")
    site = tmp_path / "site"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", site, wheel],
        check=True,
        capture_output=True,
        timeout=300,
    )
    example = ROOT / "tests/data/examples/redeem.jsonl"
    code = f"import sys; sys.path.insert(0, {str(site)!r}); from proofs.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, "replay", "--json", example], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert '"comparisons": 45' in done.stdout
