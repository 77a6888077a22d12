"""Lints that no tool has: files that are too long, and class names used twice. `python -m tests.lints`, by `make lint`.

Each exception has a reason, and one that is no longer needed is an error too: the lists can only shrink.
"""

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

FOLDERS = ("reference", "model", "proofs", "tests", "bench", "docs")
LONGEST = 400
"""Lines of a Python file at most."""
LONG: Mapping[str, str] = {}
"""Longer files, each with the reason."""

CODE = ("reference", "model", "proofs")
BOTH_SIDES = "reference and model name the same thing"
USED_TWICE: Mapping[str, str] = {
    "Generations": BOTH_SIDES,
    "Block": BOTH_SIDES,
    "PreemptAt": BOTH_SIDES,
    "Request": BOTH_SIDES,
    "Generation": BOTH_SIDES,
    "State": "the model's state, and what a trace observes of it: the name is in the JSON Schema",
    "Entry": "an entry of a claim set in the calls, and the update of one entry of a vector",
    "Size": "what rules may ask of a host, and the size of a host in diff",
    "Trace": "a trace that is read, and one that a search found",
}
"""Class names that two classes may share, each with the reason."""


def python_files(root: Path, folders: tuple[str, ...]) -> Iterator[Path]:
    """Every Python file of these folders."""
    for folder in folders:
        yield from sorted((root / folder).rglob("*.py"))


def long_files(root: Path, allowed: Mapping[str, str] = LONG) -> list[str]:
    """Files above the limit that are no exception, and exceptions that are not above it."""
    lengths = {
        path.relative_to(root).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for path in python_files(root, FOLDERS)
    }
    too_long = [
        f"{name}: {lines} lines; at most {LONGEST}: split it by purpose"
        for name, lines in lengths.items()
        if lines > LONGEST and name not in allowed
    ]
    needless = [name for name in allowed if lengths.get(name, 0) <= LONGEST]
    return too_long + [
        f"{name}: no longer above {LONGEST} lines: take it off LONG in tests/lints.py" for name in needless
    ]


def classes(root: Path) -> dict[str, dict[str, list[str]]]:
    """Every class of the code by name: where it is, and the names of its bases."""
    found: dict[str, dict[str, list[str]]] = defaultdict(dict)
    for path in python_files(root, CODE):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                bases = [ast.unparse(base).split("[")[0].split(".")[-1] for base in node.bases]
                found[node.name][f"{path.relative_to(root).as_posix()}:{node.lineno}"] = bases
    return found


def shared_names(root: Path, allowed: Mapping[str, str] = USED_TWICE) -> list[str]:
    """Class names used twice, unless one is a subclass of the other or the name is an exception."""
    twice = {
        name: places
        for name, places in classes(root).items()
        if sum(name not in bases for bases in places.values()) > 1
    }
    wrong = [
        f"class {name}: {', '.join(places)}: name each after what it is"
        for name, places in twice.items()
        if name not in allowed
    ]
    needless = [name for name in allowed if name not in twice]
    return wrong + [
        f"class {name}: no longer used twice: take it off USED_TWICE in tests/lints.py" for name in needless
    ]


def main() -> int:
    """Print what is wrong; 1 if anything is."""
    root = Path(__file__).resolve().parent.parent
    wrong = long_files(root) + shared_names(root)
    print("\n".join(wrong) or "files and class names: nothing wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
