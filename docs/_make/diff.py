"""docs/diff.md and what reports show as stored of it: `make diff`, a quarter of an hour of processor time.

Or from what `claimcheck diff --json` printed, in one run or in several: one for each size of host, for instance.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec

from docs._make.blocks import Output, parser, table
from model.properties import PROPERTIES
from proofs.diff.report import by_generation_and_size, by_operation
from proofs.diff.run import ASSUMED, OperationResult, ordered
from proofs.diff.selftest import found
from proofs.evidence import kept
from proofs.evidence.dated import Stamp
from proofs.evidence.explored import NAME, SMALLEST, as_tables
from proofs.mistakes.edits import EDITS

DOCUMENT = Path("docs/diff.md")


class Result(msgspec.Struct):
    """What `claimcheck diff --json` printed."""

    made: str
    code: str
    versions: dict[str, str]
    interrupted: bool
    rows: list[OperationResult]


def _operations(result: Result) -> str:
    header = ["operation", "generations", "argument patterns", "by symmetry", "paths", "queries", "seconds", "verdict"]
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
        f"All generations and operations on hosts of {sizes}: {paths:,} paths, {queries:,} queries to the solver, "
        f"{seconds:.0f} seconds of processor time ({versions})."
    )


def assumed() -> str:
    """The properties that the state before the operation is assumed to have."""
    return table(["assumed property", "claim"], [[f"`{name}`", PROPERTIES[name].sentence] for name in ASSUMED])


def mistakes() -> str:
    """Every deliberate mistake, and what finds it."""
    body = []
    for mistake in EDITS:
        row = found(mistake)
        if row is None or row.difference is None:
            raise SystemExit(f"{mistake.name} was not found")
        shown = row.difference
        events = str(len(shown.trace) - 2) if shown.trace else "state only"
        asked = ", ".join(f"{name}={_short(value)}" for name, value in shown.arguments.items())
        function = mistake.where.partition(":")[2]
        where = f"{mistake.semantics}, {row.size}"
        body.append([f"`{mistake.name}`", f"`{function}`", where, f"`{mistake.operation}` {asked}", events])
    return table(["mistake", "function", "generation, host", "smallest input", "events of the trace"], body)


def _short(value: object) -> str:
    if isinstance(value, dict):
        return "(" + ", ".join(f"{name} {_short(part)}" for name, part in value.items() if part not in (0, None)) + ")"
    if isinstance(value, list):
        return f"({len(value)} of them)" if len(value) > 6 else "[" + ", ".join(map(_short, value)) + "]"
    return str(value)


BLOCKS: dict[str, Callable[[], str]] = {"diff-assumed": assumed, "diff-mistakes": mistakes}
OF_A_RUN: dict[str, Callable[[Result], str]] = {
    "diff-run": _run,
    "diff-operations": _operations,
    "diff-generations": _generations,
}


def result_of(path: Path | None) -> Result:
    """What is in the file, or without one what a run gives now.

    :raises SystemExit: the run was interrupted
    """
    if path is not None:
        content = path.read_bytes()
    else:
        with tempfile.TemporaryFile() as out:
            subprocess.run([sys.executable, "-m", "proofs.cli.main", "diff", "--json"], check=True, stdout=out)
            out.seek(0)
            content = out.read()
    result = msgspec.json.decode(content, type=Result)
    if result.interrupted:
        raise SystemExit("the run was interrupted")
    return result


def joined(results: list[Result]) -> Result:
    """One result of several runs, of the day of the first.

    :raises SystemExit: they are of different code, or made with different versions
    """
    first = min(results, key=lambda result: result.made)
    if any((result.code, result.versions) != (first.code, first.versions) for result in results):
        raise SystemExit("the results are of different code or versions")
    rows = ordered(row for result in results for row in result.rows)
    return msgspec.structs.replace(first, rows=rows)


def stored(result: Result) -> Path:
    """Keep the result for reports; returns the file."""
    smallest = as_tables([row for row in result.rows if row.size == str(SMALLEST)])
    took = sum(row.seconds for row in result.rows)
    return kept.store(NAME, Stamp(made=result.made, code=result.code), took, as_tables(result.rows), smallest)


def main(arguments: list[str]) -> int:
    """Write the document, and what reports show."""
    options = parser("diff", __doc__)
    options.add_argument(
        "result", nargs="*", type=Path, help="what `claimcheck diff --json` printed  [default: run it]"
    )
    options.add_argument("--mistakes", action="store_true", help="only the deliberate mistakes, and what is assumed")
    given = options.parse_args(arguments)
    output = Output(given.check)
    if given.mistakes:
        output.renew(DOCUMENT, BLOCKS, others=OF_A_RUN)
    else:
        result = joined([result_of(path) for path in given.result or [None]])
        output.renew(DOCUMENT, {**BLOCKS, **{name: make(result) for name, make in OF_A_RUN.items()}})
        if not given.check:
            print(stored(result))
    return output.ended()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
