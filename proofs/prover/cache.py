"""Results by content: SMT-LIB text, solver version and limits. A broken entry counts as absent, and is counted."""

import hashlib
from pathlib import Path

import msgspec

from proofs.obligations.obligation import Obligation
from proofs.prover.checked_file import Damaged, read_checked, write_checked
from proofs.prover.verdict import Result, Settings, Verdict, versions


def _path(settings: Settings, obligation: Obligation, digest: str) -> Path:
    key = f"{obligation.name} {digest} {versions()} {settings.rlimit} {settings.seed} {settings.cores}"
    return Path(settings.cache) / (hashlib.sha256(key.encode()).hexdigest() + ".json")


def look_up(settings: Settings, obligation: Obligation, digest: str) -> Result | None:
    """A stored result, if caching is on and there is one.

    :raises Damaged: there is one, and it is not what was stored
    """
    if not settings.cache:
        return None
    path = _path(settings, obligation, digest)
    content = read_checked(path)
    if content is None:
        return None
    try:
        found = msgspec.json.decode(content, type=Result)
    except msgspec.DecodeError:
        raise Damaged(path) from None
    if found.name != obligation.name or found.hash != digest:
        raise Damaged(path)
    return msgspec.structs.replace(found, cached=True)


def store(settings: Settings, obligation: Obligation, result: Result) -> Result:
    """Keep a result, whole or not at all; an unknown is not kept. Gives the result, with why it could not be kept."""
    if not settings.cache or result.verdict is Verdict.UNKNOWN:
        return result
    kept = msgspec.structs.replace(result, unreadable=False)
    try:
        write_checked(_path(settings, obligation, result.hash), msgspec.json.encode(kept))
    except OSError as error:  # a full disk costs time on the next run, not the verdict of this one
        return msgspec.structs.replace(result, not_stored=str(error.strerror or error))
    return result
