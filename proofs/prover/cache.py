"""Results by content: SMT-LIB text, solver version and limits. A broken entry counts as absent."""

import hashlib
import os
import tempfile
from pathlib import Path

import msgspec

from proofs.obligations.obligation import Obligation
from proofs.prover.verdict import Result, Settings, Verdict, versions


def _path(settings: Settings, obligation: Obligation, digest: str) -> Path:
    key = f"{obligation.name} {digest} {versions()} {settings.rlimit} {settings.seed} {settings.cores}"
    return Path(settings.cache) / (hashlib.sha256(key.encode()).hexdigest() + ".json")


def look_up(settings: Settings, obligation: Obligation, digest: str) -> Result | None:
    """A stored result, if caching is on and there is one."""
    if not settings.cache:
        return None
    try:
        data = _path(settings, obligation, digest).read_bytes()
        found = msgspec.json.decode(data, type=Result)
    except (OSError, msgspec.DecodeError):
        return None
    return msgspec.structs.replace(found, cached=True) if found.name == obligation.name else None


def store(settings: Settings, obligation: Obligation, result: Result) -> None:
    """Keep a result, whole or not at all; an unknown is not kept."""
    if not settings.cache or result.verdict is Verdict.UNKNOWN:
        return
    write_whole(_path(settings, obligation, result.hash), msgspec.json.encode(result))


def write_whole(path: Path, content: bytes) -> None:
    """Write a file, or leave what is there: another process never reads a part of it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(temporary).replace(path)
    except OSError as error:
        # A full disk costs time on the next run, not the verdict of this one.
        import warnings

        warnings.warn(f"cache not written: {error}", RuntimeWarning, stacklevel=2)
