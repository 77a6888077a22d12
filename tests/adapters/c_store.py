"""C of the tests, compiled once in a run: what was made is kept by its content, in a folder that all workers share."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest


class _Store:
    """Where it is; pytest removes the folder after some further runs."""

    folder: Path


@pytest.fixture(scope="session", autouse=True)
def c_store(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Makes the folder; imported by the conftest.py of each directory whose tests compile C."""
    base = tmp_path_factory.getbasetemp()
    _Store.folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "compiled"
    _Store.folder.mkdir(exist_ok=True)


def compiled(compiler: str, options: Sequence[str], sources: Sequence[Path]) -> Path:
    """The program (with ``-c``: the object) of sources and objects. Without such a compiler, the test is skipped.

    The key is what the preprocessor makes of the sources, so that copies of a file in two folders are compiled once.

    :raises subprocess.CalledProcessError: it does not build
    """
    if shutil.which(compiler) is None:
        pytest.skip(f"no C compiler: `{compiler}` is not found")
    key = hashlib.sha256(repr([compiler, *(option for option in options if not option.startswith("-I"))]).encode())
    for source in sources:
        key.update(source.read_bytes() if source.suffix == ".o" else _preprocessed(compiler, options, source))
    name = key.hexdigest() + (".o" if "-c" in options else "")
    return kept(name, lambda path: subprocess.run([compiler, *options, "-o", path, *sources], check=True, timeout=600))


def kept(name: str, make: Callable[[Path], object]) -> Path:
    """The file or folder of that name in the store, made by the first that needs it; the others wait for it."""
    path = _Store.folder / name
    with Path(f"{path}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            unfinished = Path(f"{path}.unfinished")
            make(unfinished)
            unfinished.rename(path)
    return path


def _preprocessed(compiler: str, options: Sequence[str], source: Path) -> bytes:
    given = [option for option in options if option != "-c"]
    done = subprocess.run([compiler, *given, "-E", "-P", source], stdout=subprocess.PIPE, check=True, timeout=60)
    return done.stdout
