"""Expensive results are computed once per run, by the first worker that needs them; the others wait."""

from __future__ import annotations

import fcntl
from collections.abc import Callable
from pathlib import Path

import pytest


def once_in_a_run(factory: pytest.TempPathFactory, name: str, make: Callable[[], bytes]) -> bytes:
    """The result of `make`, cached in a file of this run. If `make` raises, the next caller tries again."""
    folder: Path = factory.getbasetemp()
    if folder.name.startswith("popen-"):  # a worker's own folder is in that of the run
        folder = folder.parent
    stored = folder / name
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stored.exists():
            stored.write_bytes(make())
        return stored.read_bytes()
