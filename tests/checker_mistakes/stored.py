"""The last whole run of `make mutants-of-the-checker`, as it is stored."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import msgspec
from msgspec import Struct

from proofs.atomic import write_atomically
from proofs.prover.verdict import versions
from proofs.stored import digest_of
from tests.checker_mistakes.mistake import ROOT
from tests.checker_mistakes.run import MistakeOutcome
from tests.mutants.stored import Journal

RESULTS = Path("tests/data/checker-mistakes/results.json")
CACHE = Path(".cache/checker-mistakes")


class JudgedMistake(Struct):
    """A mistake of the catalogue, and what became of it."""

    kind: str
    says: str
    noticed_by: str
    result: MistakeOutcome


class CheckerMistakesRun(Struct):
    """A whole run."""

    date: str
    """Year-month-day, UTC."""
    code: str
    """`fingerprint` of the code that had the mistakes, and of the tests."""
    versions: dict[str, str]
    jobs: int
    seconds: float
    """By the clock, from the first mistake to the last; of the mistakes that were judged in this run."""
    mistakes: list[JudgedMistake]


@cache
def fingerprint() -> str:
    """Of the checker, of the tests, and of the solver."""
    roots = {name: ROOT / name for name in ("reference", "model", "proofs", "tests")}
    return hashlib.sha256(f"{digest_of(roots)} {versions()['z3']}".encode()).hexdigest()


def journal() -> Journal[MistakeOutcome]:
    """Of the mistakes judged on today's code."""
    return Journal(CACHE / f"{fingerprint()}.jsonl", MistakeOutcome, lambda result: result.name)


def read() -> CheckerMistakesRun:
    """The last whole run.

    :raises OSError: there is none
    :raises msgspec.DecodeError: it cannot be read
    """
    return msgspec.json.decode((ROOT / RESULTS).read_bytes(), type=CheckerMistakesRun)


def store(run: CheckerMistakesRun) -> None:
    """Keep a whole run."""
    write_atomically(ROOT / RESULTS, msgspec.json.format(msgspec.json.encode(run), indent=1) + b"\n")
