"""`make mutation`: every mutant judged, and docs/mutation.md written from what came of it."""

from __future__ import annotations

import contextlib
import sys
import time

import click

from docs._make import mutation
from proofs.evidence.dated import stamp
from proofs.evidence.mutants import Ending, MutantResult, MutationRun, unexplained
from proofs.exit_codes import INCOMPLETE, OK, REFUTED
from proofs.parallel import default_jobs
from proofs.prover.verdict import versions
from tests.mutants.mutant import SIDES, CompiledMutant, mutants
from tests.mutants.stored import Journal, journal, store


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--side", "sides", type=click.Choice(list(SIDES)), multiple=True, help="Only this side; without the option, both."
)
@click.option("--most", default=1, show_default=True, help="Mutants of one operator in one function, at most.")
@click.option("--jobs", default=default_jobs(), show_default="one a processor", help="Mutants at the same time.")
@click.option("--only", default="", help="Only mutants whose name contains this; nothing is stored.")
def main(sides: tuple[str, ...], most: int, jobs: int, only: str) -> None:
    """Judge the mutants of the reference and of the model. What an earlier run of the same code judged is not judged again.

    \b
    python -m tests.mutants
    python -m tests.mutants --side reference --most 3
    python -m tests.mutants --only checked_entries
    """
    judged_before = journal()
    chosen = {side: [m for m in mutants(side, most) if only in m.mutant.name] for side in sides or SIDES}
    started = time.process_time()
    with contextlib.suppress(KeyboardInterrupt):
        for side, made in chosen.items():
            todo = sorted((m for m in made if m.mutant.key not in judged_before.results), key=lambda m: m.mutant.key)
            _judge(side, todo, jobs, judged_before)
    everything = [m for made in chosen.values() for m in made]
    results = [judged_before.results[m.mutant.key] for m in everything if m.mutant.key in judged_before.results]
    left = len(everything) - len(results)
    survivors = unexplained(results)
    for result in survivors:
        click.echo(_line(result))
    if not only and not sides:
        seconds = time.process_time() - started + sum(result.seconds for result in results)
        given = {side: sum(1 for _ in mutants(side)) for side in SIDES}
        run = MutationRun(**stamp(), versions=versions(), most=most, of=given, left=left, seconds=round(seconds))
        store(run, results)
        mutation.main([])
    click.echo(f"{len(results)} mutants, {len(survivors)} survive without an explanation, {left} not judged")
    sys.exit(REFUTED if survivors else INCOMPLETE if left else OK)


def _judge(side: str, todo: list[CompiledMutant], jobs: int, kept: Journal[MutantResult]) -> None:
    from proofs.cli.output import progress_bar
    from tests.mutants.run import judge_of, judged

    if not todo:
        return
    judge = judge_of(side)
    with progress_bar() as progress:
        task = None if progress is None else progress.add_task(f"mutants of the {side}", total=len(todo))
        for result in judged(judge, todo, jobs):
            kept.add(result)
            if progress is not None and task is not None:
                progress.advance(task)


def _line(result: MutantResult) -> str:
    m, judged = result.mutant, result.judged
    assert judged.ending is Ending.SURVIVED
    return f"survived: {m.name} ({m.key}), line {m.line}: {m.before} -> {m.after}: {judged.what}"


if __name__ == "__main__":
    main()
