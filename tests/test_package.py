"""The project builds, and the wheel works in an environment of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from docs._make.checkout import ROOT


def built(folder: Path, *options: str, source: Path = ROOT) -> Path:
    command = [sys.executable, "-m", "build", *options, "--outdir", folder, source]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    return folder


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy: setuptools leaves files in the folder from which it builds a wheel."""
    source = tmp_path_factory.mktemp("source")
    for name in ("reference", "model", "proofs"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    (source / "tests").mkdir()
    (source / "tests/__init__.py").touch()  # no package of the wheel
    (found,) = built(tmp_path_factory.mktemp("wheel"), "--wheel", source=source).glob("*.whl")
    return found


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As released: an sdist, and a wheel built from it."""
    return built(tmp_path_factory.mktemp("dist"))


def assert_complete(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if not name.startswith("claimcheck-")} == {
        "reference",
        "model",
        "proofs",
    }
    assert {"reference/py.typed", "reference/generations/claim_sets.py", "proofs/cli/main.py"} <= set(names)
    assert {"proofs/evidence/statements.toml", "proofs/report/templates/report.html.j2"} <= set(names)
    assert any(name.endswith("LICENSE") for name in names)


def assert_works(site: Path, folder: Path) -> None:
    """From that folder alone, started in another."""
    example = ROOT / "tests/data/examples/redeem.jsonl"
    code = f"import sys; sys.path.insert(0, {str(site)!r}); from proofs.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, "replay", "--json", example], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert '"comparisons": 45' in done.stdout


def test_wheel_holds_the_three_packages(wheel: Path) -> None:
    assert_complete(wheel)


def test_the_wheel_works_outside_the_checkout(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    assert_works(tmp_path / "site", tmp_path)


@pytest.mark.long
def test_wheel_of_the_sdist_is_installed_by_pip(dist: Path, tmp_path: Path) -> None:
    (wheel,) = dist.glob("*.whl")
    (sdist,) = dist.glob("*.tar.gz")
    assert_complete(wheel)
    with tarfile.open(sdist) as archive:
        assert any(name.endswith("/pyproject.toml") for name in archive.getnames())
    site = tmp_path / "site"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", site, wheel]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    assert_works(site, tmp_path)
