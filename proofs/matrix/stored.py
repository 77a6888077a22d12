"""The cells of earlier runs, all of a generation under its name. With an unknown verdict they are not stored."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from proofs import stored
from proofs.matrix.cells import CellVerdict
from proofs.prover.verdict import Verdict

FOLDER = ".cache/matrix"


def look_up(folder: str, semantics: str) -> list[CellVerdict] | None:
    """All cells of a generation, with their date, if a run of the same code stored them.

    :raises DamagedFileError: they are stored, and cannot be read
    """
    found = stored.look_up(Path(folder), semantics, list[CellVerdict])
    return None if found is None else [replace(cell, stored=found.date) for cell in found.content]


def store(folder: str, semantics: str, cells: Sequence[CellVerdict]) -> None:
    """Keep all cells of a generation, whole or not at all.

    :raises OSError: they cannot be kept
    """
    if not any(cell.verdict is Verdict.UNKNOWN for cell in cells):
        stored.store(Path(folder), semantics, cells)
