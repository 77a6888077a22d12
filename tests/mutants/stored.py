"""What became of each mutant, kept by the content of the code: a run that was ended resumes where it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from proofs.atomic import write_atomically
from proofs.evidence.dated import fingerprint
from proofs.evidence.mutants import RESULTS, MutantResult, MutationRun

CACHE = Path(".cache/mutation")
Result = TypeVar("Result")


class Journal(Generic[Result]):
    """The results of earlier runs on the same code; each new one is appended at once."""

    def __init__(self, path: Path, kind: type[Result], key: Callable[[Result], str]) -> None:
        self._path, self._key = path, key
        self.results: dict[str, Result] = {}
        if self._path.exists():
            for line in self._path.read_bytes().splitlines():
                try:
                    result = msgspec.json.decode(line, type=kind)
                except msgspec.DecodeError:  # the last line, of a run that was killed in the middle of it
                    continue
                self.results[key(result)] = result

    def add(self, result: Result) -> None:
        """Keep it."""
        self.results[self._key(result)] = result
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("ab") as file:
            file.write(msgspec.json.encode(result) + b"\n")


def journal() -> Journal[MutantResult]:
    """Of the mutants of today's code."""
    return Journal(CACHE / f"{fingerprint()}.jsonl", MutantResult, lambda result: result.mutant.key)


def store(run: MutationRun, results: list[MutantResult], path: Path = RESULTS) -> None:
    """Write the results of a run."""
    lines = [msgspec.json.encode(run), *(msgspec.json.encode(result) for result in results)]
    write_atomically(path, b"\n".join(lines) + b"\n")
