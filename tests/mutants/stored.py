"""What became of each mutant, kept by the content of the code: a run that was ended resumes where it was."""

from __future__ import annotations

from pathlib import Path

import msgspec

from proofs.atomic import write_atomically
from proofs.evidence.mutants import RESULTS, MutantResult, MutationRun, fingerprint

CACHE = Path(".cache/mutation")


class Journal:
    """The results of earlier runs on the same code; each new one is appended at once."""

    def __init__(self, folder: Path = CACHE) -> None:
        self._path = folder / f"{fingerprint()}.jsonl"
        self.results: dict[str, MutantResult] = {}
        if self._path.exists():
            for line in self._path.read_bytes().splitlines():
                try:
                    result = msgspec.json.decode(line, type=MutantResult)
                except msgspec.DecodeError:  # the last line, of a run that was killed in the middle of it
                    continue
                self.results[result.mutant.key] = result

    def add(self, result: MutantResult) -> None:
        """Keep it."""
        self.results[result.mutant.key] = result
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("ab") as file:
            file.write(msgspec.json.encode(result) + b"\n")


def store(run: MutationRun, results: list[MutantResult], path: Path = RESULTS) -> None:
    """Write the results of a run."""
    lines = [msgspec.json.encode(run), *(msgspec.json.encode(result) for result in results)]
    write_atomically(path, b"\n".join(lines) + b"\n")
