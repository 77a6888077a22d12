"""``claimcheck diff``."""

from __future__ import annotations

import re
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from proofs.cli.options import generation_option, jobs_option, json_option, mistake_option
from proofs.cli.output import say
from proofs.exit_codes import BAD_INPUT, INCOMPLETE, OK, REFUTED

if TYPE_CHECKING:
    from proofs.diff.run import OperationResult, Task
    from proofs.diff.smallest import ReferenceDifference
    from proofs.diff.world import Size


@click.command(
    short_help="the reference's own code on any counters: every path against the model",
    epilog="""\b
Examples:
  claimcheck diff
  claimcheck diff --shape 2x2 --operation alloc_heap_pages
  claimcheck diff --generation claim-sets --generation per-node-v8 --json
  claimcheck diff --mistake recalls-one-too-many
  claimcheck diff --c ledger.c --map ledger.toml --generation claim-sets""",
)
@generation_option(multiple=True, help="A generation; several, or `all`.  [default: all]")
@click.option("--operation", "operations", multiple=True, help="An operation; several, or `all`.  [default: all]")
@click.option(
    "--shape", "shapes", multiple=True, metavar="NxD", help="Nodes x domains; several.  [default: 1x1 2x2 3x2 2x3 3x3]"
)
@mistake_option("the reference")
@click.option("--c", "c_file", metavar="FILE.c", help="Instead of the reference: the functions of a C file.")
@click.option("--map", "map_", metavar="FILE.toml", help="With --c: which functions and variables are which.")
@click.option("--out", metavar="DIR", help="With --c: write differences there, as traces and as tests in C.")
@click.option(
    "--mutants", metavar="FILE.json", help="With --c: every single change of the code; results are kept there."
)
@click.option("--ranges", is_flag=True, help="With --c: hold the ranges of its values against those of the model's.")
@jobs_option()
@click.option(
    "--rlimit", type=click.IntRange(min=0), default=0, show_default=True, help="Work per question; 0: no limit."
)
@json_option()
@click.pass_context
def diff(
    ctx: click.Context,
    semantics: tuple[str, ...],
    operations: tuple[str, ...],
    shapes: tuple[str, ...],
    mistake: str,
    c_file: str | None,
    map_: str | None,
    out: str | None,
    mutants: str | None,
    ranges: bool,
    jobs: int | None,
    rlimit: int,
    as_json: bool,
) -> None:
    """Run the reference on unknown counters and arguments, and prove of every path that it ends as the model says.

    Hosts have N nodes and D domains; the state before is any that has what every generation keeps. Together the paths
    cover every input. For a difference the smallest input is shown, re-run on the reference: as a trace from
    boot, or as a state of which it is not known whether it is reachable.

    With `--c`, the same for functions in C, with C's types; each path is also run by the compiled code.

    With `--mutants`, every single change of an operator, comparison, condition, constant, statement or cast is
    judged: an input kills it, or it compiles to the same code, or it is alive: equal on the hosts judged. Results that
    an earlier run of the same code left in the file are kept.

    With `--ranges`, every value that the model computes for an operation, proved to be in its C type or not, is held
    against the file's values of the same form: those that add and subtract the same counters.
    """
    from proofs.cli.mistakes import mistake_named
    from proofs.cli.names import known, known_semantics
    from proofs.diff.operations import OPERATIONS
    from proofs.diff.run import SIZES, tasks
    from proofs.mistakes.catalogue import CATALOGUE, OF_REFERENCE
    from proofs.parallel import default_jobs

    sizes = [_size(shape) for shape in dict.fromkeys(shapes)] or list(SIZES)
    if c_file is not None:
        from proofs.cli.diff_c import diff_c, refusing_unreadable_c

        if mistake:
            raise click.UsageError("--mistake is about the reference: it does not go with --c")
        with refusing_unreadable_c():
            if mutants is not None:
                from proofs.cli.diff_c_mutants import diff_c_mutants

                if out is not None or rlimit or ranges:
                    raise click.UsageError("--out, --rlimit and --ranges do not go with --mutants")
                ctx.exit(diff_c_mutants(c_file, map_, semantics, operations, sizes, jobs, as_json, mutants))
            ctx.exit(diff_c(c_file, map_, semantics, operations, sizes, jobs, rlimit, as_json, out, ranges))
    if map_ is not None or out is not None or mutants is not None or ranges:
        raise click.UsageError("--map, --out, --mutants and --ranges go with --c FILE.c")
    names = known_semantics(semantics, all_means=True)
    chosen = known("operation", operations, list(OPERATIONS), all_means=True)
    mistake = mistake_named(mistake, OF_REFERENCE)
    if mistake:
        edit = CATALOGUE[mistake].edit
        names = list(semantics and names) or CATALOGUE[mistake].generations
        chosen = list(operations and chosen) or ([edit.operation] if edit else chosen)
    began = time.perf_counter()
    asked = tasks(names, chosen, sizes, rlimit)
    rows, whole = _run(asked, jobs or default_jobs(), mistake)
    seconds = time.perf_counter() - began
    if as_json:
        _print_json(rows, seconds, whole, mistake, rlimit)
    else:
        _print(rows, seconds)
    if not whole:
        click.echo("claimcheck: interrupted: what is above was done", err=True)
    ctx.exit(exit_code(rows, whole))


def exit_code(rows: list[OperationResult], whole: bool) -> int:
    """1 if there is a difference; else 3 if anything is unknown or was not done; else 0."""
    from proofs.prover.verdict import Verdict

    if any(row.verdict is Verdict.REFUTED for row in rows):
        return REFUTED
    if not whole or any(row.verdict is Verdict.UNKNOWN for row in rows):
        return INCOMPLETE
    return OK


def _size(shape: str) -> Size:
    from proofs.diff.world import Size

    size = re.fullmatch(r"([1-9])x([1-9])", shape)
    if size is None:
        raise click.UsageError(f"--shape is NODESxDOMAINS as in 2x3 (at most 9x9), not {shape!r}")
    return Size(int(size[1]), int(size[2]))


def _run(asked: list[Task], jobs: int, mistake: str) -> tuple[list[OperationResult], bool]:
    """All rows, and whether none is missing; with a progress bar where standard error is a terminal."""
    from functools import partial

    from proofs.cli.output import progress_bar
    from proofs.diff.run import ordered, work
    from proofs.diff.selftest import work_with
    from proofs.parallel import in_processes

    rows: list[OperationResult] = []
    done = work if not mistake else partial(work_with, mistake)
    with progress_bar() as progress:
        bar = None if progress is None else progress.add_task("exploring", total=len(asked))
        for number, (_, found) in enumerate(in_processes(done, asked, jobs), 1):
            rows += found
            if progress is not None and bar is not None:
                progress.update(bar, completed=number)
    return ordered(rows), len(rows) == sum(len(task.semantics) for task in asked)


def _print_json(rows: list[OperationResult], seconds: float, whole: bool, mistake: str, rlimit: int) -> None:
    from proofs.cli.output import print_json
    from proofs.diff.run import ASSUMED
    from proofs.evidence.dated import stamp
    from proofs.prover.verdict import versions

    content: dict[str, Any] = {
        **stamp(),
        "versions": versions(),
        "assumed": ASSUMED,
        "rlimit": rlimit,
        "mistake": mistake,
        "seconds": round(seconds, 1),
        "interrupted": not whole,
    }
    print_json({**content, "rows": rows})


def _print(rows: list[OperationResult], seconds: float) -> None:
    from proofs.cli.output import show_table, table
    from proofs.diff.report import by_operation
    from proofs.prover.verdict import Verdict

    shown = table("operation", "generations#", "paths#", "queries#", "verdict")
    for line in by_operation(rows):
        shown.add_row(line[0], line[2], line[5], line[6], line[8])
    show_table(shown)
    for row in rows:
        if row.verdict is Verdict.UNKNOWN:
            click.echo(f"unknown: {row.semantics} {row.operation} {row.size}: {row.reason}")
        if row.difference is not None:
            show(row.difference, row)
    counts = Counter(row.verdict for row in rows)
    verdicts = ", ".join(f"{counts[v]} {v.value}" for v in Verdict if counts[v])
    paths, queries = sum(row.paths for row in rows), sum(row.queries for row in rows)
    shapes = " ".join(dict.fromkeys(row.size for row in rows))
    say(f"{verdicts} on {shapes}; {paths:,} paths, {queries:,} queries to the solver; {seconds:.1f} s")


def show(found: ReferenceDifference, row: OperationResult) -> None:
    """A difference."""
    click.echo(f"differs: {row.semantics} {row.operation} {row.size}: {found.how}")
    click.echo(f"  arguments: {_listed(found.arguments)}")
    click.echo(f"  state: {_listed(found.state)}")
    click.echo(f"  the reference answers {found.reference} and changes: {_listed(found.after) or 'nothing'}")
    if found.trace:
        click.echo("  from boot, both sides run again on these numbers:")
        for line in _script(found.trace).splitlines():
            click.echo(f"    {line}")
    else:
        click.echo("  no trace from boot was found: it is not known whether the state is reachable")


def _script(trace: list[str]) -> str:
    """A trace as a script."""
    from proofs.script.plain import plain_script
    from proofs.traces import read_traces

    (read,) = read_traces("the trace", "\n".join(trace).encode())
    return plain_script(read.header.semantics, read.header.host, read.read_so_far(), read.header.source)


def _listed(values: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in values.items())


if __name__ == "__main__":
    try:
        raise SystemExit(diff.main(standalone_mode=False))
    except click.ClickException as error:
        click.echo(f"claimcheck: {error.format_message()}", err=True)
        raise SystemExit(BAD_INPUT) from None
