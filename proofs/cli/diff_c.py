"""``claimcheck diff --c``: the paths of a C file."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from proofs.cli.diff_c_ranges import compared_ranges, print_ranges
from proofs.cli.output import say
from proofs.exit_codes import INCOMPLETE, OK, REFUTED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from proofs.c_paths.difference import CDifference
    from proofs.c_paths.ranges import RangeComparison
    from proofs.c_paths.run import CResult, CTask
    from proofs.diff.world import Size


@contextmanager
def refusing_unreadable_c() -> Iterator[None]:
    """:raises click.UsageError: the file or the map cannot be read, or there is nothing to read C with"""
    from proofs.c_paths.clang_library import LibraryMissingError
    from proofs.c_paths.reading import SourceError

    try:
        yield
    except (SourceError, LibraryMissingError) as error:
        raise click.UsageError(str(error)) from None


def diff_c(
    file: str,
    map_: str | None,
    semantics: Sequence[str],
    operations: Sequence[str],
    sizes: Sequence[Size],
    jobs: int | None,
    rlimit: int,
    as_json: bool,
    out: str | None,
    ranges: bool,
) -> int:
    """Run the comparison and print it; returns the exit code, which ranges do not change."""
    from proofs.c_paths.run import tasks

    generation, chosen, assumed = read_c(file, map_, semantics, operations)
    asked = tasks(file, str(map_), generation, chosen, sizes, rlimit=rlimit, ranges=ranges)
    began = time.perf_counter()
    rows, whole = _run(asked, jobs)
    held = compared_ranges(str(map_), rows) if ranges and whole else None
    whole = whole and (held is not None or not ranges)
    seconds = time.perf_counter() - began
    if out is not None:
        _write(rows, out)
    if as_json:
        _print_json(rows, assumed, seconds, whole, held)
    else:
        _print(rows, assumed, seconds)
        if held is not None:
            print_ranges(held)
    if not whole:
        click.echo("claimcheck: interrupted: what is above was done", err=True)
    return exit_code(rows, whole)


def exit_code(rows: Sequence[CResult], whole: bool) -> int:
    """1 if there is a difference; else 3 if anything is unknown, not supported or not done; else 0."""
    from proofs.c_paths.run import DIFFERS, EQUAL

    if any(row.verdict == DIFFERS for row in rows):
        return REFUTED
    return OK if whole and all(row.verdict == EQUAL for row in rows) else INCOMPLETE


def read_c(
    file: str, map_: str | None, semantics: Sequence[str], operations: Sequence[str]
) -> tuple[str, list[str], list[str]]:
    """The generation, the operations, and the assumptions in words.

    :raises click.UsageError: there is no map, or it has not what is named
    """
    from proofs.c_paths.assumptions import assumptions
    from proofs.c_paths.run import CTask, bound
    from proofs.cli.names import known
    from proofs.diff.world import Size

    if map_ is None:
        raise click.UsageError("--c needs --map MAP.toml: which function is which operation (docs/c-paths.md)")
    source = bound(CTask(file, map_, "", "", Size(1, 1)))
    loaded = source.loaded
    generations = loaded.map.generations
    named = known("generation", list(semantics), generations) if semantics else generations
    if len(named) != 1:
        raise click.UsageError(f"--generation: one of {', '.join(generations)}, which {map_} is for")
    chosen = known("operation", list(operations), list(loaded.map.operations), all_means=True)
    return named[0], chosen, assumptions(loaded, named[0])


def _run(asked: list[CTask], jobs: int | None) -> tuple[list[CResult], bool]:
    from proofs.c_paths.run import work
    from proofs.cli.output import progress_bar
    from proofs.diff.run import SIZES
    from proofs.parallel import default_jobs, in_processes

    rows: list[CResult] = []
    with progress_bar() as progress:
        bar = None if progress is None else progress.add_task("exploring", total=len(asked))
        for number, (_, found) in enumerate(in_processes(work, asked, jobs or default_jobs()), 1):
            rows += found
            if progress is not None and bar is not None:
                progress.update(bar, completed=number)
    operations, sizes = [task.operation for task in asked], [str(size) for size in SIZES]
    place = {size: n for n, size in enumerate(sizes)}
    rows.sort(key=lambda row: (operations.index(row.operation), place.get(row.size, len(place)), row.size))
    return rows, len(rows) == len(asked)


def _print_json(
    rows: list[CResult],
    assumed: list[str],
    seconds: float,
    whole: bool,
    ranges: dict[str, list[RangeComparison]] | None,
) -> None:
    from proofs.cli.output import print_json
    from proofs.prover.verdict import versions

    content: dict[str, Any] = {
        "versions": versions(),
        "assumed": assumed,
        "seconds": round(seconds, 1),
        "interrupted": not whole,
    }
    compared = {} if ranges is None else {"ranges": ranges}
    print_json({**content, "rows": rows, **compared})


def _print(rows: list[CResult], assumed: list[str], seconds: float) -> None:
    from proofs.cli.output import show_table, table

    shown = table("operation", "hosts", "paths#", "run for real#", "queries#", "verdict")
    for name in dict.fromkeys(row.operation for row in rows):
        here = [row for row in rows if row.operation == name]
        sums = [f"{sum(getattr(row, field) for row in here):,}" for field in ("paths", "ran", "queries")]
        shown.add_row(name, " ".join(row.size for row in here), *sums, _worst(here))
    show_table(shown)
    for row in rows:
        if row.reason:
            say(f"{row.verdict}: {row.operation} {row.size}: {row.reason}")
        if row.difference is not None:
            show(row.difference)
    say("assumed of the state before:")
    for line in assumed:
        say(f"  {line}")
    for line in dict.fromkeys(departure for row in rows for departure in row.departures):
        say(f"leaves its type: {line}")
    counts = Counter(row.verdict for row in rows)
    verdicts = ", ".join(f"{number} {verdict}" for verdict, number in counts.items())
    paths, ran = sum(row.paths for row in rows), sum(row.ran for row in rows)
    queries = sum(row.queries for row in rows)
    say(f"{verdicts}; {paths:,} paths, {ran:,} of them run for real, {queries:,} queries; {seconds:.1f} s")


def _worst(rows: Sequence[CResult]) -> str:
    from proofs.c_paths.run import DIFFERS, EQUAL, UNDECIDED, UNSUPPORTED

    found = {row.verdict for row in rows}
    return next(verdict for verdict in (DIFFERS, UNSUPPORTED, UNDECIDED, EQUAL) if verdict in found)


def show(found: CDifference) -> None:
    """A difference."""
    say(f"differs: {found.operation} {found.nodes}x{found.domains}: {found.how}")
    say(f"  arguments: {_listed(found.arguments) or 'none'}")
    say(f"  state: {_listed(found.state) or 'all counters are 0'}")
    say(f"  the C code: {found.result}{f' ({found.ended})' if found.ended else ''}; the model: {found.expected}")
    for name, (ours, theirs) in found.after.items():
        say(f"  {name} becomes {ours}, in the model {theirs}")
    for line in found.departures:
        say(f"  leaves its type: {line}")
    say("  the path through the source:")
    for line in found.path:
        say(f"    {line}")
    if found.trace:
        say("  a trace from boot whose last operation shows it (the results are those that are right):")
        for line in found.trace:
            click.echo(f"    {line}")
    else:
        say("  no trace from boot was found: it is not known whether the state is reachable")


def _listed(values: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in values.items())


def _write(rows: Sequence[CResult], out: str) -> None:
    """Write each difference as a trace and as a test."""
    for row in rows:
        found = row.difference
        if found is None or not found.trace:
            continue
        base = Path(out) / f"{row.operation}-{row.size}"
        try:
            base.parent.mkdir(parents=True, exist_ok=True)
            base.with_suffix(".jsonl").write_text("\n".join(found.trace) + "\n", encoding="utf-8")
            if found.test:
                base.with_suffix(".c").write_text(found.test, encoding="utf-8")
        except OSError as error:
            raise click.UsageError(f"{out}: {error.strerror}") from None
