"""The cells of earlier runs, a generation a file, under the content of everything that a verdict depends on.

That is the code of reference, model and proofs, and the versions of solver, Python and tool. A file that is not what
was stored counts as absent, and that is said. An unknown verdict is not stored.
"""

import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import msgspec

import model
import proofs
import reference
from proofs.matrix.cells import CellVerdict
from proofs.prover.checked_file import Damaged, read_checked, write_checked
from proofs.prover.verdict import Verdict, versions

FOLDER = ".cache/matrix"


@cache
def fingerprint() -> str:
    """Of the code and of the versions."""
    roots = {package.__name__: Path(str(package.__file__)).parent for package in (reference, model, proofs)}
    return hashlib.sha256(f"{sorted(versions().items())} {digest_of(roots)}".encode()).hexdigest()


def digest_of(roots: Mapping[str, Path]) -> str:
    """Of all Python files below these folders, each with its path."""
    digest = hashlib.sha256()
    for name, root in roots.items():
        for path in sorted(root.rglob("*.py")):
            content = path.read_bytes()
            digest.update(f"{name}/{path.relative_to(root).as_posix()} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def look_up(folder: str, semantics: str) -> list[CellVerdict] | None:
    """All cells of a generation, if a run of the same code stored them.

    :raises Damaged: they are stored, and cannot be read
    """
    content = read_checked(_path(folder, semantics))
    if content is None:
        return None
    try:
        return msgspec.json.decode(content, type=list[CellVerdict])
    except msgspec.DecodeError:
        raise Damaged(_path(folder, semantics)) from None


def store(folder: str, semantics: str, cells: Sequence[CellVerdict]) -> None:
    """Keep all cells of a generation, whole or not at all.

    :raises OSError: they cannot be kept
    """
    if any(cell.verdict is Verdict.UNKNOWN for cell in cells):
        return
    content = msgspec.json.encode(cells)
    write_checked(_path(folder, semantics), content)


def _path(folder: str, semantics: str) -> Path:
    return Path(folder) / f"{semantics}-{fingerprint()}.json"
