"""Files that are there whole or not at all, whenever the process is killed."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_atomically(path: Path, content: bytes) -> None:
    """Write or replace a file; its folder is made."""
    temporary = _temporary(path, content)
    temporary.replace(path)


def write_once(path: Path, content: bytes) -> bool:
    """Write a file unless it is there; returns whether it was written. Of several writers, one does it."""
    temporary = _temporary(path, content)
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    finally:
        temporary.unlink()
    return True


def _temporary(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".")
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return Path(name)
