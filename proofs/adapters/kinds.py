"""Kinds of divergences: what two divergences of one cause have in common."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from proofs.replay.replay import Divergence

from .failure import NOT_AGAIN, FailureKind

_LONGEST = 60
_INDEX = re.compile(r"\[\d+\]|(?<=domains)\.\d+")
_NUMBER = re.compile(r"0x[0-9a-fA-F]+|\d+")


def few_values(divergence: Divergence, decided: str = "") -> str:
    """Both values of a field that has few: a result, a refusal, a crash, a failure of the program. Else empty.

    :param decided: the check that decided in the model
    """
    expected, observed = divergence.expected, divergence.observed
    by = f" by {decided}" if decided else ""
    match divergence.field:
        case "result":
            return f"{_told(expected)}{by}, not {_told(observed)}"
        case "mfn" if expected is None or observed is None:
            return f"refused{by}, not allocated" if expected is None else f"allocated, not {_told(observed)}"
        case "crash":
            return f"{_told(expected)}, not {_told(observed)}"
        case "answer":
            kind, _, how = str(observed).partition(": ")
            text = " ".join(filter(None, (kind, _how(kind, how), "once" if NOT_AGAIN in how else "")))
            return text if expected in ("an observation", "none") else f"{_told(expected)}, not {text}"
    return ""


def _how(kind: str, how: str) -> str:
    """The part of the description of a failure that has few values: the signal or status, the text of an error."""
    if kind == FailureKind.REFUSED:
        return _shortened(how)
    ended = kind in (FailureKind.DIED, FailureKind.ENDED_BADLY)
    return how.partition(";")[0].partition(",")[0][:_LONGEST] if ended else ""


def _told(value: object) -> str:
    return "refused" if value is None else _shortened(str(value))


def _shortened(text: str) -> str:
    """A text without its numbers, which differ between two failures of one cause."""
    return _NUMBER.sub("N", text)[:_LONGEST].strip()


class DivergenceGroup(NamedTuple):
    """Divergences of one kind; the first one is the shortest trace."""

    kind: str
    members: list[Divergence]


def grouped(divergences: Iterable[Divergence]) -> list[DivergenceGroup]:
    """Divergences by operation, field, and both values where they are few; the shortest trace of each first."""
    groups: dict[str, list[Divergence]] = {}
    for divergence in divergences:
        kind = f"{divergence.op}: {_INDEX.sub('', divergence.field)} {few_values(divergence)}".strip()
        groups.setdefault(kind, []).append(divergence)
    found = [DivergenceGroup(kind, sorted(those, key=lambda one: one.event)) for kind, those in groups.items()]
    return sorted(found, key=lambda group: group.members[0].event)
