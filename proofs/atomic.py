"""Files that are there whole or not at all, whenever the process is killed."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def _umask() -> int:
    """What this process takes from the permissions of new files."""
    taken = os.umask(0o077)
    os.umask(taken)
    return taken


def write_atomically(path: Path, content: bytes, durable: bool = True) -> None:
    """Write or replace a file; its folder is made. Another process never reads a part of it.

    :param durable: it is there after a crash of the machine, too; needless for what can be computed again
    :raises OSError: it cannot be written; no temporary file is left
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".")
    temporary = Path(name)
    try:
        os.fchmod(handle, 0o666 & ~_umask())
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
