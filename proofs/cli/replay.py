"""``claimcheck replay``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from proofs.cli.options import jobs_option, json_option, start_limit_option, step_limit_option
from proofs.cli.output import say
from proofs.exit_codes import BAD_INPUT, INCOMPLETE, OK, REFUTED

_SHOWN = 10
"""Values that left their type, listed per file."""

if TYPE_CHECKING:
    from rich.progress import Progress

    from proofs.adapters import OutsideProgram
    from proofs.file_replay import FileResult, WrittenDivergence


@click.command(
    short_help="run recorded traces on the reference and compare every observation",
    epilog="""\b
Examples:
  claimcheck replay tests/data/conformance/claim-sets.jsonl.gz
  claimcheck replay --json recordings/*.jsonl.gz > result.json
  claimcheck replay --check-locks --divergences /tmp/diverged trace.jsonl
  claimcheck replay --reader tests/data/examples/xl_log.py tests/data/examples/xl.log
  claimcheck replay --c-types tests/data/c-ranges/*/*.jsonl
  claimcheck replay --against './my-ledger --quiet' tests/data/conformance/claim-sets.jsonl.gz""",
)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@json_option()
@jobs_option("Processes; one file each")
@click.option("--check-locks", is_flag=True, help="Check the lock order, and every field's lock, too (slower).")
@click.option("--no-properties", is_flag=True, help="Do not check the properties of each state (faster).")
@click.option("--c-types", is_flag=True, help="Compute with numbers that wrap like C's, and list what does.")
@click.option(
    "--divergences",
    metavar="DIR",
    default="divergences",
    show_default=True,
    help="Where the trace up to a divergence is written.",
)
@click.option(
    "--reader", metavar="FILE.py", help="The files are logs; its `parse` reads their lines: docs/own-logs.md."
)
@click.option("--against", metavar="COMMAND", help="Let this program do the operations: docs/adapters.md.")
@step_limit_option(metavar="SECONDS", help="How long the program may take for an answer.")
@start_limit_option(metavar="SECONDS", help="How long it may take to start.")
@click.pass_context
def replay(
    ctx: click.Context,
    files: tuple[str, ...],
    as_json: bool,
    jobs: int | None,
    check_locks: bool,
    no_properties: bool,
    c_types: bool,
    divergences: str,
    reader: str | None,
    against: str | None,
    step_limit: float,
    start_limit: float,
) -> None:
    """Run traces on the reference; compare every result and every counter.

    The node of an allocation must be the one the node search gives, the block a free one, and a refused allocation
    must have no legal choice. Properties that do not hold on the way are counted; that is no divergence.

    A difference that goes away on numbers that wrap like C's is a wrap, not a divergence: it is counted and listed, and
    the rest of the trace is compared with those numbers.

    What an event of claim-trace/2 does not have is not compared, and counted as not observed. With --reader, the lines
    of your own log become such events.

    With --c-types the reference runs on such numbers from the start. Every value that its type does not hold is
    listed, and where unbounded numbers would have led elsewhere. Properties are not checked then.

    With --against, what the program observes is compared, not what the traces did. It may take other blocks. That it
    crashes, hangs or answers nonsense is a divergence, too.
    """
    from proofs.cli.output import print_json, progress_bar
    from proofs.file_replay import replay_file, replay_log

    if reader is not None and against is not None:
        raise click.UsageError("--reader and --against: one of them")
    if c_types and (against is not None or check_locks):
        raise click.UsageError("--c-types goes with neither --against nor --check-locks")
    work = partial(
        replay_file if reader is None else partial(replay_log, reader=reader),
        check_locks=check_locks,
        check_properties=not no_properties,
        write_to=divergences,
        c_types=c_types,
    )
    program: dict[str, str] | None = None
    if against is not None:
        outside = partial(_outside, against, step_limit, start_limit)
        program = {"command": against, "name": _name(outside)}
        work = partial(work, against=outside)
    with progress_bar() as progress:
        results = _all_files(work, files, jobs, progress)
    if as_json:
        print_json(_as_json(results, program))
    else:
        _print(results, program)
    for result in results:
        if result.error is not None:
            click.echo(f"claimcheck: {result.error}", err=True)
    if any(result.error for result in results):
        ctx.exit(BAD_INPUT)
    if any(result.divergences for result in results):
        ctx.exit(REFUTED)
    if len(results) < len(files) or any(result.interrupted for result in results):
        click.echo("claimcheck: interrupted; the counts are those of what was replayed", err=True)
        ctx.exit(INCOMPLETE)
    ctx.exit(OK)


def _outside(command: str, step_limit: float, start_limit: float) -> OutsideProgram:
    from proofs.adapters import OutsideProgram

    return OutsideProgram(command, step_limit=step_limit, start_limit=start_limit)


def _name(outside: Callable[[], OutsideProgram]) -> str:
    """What the program calls itself. That it cannot be used is said before any file is read."""
    from proofs.adapters import OutsideFailure

    try:
        with outside() as program:
            return program.hello.name
    except OutsideFailure as failure:
        raise click.UsageError(f"--against: {failure}") from None


def _all_files(
    work: partial[FileResult], files: tuple[str, ...], jobs: int | None, progress: Progress | None
) -> list[FileResult]:
    from proofs.parallel import default_jobs, in_processes

    jobs = min(jobs or default_jobs(), len(files))
    if jobs == 1:
        results = []
        task = None if progress is None else progress.add_task("events", total=None)
        for file in files:
            if progress is None or task is None:
                results.append(work(file))
            else:
                results.append(work(file, progress=lambda events: progress.advance(task, events)))
            if results[-1].interrupted:
                break
        return results
    task = None if progress is None else progress.add_task("files", total=len(files))
    by_index: dict[int, FileResult] = {}
    for index, result in in_processes(work, files, jobs):
        by_index[index] = result
        if progress is not None and task is not None:
            progress.advance(task)
    return [by_index[index] for index in sorted(by_index)]


def _as_json(results: list[FileResult], program: dict[str, str] | None) -> dict[str, Any]:
    from proofs.versions import versions

    return {
        "versions": versions("msgspec"),
        **({} if program is None else {"against": program}),
        "files": results,
        "total": _total(results),
    }


def _total(results: list[FileResult]) -> dict[str, int]:
    """The counts of all files, in the order of the table's columns."""
    total = {name: sum(getattr(result, name) for result in results) for name in ("traces", "events", "comparisons")}
    total |= {name: sum(len(getattr(result, name)) for result in results) for name in ("divergences", "wraps")}
    total |= {name: sum(getattr(result, name) for result in results) for name in ("skipped", "not_observed")}
    return {"files": len(results)} | total


def _counts(result: FileResult) -> str:
    """What was compared; zeros only of what matters."""
    counts = {
        "traces": result.traces,
        "events": result.events,
        "comparisons": result.comparisons,
        "divergences": len(result.divergences),
    }
    rare = {"wraps": len(result.wraps), "skipped": result.skipped, "not_observed": result.not_observed}
    rare["lines unread"] = result.unread
    counts |= {name: number for name, number in rare.items() if number}
    return _counted(counts)


def _counted(counts: Mapping[str, int]) -> str:
    """`1 trace, 6 events with boot`: elsewhere boot is not counted."""
    singular = {name: name.removesuffix("s") for name in counts if name != "skipped"}
    named = {name: singular.get(name, name) if number == 1 else name for name, number in counts.items()}
    texts = [f"{number:,} {named[name].replace('_', ' ')}" for name, number in counts.items()]
    return ", ".join(
        f"{text} with boot" if name == "events" else text for name, text in zip(counts, texts, strict=True)
    )


def _print(results: list[FileResult], program: dict[str, str] | None) -> None:

    from proofs.traces.text import one_line

    if program is not None:
        say(f"against {one_line(program['name'])}")
    for result in results:
        say(f"{result.file}: {', '.join(result.semantics)}")
        rate = f"; {result.events / result.seconds:,.0f} events/s" if result.seconds else ""
        say(f"    {_counts(result)}{rate}")
    if len(results) > 1:
        say(f"total: {_counted(_total(results))}")
    for result in results:
        for reason, count in result.not_applicable.items():
            say(f"not sent, {count:,} events of {result.file}: {one_line(reason)}")
        if result.broken:
            heading = f"properties violated on the way in {result.file} (counted, no divergence):"
            say(heading)
        for name, count in sorted(result.broken.items()):
            where = result.first_broken[name]
            say(f"  {name}: after {count:,} events, first at {where}")
        for text in result.crashes:
            say(f"crashed in {result.file}, {one_line(text)}")
    for result in results:
        for wrap in result.wraps[:_SHOWN]:
            say(f"wrapped in {result.file}, {one_line(str(wrap))}")
        if len(result.wraps) > _SHOWN:
            more = f"and {len(result.wraps) - _SHOWN:,} more values that wrapped in {result.file}"
            say(more)
        for text in result.parted:
            say(f"C leads elsewhere in {result.file}, {one_line(text)}")
    _print_divergences([written for result in results for written in result.divergences])


def _print_divergences(written: list[WrittenDivergence]) -> None:
    """The shortest trace of each kind, and how many more there are."""
    from proofs.adapters.kinds import grouped

    files = {id(one.divergence): one.trace_file for one in written}
    for kind, (shortest, *others) in grouped(one.divergence for one in written):
        say(f"diverged: {shortest}")
        if (file := files[id(shortest)]) is not None:
            say(f"  trace up to there: {file}")
        if others:
            say(f"  and {len(others):,} more of this kind ({kind}), in longer traces: --json lists them")
