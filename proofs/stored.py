"""What earlier runs found out, with its date, under the content of everything that it depends on.

That is the code of reference, model and proofs, the versions of solver, Python and tool, and the rules from files that
the key names; nothing is computed to look something up. A file that is not what was stored counts as absent, and that
is reported.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

import model
import proofs
import reference
from proofs import rules
from proofs.atomic import write_atomically
from proofs.versions import versions

FOLDER = Path(".cache")
"""Below the working directory: a folder for each kind of thing that is stored."""
Content = TypeVar("Content")


class DamagedFileError(Exception):
    """A file is there, and its content is not what was stored: cut, overwritten, or of another kind."""


class StoredItem(NamedTuple, Generic[Content]):
    """Something stored."""

    content: Content
    date: str
    """Of the run that found it out: year-month-day, UTC."""


class _Entry(msgspec.Struct):
    key: str
    date: str
    content: msgspec.Raw


@cache
def fingerprint() -> str:
    """Of the code and of the versions."""
    roots = {package.__name__: Path(str(package.__file__)).parent for package in (reference, model, proofs)}
    return hashlib.sha256(f"{sorted(versions('z3-solver').items())} {digest_of(roots)}".encode()).hexdigest()


def digest_of(roots: Mapping[str, Path]) -> str:
    """Of all Python files below these folders, each with its path."""
    digest = hashlib.sha256()
    for name, root in roots.items():
        for path in sorted(root.rglob("*.py")):
            content = path.read_bytes()
            digest.update(f"{name}/{path.relative_to(root).as_posix()} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def look_up(folder: Path, key: str, kind: type[Content]) -> StoredItem[Content] | None:
    """What a run of the same code stored under a key.

    :raises DamagedFileError: it is stored, and cannot be read
    """
    path = _path(folder, key)
    try:
        check, _, content = path.read_bytes().partition(b"\n")
    except OSError:
        return None
    if check != _checksum(content):
        raise DamagedFileError(path)
    try:
        entry = msgspec.json.decode(content, type=_Entry)
        if entry.key != key:
            raise DamagedFileError(path)
        return StoredItem(msgspec.json.decode(entry.content, type=kind), entry.date)
    except msgspec.DecodeError:
        raise DamagedFileError(path) from None


def store(folder: Path, key: str, content: Any) -> None:
    """Keep something under a key, whole or not at all.

    :raises OSError: it cannot be kept
    """
    today = datetime.now(UTC).date().isoformat()
    entry = msgspec.json.encode(_Entry(key, today, msgspec.Raw(msgspec.json.encode(content))))
    write_atomically(_path(folder, key), _checksum(entry) + b"\n" + entry, durable=False)


def _checksum(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()


def _path(folder: Path, key: str) -> Path:
    return folder / (hashlib.sha256(f"{key} {fingerprint()}{rules.digest_of(key)}".encode()).hexdigest() + ".json")
