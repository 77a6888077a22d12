"""Sections that take minutes: the checkout stores their last whole run, and every report makes a part of each again.

`make diff` and `make sections` store them. A report with `--no-cache`, and `claimcheck verify`, make all of a section.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import msgspec
from msgspec import Struct, structs

from proofs.atomic import write_atomically
from proofs.evidence.compare import differences
from proofs.evidence.dated import Stamp, earlier_run
from proofs.evidence.request import CHECKOUT, EvidenceRequest
from proofs.evidence.structure import EvidenceTable, RepeatedPart, SkippedSection, Tables
from proofs.traces.text import one_line

FOLDER = Path("tests/data/sections")
Collected = Tables | SkippedSection


class KeptSection(Struct, forbid_unknown_fields=True):
    """The last whole run of a section, and what its part gave then."""

    made: str
    """The day, UTC."""
    code: str
    took: float
    """Seconds of processor time of the whole."""
    whole: Tables
    part: Tables


@dataclass(frozen=True)
class PartedSection:
    """A section of which a part can be made by itself."""

    name: str
    part_is: str
    """What the part is, in words."""
    is_all: Callable[[EvidenceRequest], bool]
    """Whether a request is for all of it. A narrower request is less work, and is made whole."""
    whole: Callable[[EvidenceRequest], Collected]
    part: Callable[[EvidenceRequest], Collected]

    def collected(self, request: EvidenceRequest, checkout: Path = CHECKOUT) -> Collected:
        """What is stored and the part made again, if stored results may be shown; else the whole, made now."""
        if not request.stored or not self.is_all(request):
            return self.whole(request)
        path = path_of(self.name)
        try:
            kept = load(checkout / path)
        except (OSError, ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
            return SkippedSection(one_line(f"{path} cannot be read: {error}"))
        if kept is None:
            return self.whole(request)
        again = self.part(request)
        return again if isinstance(again, SkippedSection) else self.together(kept, again)

    def together(self, kept: KeptSection, again: Tables) -> Tables:
        """The stored tables; those of the part as well, if they are not as claimed or not as they were."""
        differs = [str(one) for one in differences(self.name, kept.part.tables, again.tables)]
        run = earlier_run(kept.made, kept.code, kept.took)
        tables = list(kept.whole.tables)
        if differs or not again.ok:
            tables += [_renamed(table) for table in again.tables]
        return Tables(
            tables=tables,
            ok=kept.whole.ok and again.ok,
            stored=run,
            again=RepeatedPart(self.part_is, differs),
            seconds=again.seconds,
        )


def _renamed(table: EvidenceTable) -> EvidenceTable:
    return structs.replace(table, name=f"{table.name}, made again")


def path_of(name: str) -> Path:
    """Below the root of the checkout."""
    return FOLDER / f"{name}.json"


def load(path: Path) -> KeptSection | None:
    """What is stored; None if there is no file.

    :raises OSError: it cannot be read
    :raises ValueError: its content is not what :func:`store` writes
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    kept = msgspec.json.decode(content, type=KeptSection)
    date.fromisoformat(kept.made)
    return kept


def store(name: str, stamp: Stamp, took: float, whole: Tables, part: Tables, checkout: Path = CHECKOUT) -> Path:
    """Keep a whole run in the checkout; returns the file.

    :raises OSError: it cannot be written
    """
    kept = KeptSection(stamp["made"], stamp["code"], round(took, 1), whole, part)
    path = checkout / path_of(name)
    write_atomically(path, msgspec.json.format(msgspec.json.encode(kept), indent=1) + b"\n")
    return path
