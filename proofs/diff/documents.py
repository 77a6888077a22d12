"""The generated parts of docs/diff.md: ``python -m proofs.diff.documents``, or with what `claimcheck diff --json` gave.

Everything and the deliberate mistakes: a few minutes. With --mistakes only those, and what is assumed.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec

from model.properties import PROPERTIES
from proofs.prover.documents import table

from .mistakes import MISTAKES
from .report import by_generation_and_size, by_operation
from .run import ASSUMED, OperationResult
from .selftest import found

DOCUMENT = Path("docs/diff.md")
_BLOCK = re.compile(r"(<!-- generated: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


class Result(msgspec.Struct):
    """What `claimcheck diff --json` printed."""

    versions: dict[str, str]
    seconds: float
    interrupted: bool
    rows: list[OperationResult]


def _operations(result: Result) -> str:
    header = ["operation", "generations", "ways to ask", "by exchange", "paths", "questions", "seconds", "verdict"]
    return table(header, [[f"`{name}`", *rest] for name, _, *rest in by_operation(result.rows)])


def _generations(result: Result) -> str:
    header = ["generation", "operations", *dict.fromkeys(row.size for row in result.rows), "verdict"]
    return table(header, [[f"`{name}`", *rest] for name, *rest in by_generation_and_size(result.rows)])


def _run(result: Result) -> str:
    paths, queries = sum(row.paths for row in result.rows), sum(row.queries for row in result.rows)
    seconds = sum(row.seconds for row in result.rows)
    sizes = ", ".join(dict.fromkeys(row.size for row in result.rows))
    versions = ", ".join(f"{name} {number}" for name, number in result.versions.items())
    return (
        f"All generations and operations on hosts of {sizes}: {paths:,} paths, {queries:,} questions to the solver, "
        f"{seconds:.0f} seconds of processor time, {result.seconds:.0f} seconds by the clock ({versions})."
    )


def assumed() -> str:
    """What is known of the state before."""
    return table(["assumed", "claim"], [[f"`{name}`", PROPERTIES[name].sentence] for name in ASSUMED])


def mistakes() -> str:
    """Every deliberate mistake, and what finds it."""
    body = []
    for mistake in MISTAKES:
        row = found(mistake)
        if row is None or row.difference is None:
            raise SystemExit(f"{mistake.name} was not found")
        shown = row.difference
        events = str(len(shown.trace) - 2) if shown.trace else "state only"
        asked = ", ".join(f"{name}={_short(value)}" for name, value in shown.arguments.items())
        function = mistake.where.partition(":")[2]
        where = f"{mistake.semantics}, {row.size}"
        body.append([f"`{mistake.name}`", f"`{function}`", where, f"`{mistake.operation}` {asked}", events])
    return table(["mistake", "in", "generation, host", "smallest input", "trace, events"], body)


def _short(value: object) -> str:
    if isinstance(value, dict):
        return "(" + ", ".join(f"{name} {_short(part)}" for name, part in value.items() if part not in (0, None)) + ")"
    return "[" + ", ".join(map(_short, value)) + "]" if isinstance(value, list) else str(value)


def main(arguments: list[str]) -> None:
    """Write the document."""
    if arguments == ["--mistakes"]:
        _write({"diff-assumed": assumed(), "diff-mistakes": mistakes()})
        return
    if arguments:
        content = Path(arguments[0]).read_bytes()
    else:
        with tempfile.TemporaryFile() as out:
            subprocess.run([sys.executable, "-m", "proofs.cli.main", "diff", "--json"], check=True, stdout=out)
            out.seek(0)
            content = out.read()
    result = msgspec.json.decode(content, type=Result)
    if result.interrupted:
        raise SystemExit("the run was interrupted")
    _write(
        {
            "diff-run": _run(result),
            "diff-operations": _operations(result),
            "diff-generations": _generations(result),
            "diff-assumed": assumed(),
            "diff-mistakes": mistakes(),
        }
    )


def _write(blocks: dict[str, str]) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    made = _BLOCK.sub(lambda m: f"{m[1]}{blocks[m[2]]}\n{m[3]}" if m[2] in blocks else m[0], text)
    DOCUMENT.write_text(made, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
