"""The cells of earlier runs, a generation a file, under the content of everything that a verdict depends on.

That is the code of reference, model and proofs, and the versions of solver, Python and tool. A file that cannot be
read, or whose content is not what its first line says, counts as absent. An unknown verdict is not stored.
"""

import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import msgspec

import model
import proofs
import reference
from proofs.matrix.cells import Cell
from proofs.prover.cache import write_whole
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


def look_up(folder: str, semantics: str) -> list[Cell] | None:
    """All cells of a generation, if a run of the same code stored them."""
    try:
        check, _, content = _path(folder, semantics).read_bytes().partition(b"\n")
        if check.decode() != hashlib.sha256(content).hexdigest():
            return None
        return msgspec.json.decode(content, type=list[Cell])
    except (OSError, UnicodeDecodeError, msgspec.DecodeError):
        return None


def store(folder: str, semantics: str, cells: Sequence[Cell]) -> None:
    """Keep all cells of a generation, whole or not at all."""
    if any(cell.verdict is Verdict.UNKNOWN for cell in cells):
        return
    content = msgspec.json.encode(cells)
    write_whole(_path(folder, semantics), hashlib.sha256(content).hexdigest().encode() + b"\n" + content)


def _path(folder: str, semantics: str) -> Path:
    return Path(folder) / f"{semantics}-{fingerprint()}.json"
