"""What became of each mutant, kept by the content of the code: a run that was ended goes on where it was."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import msgspec
from msgspec import Struct

import model
import reference
from proofs.atomic import write_atomically
from proofs.mutation.judged import Judged
from proofs.mutation.mutant import Mutant
from proofs.prover.verdict import versions
from proofs.stored import digest_of

RESULTS = Path("tests/data/mutation/results.jsonl")
CACHE = Path(".cache/mutation")


class Result(Struct):
    """A mutant, how it ended, and the processor time that this took."""

    mutant: Mutant
    judged: Judged
    seconds: float


class About(Struct):
    """The first line of stored results: what they are of, and what made them."""

    code: str
    """:func:`fingerprint` of the code that was mutated."""
    versions: dict[str, str]
    most: int
    """Mutants of one operator in one function, at most."""
    of: dict[str, int]
    """How many mutants the operators give, by side; those above ``most`` were left out."""
    left: int
    """How many of those were not judged: the run was ended before. In the order of their keys, which is no order."""
    seconds: float
    """Processor time of all of them, preparing included."""


@cache
def fingerprint() -> str:
    """Of reference and model, of which mutants are made, and of the solver."""
    roots = {package.__name__: Path(str(package.__file__)).parent for package in (reference, model)}
    return hashlib.sha256(f"{digest_of(roots)} {versions()['z3']}".encode()).hexdigest()


class Journal:
    """The results of earlier runs on the same code; each new one is appended at once."""

    def __init__(self, folder: Path = CACHE) -> None:
        self._path = folder / f"{fingerprint()}.jsonl"
        self.results: dict[str, Result] = {}
        if self._path.exists():
            for line in self._path.read_bytes().splitlines():
                try:
                    result = msgspec.json.decode(line, type=Result)
                except msgspec.DecodeError:  # the last line, of a run that was killed in the middle of it
                    continue
                self.results[result.mutant.key] = result

    def add(self, result: Result) -> None:
        """Keep it."""
        self.results[result.mutant.key] = result
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("ab") as file:
            file.write(msgspec.json.encode(result) + b"\n")


def store(about: About, results: list[Result], path: Path = RESULTS) -> None:
    """Write the results of a run."""
    lines = [msgspec.json.encode(about), *(msgspec.json.encode(result) for result in results)]
    write_atomically(path, b"\n".join(lines) + b"\n")


def read(path: Path = RESULTS) -> tuple[About, list[Result]]:
    """The results of the last whole run.

    :raises OSError: there are none
    :raises msgspec.DecodeError: they cannot be read
    """
    first, *rest = path.read_bytes().splitlines()
    return msgspec.json.decode(first, type=About), [msgspec.json.decode(line, type=Result) for line in rest]
