"""Results of an earlier run that are kept in a file: when that was, and whether the code is still the same."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any, TypedDict

import model
import reference
from proofs.evidence.structure import EarlierRun
from proofs.prover.verdict import versions
from proofs.stored import digest_of


@cache
def fingerprint() -> str:
    """Of reference and model, about which everything is said, and of the solver."""
    roots = {package.__name__: Path(str(package.__file__)).parent for package in (reference, model)}
    return hashlib.sha256(f"{digest_of(roots)} {versions()['z3']}".encode()).hexdigest()


class Stamp(TypedDict):
    """What a run writes next to its results."""

    made: str
    """The day, UTC."""
    code: str


def stamp() -> Stamp:
    """Of a run that is made now."""
    return Stamp(made=datetime.now(UTC).date().isoformat(), code=fingerprint())


def is_older(found: Mapping[str, Any]) -> bool:
    """Whether results are of other code than this."""
    return bool(found["code"] != fingerprint())


def earlier_run(made: str, code: str, took: float) -> EarlierRun:
    """For the evidence: the run that stored what is shown.

    :param took: seconds of processor time
    """
    return EarlierRun(made, code[:12], is_older({"code": code}), took)


def measured_on(found: Mapping[str, Any], command: str) -> str:
    """For a document: the day, and whether reference and model are still what they were."""
    if not is_older(found):
        return f"Measured on {found['made']}, of this code."
    return (
        f"**Measured on {found['made']}, of older code:** reference or model changed since. What is shown here is of"
        f" the code as it was; `{command}` measures today's."
    )


def age(made: str, today: str) -> str:
    """How long before a day, or a moment of it, another was."""
    days = (date.fromisoformat(today[:10]) - date.fromisoformat(made[:10])).days
    return "of the same day" if days == 0 else f"{days} day{'' if days == 1 else 's'} old"
