"""The folder of a campaign: what was asked, a journal of what is done, and the findings. It outlives any kill.

The journal is appended to by one process, a line a record, each flushed to the disk; a line that was cut is dropped
when the campaign goes on, and what it told is done again. Findings are files of their own, written whole or not at all.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import msgspec
from msgspec import Struct

from proofs.atomic import write_atomically

from .finding import slug
from .shard import STEPS, ShardResult
from .target import FailingTrace, Told

FORMAT = 1


class CampaignSettings(Struct, forbid_unknown_fields=True):
    """What makes a campaign repeat exactly."""

    semantics: list[str]
    seed: int = 0
    guided: bool = True
    against: str | None = None
    step_limit: float = 10.0
    start_limit: float = 30.0
    shard_steps: int = STEPS
    format: int = FORMAT


class ShardDone(Struct, tag="shard"):
    """A shard was run to its end."""

    result: ShardResult


class ShrunkDone(Struct, tag="shrunk"):
    """The first trace of a kind of failure was shrunk."""

    kind: str
    """Of the failure as it was met."""
    found: FailingTrace
    told: Told
    again: bool = True
    """It was seen again; else it is as it was met."""


Record = ShardDone | ShrunkDone
_RECORD: msgspec.json.Decoder[Record] = msgspec.json.Decoder(Record)


class StoreError(Exception):
    """The folder cannot be used: one line for a person."""


class Store:
    """An open campaign folder. A context manager."""

    def __init__(self, folder: Path, settings: CampaignSettings) -> None:
        """
        :raises StoreError: the folder is another campaign's, in use, damaged, or cannot be written
        """
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self.settings = self._agreed(settings)
            self._journal = (folder / "journal.jsonl").open("a+b")
        except OSError as error:
            raise StoreError(f"{folder}: {error.strerror}") from None
        try:
            fcntl.flock(self._journal, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._journal.close()
            raise StoreError(f"{folder}: another run works on this campaign") from None
        try:
            self.records = list(self._read())
        except StoreError:
            self._journal.close()
            raise

    def _agreed(self, settings: CampaignSettings) -> CampaignSettings:
        """The settings of the campaign that is there; the steps of a shard are its own."""
        path = self.folder / "campaign.json"
        if not path.exists():
            write_atomically(path, msgspec.json.format(msgspec.json.encode(settings)) + b"\n")
            return settings
        try:
            there = msgspec.json.decode(path.read_bytes(), type=CampaignSettings)
        except msgspec.DecodeError as error:
            raise StoreError(f"{path}: no campaign: {error}") from None
        for name in ("format", "semantics", "seed", "guided", "against"):
            its, wanted = getattr(there, name), getattr(settings, name)
            if its != wanted:
                raise StoreError(f"{self.folder} holds a campaign with {name} {its!r}, not {wanted!r}")
        return there

    def _read(self) -> Iterator[Record]:
        """The records; a last line without its end is cut off."""
        self._journal.seek(0)
        whole = 0
        for number, line in enumerate(self._journal, 1):
            if not line.endswith(b"\n"):
                break
            try:
                yield _RECORD.decode(line)
            except msgspec.DecodeError as error:
                raise StoreError(f"{self._journal.name}:{number}: {error}") from None
            whole += len(line)
        self._journal.truncate(whole)

    def append(self, record: Record) -> None:
        """Add to the journal; it is on the disk when this returns."""
        self._journal.write(msgspec.json.encode(record) + b"\n")
        self._journal.flush()
        os.fsync(self._journal.fileno())

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, where: TracebackType | None
    ) -> None:
        self._journal.close()


def write_finding(folder: Path, found: FailingTrace, told: Told) -> Path:
    """The trace and the test of a finding, under the name of its kind; returns the trace's path."""
    name = slug(found.failure)
    trace = folder / f"{name}.jsonl"
    write_atomically(folder / f"test_{name.replace('-', '_')}.py", told.test.encode())
    write_atomically(trace, told.trace.encode())
    return trace
