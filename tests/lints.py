"""Lints that no tool has: long files, names of classes and of tests. `python -m tests.lints`, by `make lint`.

Each exception has a reason, and one that is no longer needed is an error too: the lists can only shrink.
"""

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.prose import patterns

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
    "PreemptionChoice": BOTH_SIDES,
    "Request": BOTH_SIDES,
    "Generation": BOTH_SIDES,
    "State": "the model's state, and what a trace observes of it: the name is in the JSON Schema",
    "Size": "what rules may ask of a host, and the size of a host in diff",
    "Trace": "a trace that is read, and one that a search found",
}
"""Class names that two classes may share, each with the reason."""

NO_NOUN = re.compile(
    r"\w*ed|Absent|Against|Ask|Begun|Between|Built|Done|Drawn|Earlier|Exactly|Forgetful|Found|Further"
    r"|Given|Gone|Half|Held|Impossible|Kept|Known|Left|Loose|Lost|Made|Met|Noisy|Open|Other|Outside|Over|Parting|Plain"
    r"|Ran|Ready|Restorable|Running|Seen|Sent|Separate|Shortest|Shown|Shrunk|Single|Sought|Taken|There|Untellable"
    r"|Ways|What|Which|Who|Whole|Written"
)
"""Participles, adjectives, pronouns, adverbs: no class has one as the last word of its name."""
RULED_OUT = patterns()
"""Words that no name of a class or test has."""
NAMED_AS_DATA: Mapping[str, str] = {
    "proofs/mistakes/": "named as the mistakes, which have their names in commands and traces",
    "reference/generations/": "named as the generations and their parts, which have their names in commands and traces",
    "tests/data/reviews/": "named as the rules that are reviewed, which have their names in commands",
}
"""Where class names may end otherwise, each with the reason."""
LONGEST_TEST_NAME = 59


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


def definitions(root: Path, folders: tuple[str, ...]) -> Iterator[tuple[str, ast.ClassDef | ast.FunctionDef]]:
    """Every class and function in these folders, with its file."""
    for path in python_files(root, folders):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                yield path.relative_to(root).as_posix(), node


def classes(root: Path) -> dict[str, dict[str, list[str]]]:
    """Every class of the code by name: where it is, and the names of its bases."""
    found: dict[str, dict[str, list[str]]] = defaultdict(dict)
    for path, node in definitions(root, CODE):
        if isinstance(node, ast.ClassDef):
            bases = [ast.unparse(base).split("[")[0].split(".")[-1] for base in node.bases]
            found[node.name][f"{path}:{node.lineno}"] = bases
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


def is_noun(name: str) -> bool:
    """Whether the last word of a class name can be a noun, and the first is no preposition."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z0-9]*", name) or [name]
    if NO_NOUN.fullmatch(words[-1]) or words[0] in ("From", "Of"):
        return False
    return not any(pattern.search(" ".join(words)) for pattern, _ in RULED_OUT)


def class_names(root: Path, exempt: Mapping[str, str] = NAMED_AS_DATA) -> list[str]:
    """Class names that are participles, adjectives or pronouns, and exceptions that are needed no longer."""
    flagged = [
        (path, node)
        for path, node in definitions(root, FOLDERS)
        if isinstance(node, ast.ClassDef) and not is_noun(node.name)
    ]
    wrong = [
        f"{path}:{node.lineno}: class {node.name}: name it by a noun that says what it is"
        for path, node in flagged
        if not path.startswith(tuple(exempt))
    ]
    needless = [place for place in exempt if not any(path.startswith(place) for path, _ in flagged)]
    return wrong + [
        f"{place}: every class is named by a noun: take it off NAMED_AS_DATA in tests/lints.py" for place in needless
    ]


def names_of_tests(root: Path) -> Iterator[str]:
    """Test functions with long names, or with words that tests/words.toml rules out."""
    for path, node in definitions(root, ("tests",)):
        if not isinstance(node, ast.FunctionDef) or not node.name.startswith("test_"):
            continue
        place = f"{path}:{node.lineno}: {node.name}"
        if len(node.name) > LONGEST_TEST_NAME:
            yield f"{place}: {len(node.name)} characters; at most {LONGEST_TEST_NAME}"
        words = node.name.replace("_", " ")
        yield from (
            f'{place}: "{match[0]}": write {instead}'
            for pattern, instead in RULED_OUT
            for match in pattern.finditer(words)
        )


def main() -> int:
    """Print what is wrong; 1 if anything is."""
    root = Path(__file__).resolve().parent.parent
    wrong = [*long_files(root), *shared_names(root), *class_names(root), *names_of_tests(root)]
    print("\n".join(wrong) or "lengths of files, names of classes and tests: nothing wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
