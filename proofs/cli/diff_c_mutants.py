"""``claimcheck diff --c --mutants``: every single change of a C file, and what kills it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from proofs.cli.output import say
from proofs.exit_codes import INCOMPLETE, OK, REFUTED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proofs.c_paths.edits import CEdit
    from proofs.c_paths.mutants import CMutantResult, CMutantRun, MutantTask
    from proofs.diff.world import Size


def diff_c_mutants(
    file: str,
    map_: str | None,
    semantics: Sequence[str],
    operations: Sequence[str],
    sizes: Sequence[Size],
    jobs: int | None,
    as_json: bool,
    results: str,
) -> int:
    """Judge the changes that the results do not have yet, and print all; returns the exit code.

    :raises click.UsageError: the results cannot be read or written
    """
    from proofs.c_paths.edits import edits
    from proofs.c_paths.mutants import CMutantRun, code_of
    from proofs.c_paths.run import CTask, bound
    from proofs.cli.diff_c import read_c
    from proofs.cli.output import print_json
    from proofs.diff.world import Size
    from proofs.prover.verdict import versions

    try:
        generation, chosen, _ = read_c(file, map_, semantics, operations)
        source = bound(CTask(file, str(map_), "", "", Size(1, 1)))
        run = CMutantRun(file, str(map_), generation, chosen, code_of(source, generation, chosen), versions())
        asked = _asked(run, edits(source, chosen), sizes, _kept(Path(results), run.code))
        whole = _judge(asked, run, jobs, Path(results))
    except OSError as error:
        raise click.UsageError(f"{results}: {error.strerror}") from None
    if as_json:
        print_json(run)
    else:
        _print(run)
    if not whole:
        click.echo("claimcheck: interrupted: the same command resumes it", err=True)
    return exit_code(run, whole)


def encoded(run: CMutantRun) -> bytes:
    """What is kept: a line for each change."""
    import msgspec

    head = msgspec.json.encode(msgspec.structs.replace(run, results=[]))
    lines = b",\n".join(msgspec.json.encode(result) for result in run.results)
    return head.removesuffix(b"]}") + b"\n" + lines + b"\n]}\n"


def exit_code(run: CMutantRun, whole: bool) -> int:
    """1 if a change is alive; else 3 if one is not judged; else 0."""
    from proofs.c_paths.mutants import ALIVE, OPEN

    found = {result.verdict for result in run.results}
    if ALIVE in found:
        return REFUTED
    return OK if whole and OPEN not in found else INCOMPLETE


def _kept(results: Path, code: str) -> dict[str, CMutantResult]:
    """What an earlier run found; results of other code do not count.

    :raises click.UsageError: they are no results
    """
    import msgspec

    from proofs.c_paths.mutants import CMutantRun

    if not results.exists():
        return {}
    try:
        earlier = msgspec.json.decode(results.read_bytes(), type=CMutantRun)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise click.UsageError(f"{results}: holds no results of --mutants: name a new file") from None
    if earlier.code != code:
        click.echo(f"claimcheck: {results} is of other code: every change is judged again", err=True)
        return {}
    return {result.key: result for result in earlier.results}


def _asked(
    run: CMutantRun, edits: Sequence[CEdit], sizes: Sequence[Size], kept: dict[str, CMutantResult]
) -> list[MutantTask]:
    """What is still to be judged. The run gets a result for every change, in the order of the text."""
    from proofs.c_paths.mutants import MutantTask, is_done, not_judged

    asked = []
    for edit in edits:
        result = kept.get(edit.key) or not_judged(edit)
        run.results.append(result)
        if not is_done(result, sizes):
            task = (run.file, run.map, run.generation, tuple(run.operations))
            asked.append(MutantTask(*task, edit, tuple(sizes), result))
    return asked


def _judge(asked: list[MutantTask], run: CMutantRun, jobs: int | None, results: Path) -> bool:
    """Whether all were judged; each result is kept at once."""
    from proofs.atomic import write_atomically
    from proofs.c_paths.mutants import judged
    from proofs.cli.output import progress_bar
    from proofs.parallel import default_jobs, in_processes

    place = {result.key: number for number, result in enumerate(run.results)}
    done = 0
    with progress_bar() as progress:
        bar = None if progress is None else progress.add_task("changes", total=len(asked))
        for _, found in in_processes(judged, asked, jobs or default_jobs()):
            if found is None:
                continue
            done += 1
            run.results[place[found.key]] = found
            write_atomically(results, encoded(run), durable=False)
            if progress is not None and bar is not None:
                progress.update(bar, completed=done)
    return done == len(asked)


def _print(run: CMutantRun) -> None:
    from proofs.c_paths.mutants import ALIVE, KILLED, OPEN
    from proofs.cli.output import show_table, table

    shown = table("function", "changes#", "killed#", "the same#", "alive#", "other#")
    for name in dict.fromkeys(result.function for result in run.results):
        here = Counter(result.verdict for result in run.results if result.function == name)
        known = [here[verdict] for verdict in (KILLED, "the same", ALIVE)]
        shown.add_row(name, *map(str, (here.total(), *known, here.total() - sum(known))))
    show_table(shown)
    for result in run.results:
        if result.verdict in (ALIVE, OPEN):
            detail = result.why or (f"equal on {' '.join(result.equal)}" if result.equal else "")
            line = f"{result.verdict}: {run.file}:{result.line}: {result.before} -> {result.after}"
            say(f"{line}{f': {detail}' if detail else ''}")
    counts = Counter(result.verdict for result in run.results)
    seconds = sum(result.seconds for result in run.results)
    verdicts = ", ".join(f"{number} {verdict}" for verdict, number in counts.items())
    say(f"{len(run.results)} changes: {verdicts}; {seconds:.0f} s of processor time")
