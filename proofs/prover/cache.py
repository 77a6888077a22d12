"""Stored verdicts on obligations, and stored runs: which obligations one was about, so that none need be built."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import msgspec

from proofs.obligations.names import InapplicableProperty
from proofs.prover.verdict import Result, Settings, Verdict
from proofs.stored import DamagedFileError, look_up, store

FOLDER = ".cache/prove"


class StoredRun(msgspec.Struct):
    """The obligations of a request to the prover, by name, and what there is none about."""

    names: list[str]
    not_applicable: list[InapplicableProperty]


def _runs(settings: Settings) -> Path:
    return Path(settings.cache).with_name("runs")


def _key(settings: Settings, name: str) -> str:
    return f"{name} {settings.rlimit} {settings.seed} {settings.cores}"


def stored_result(settings: Settings, name: str) -> Result | None:
    """A stored result, with its date and without its time; if storing is on and there is one.

    :raises DamagedFileError: there is one, and it is not what was stored
    """
    if not settings.cache:
        return None
    found = look_up(Path(settings.cache), _key(settings, name), Result)
    if found is None or (settings.hashes and not found.content.hash):
        return None
    return msgspec.structs.replace(found.content, stored=found.date, seconds=None)


def store_result(settings: Settings, result: Result) -> Result:
    """Keep a result; an unknown is not kept. Gives the result, with why it could not be kept."""
    if not settings.cache or result.verdict is Verdict.UNKNOWN:
        return result
    try:
        store(Path(settings.cache), _key(settings, result.name), msgspec.structs.replace(result, unreadable=False))
    except OSError as error:  # a full disk costs time on the next run, not the verdict of this one
        return msgspec.structs.replace(result, not_stored=str(error.strerror or error))
    return result


def stored_run(request: object, settings: Settings) -> tuple[StoredRun, list[Result]] | None:
    """A run whose every result is stored."""
    if not settings.cache:
        return None
    try:
        found = look_up(_runs(settings), repr(request), StoredRun)
        results = [stored_result(settings, name) for name in found.content.names] if found is not None else []
    except DamagedFileError:
        return None  # which of them are, the run that follows says
    if found is None or None in results:
        return None
    return found.content, [result for result in results if result is not None]


def store_run(request: object, settings: Settings, run: StoredRun) -> None:
    """Keep which obligations a request is about; where that cannot be kept, the next run finds it out."""
    if settings.cache:
        with suppress(OSError):  # reported for the results
            store(_runs(settings), repr(request), run)
