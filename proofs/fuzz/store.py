"""The folder of a campaign: its settings, a journal of completed work, and the findings. It survives a kill.

One process appends to the journal, one line per record, and flushes each to disk. When the campaign resumes, an
incomplete last line is dropped, and its work is repeated. Each finding is a separate file, written atomically.
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
from .target import FailingTrace, StoredFinding

FORMAT = 1


class CampaignSettings(Struct, forbid_unknown_fields=True):
    """The settings that make a campaign repeat exactly."""

    semantics: list[str]
    seed: int = 0
    guided: bool = True
    against: str | None = None
    step_limit: float = 10.0
    start_limit: float = 30.0
    shard_steps: int = STEPS
    mistake: str = ""
    """The deliberate mistake in the reference; empty: the reference is right."""
    rules: str = ""
    """The digest of the files that the generations are from; empty: they are in the tree."""
    format: int = FORMAT


class ShardRecord(Struct, tag="shard"):
    """A shard was run to its end."""

    result: ShardResult


class ShrinkRecord(Struct, tag="shrunk"):
    """The first trace of a kind of failure was shrunk."""

    kind: str
    """The kind of the failure as it occurred, before shrinking."""
    found: FailingTrace
    told: StoredFinding
    again: bool = True
    """The failure occurred again and is shrunk; False: the trace is the original one."""


Record = ShardRecord | ShrinkRecord
_RECORD: msgspec.json.Decoder[Record] = msgspec.json.Decoder(Record)


class StoreError(Exception):
    """The folder cannot be used; the message is one line."""


class Store:
    """An open campaign folder. A context manager."""

    def __init__(self, folder: Path, settings: CampaignSettings) -> None:
        """
        :raises StoreError: the folder holds another campaign, is in use, damaged, or not writable
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
            raise StoreError(f"{folder}: another run is using this campaign; wait until it ends") from None
        try:
            self.records = list(self._read())
        except StoreError:
            self._journal.close()
            raise

    def _agreed(self, settings: CampaignSettings) -> CampaignSettings:
        """The settings of the stored campaign, which keeps its number of steps per shard."""
        path = self.folder / "campaign.json"
        if not path.exists():
            write_atomically(path, msgspec.json.format(msgspec.json.encode(settings)) + b"\n")
            return settings
        try:
            there = msgspec.json.decode(path.read_bytes(), type=CampaignSettings)
        except msgspec.DecodeError as error:
            raise StoreError(f"{path}: not the settings of a campaign: {error}") from None
        for name in ("format", "semantics", "seed", "guided", "against", "rules"):
            its, wanted = getattr(there, name), getattr(settings, name)
            if its != wanted:
                raise StoreError(f"{self.folder}: the campaign in this folder has {name} {its!r}, not {wanted!r}")
        return there

    def _read(self) -> Iterator[Record]:
        """The records; an incomplete last line is cut off."""
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
        """Append a record to the journal and flush it to disk."""
        self._journal.write(msgspec.json.encode(record) + b"\n")
        self._journal.flush()
        os.fsync(self._journal.fileno())

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, where: TracebackType | None
    ) -> None:
        self._journal.close()


def write_finding(folder: Path, found: FailingTrace, told: StoredFinding) -> Path:
    """Write the trace and the test of a finding, named by its kind; returns the trace's path."""
    name = slug(found.failure)
    trace = folder / f"{name}.jsonl"
    write_atomically(folder / f"test_{name.replace('-', '_')}.py", told.test.encode())
    write_atomically(trace, told.trace.encode())
    return trace
