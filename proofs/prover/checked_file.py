"""Files of stored verdicts: there whole or not at all, and known to be what was written."""

import hashlib
import os
import tempfile
from pathlib import Path


class Damaged(Exception):
    """A file is there, and its content is not what was written: cut, overwritten, or of another kind."""


def read_checked(path: Path) -> bytes | None:
    """The content of a file; none where there is no such file, or it cannot be opened.

    :raises Damaged: it is not what was written
    """
    try:
        check, _, content = path.read_bytes().partition(b"\n")
    except OSError:
        return None
    if check != hashlib.sha256(content).hexdigest().encode():
        raise Damaged(path)
    return content


def write_checked(path: Path, content: bytes) -> None:
    """Write a file with its checksum first, or leave what is there: another process never reads a part of it.

    :raises OSError: it cannot be written; nothing is left behind
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(hashlib.sha256(content).hexdigest().encode() + b"\n" + content)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
