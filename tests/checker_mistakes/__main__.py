"""`make mutants-of-the-checker`: every mistake judged, and docs/checker-mistakes.md written from what came of it."""

from __future__ import annotations

import contextlib
import sys
import time
from datetime import UTC, datetime

import click

from docs._make import checker_mistakes
from proofs.exit_codes import INCOMPLETE, OK, REFUTED
from proofs.parallel import default_jobs
from proofs.prover.verdict import versions
from tests.checker_mistakes.mistake import catalogue
from tests.checker_mistakes.run import MistakeOutcome, failing_without, judged
from tests.checker_mistakes.stored import CheckerMistakesRun, JudgedMistake, fingerprint, journal, store


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--jobs", default=default_jobs(), show_default="one a processor", help="Mistakes at the same time.")
@click.option("--only", multiple=True, help="Only mistakes whose name or kind contains this; nothing is stored.")
@click.option("--again", is_flag=True, help="Judge again what an earlier run of the same code judged.")
def main(jobs: int, only: tuple[str, ...], again: bool) -> None:
    """Judge the mistakes in the checker: the test that is named for each has to fail, and to pass without it.

    \b
    python -m tests.checker_mistakes
    python -m tests.checker_mistakes --only cache --only vacuity
    """
    mistakes = [m for m in catalogue() if not only or any(o in f"{m.kind} {m.name}" for o in only)]
    kept = journal()
    if again or only:
        kept.results.clear()
    todo = [m for m in mistakes if m.name not in kept.results]
    started = time.monotonic()
    with contextlib.suppress(KeyboardInterrupt):
        failing = failing_without(sorted({m.noticed_by for m in todo}), jobs) if todo else []
        for name in failing:
            click.echo(f"fails without any mistake: {name}")
        for mistake, result in judged([m for m in todo if m.noticed_by not in failing], jobs):
            kept.add(result) if not only else kept.results.update({result.name: result})
            click.echo(_line(mistake.kind, result, mistake.noticed_by))
    found = [(m, kept.results[m.name]) for m in mistakes if m.name in kept.results]
    unnoticed = [m.name for m, result in found if not result.noticed]
    left = len(mistakes) - len(found)
    if not only and not left:
        seconds = round(time.monotonic() - started, 1)
        of_today = [JudgedMistake(m.kind, m.says, m.noticed_by, result) for m, result in found]
        today = datetime.now(UTC).date().isoformat()
        store(CheckerMistakesRun(today, fingerprint(), versions(), jobs, seconds, of_today))
        checker_mistakes.main([])
    click.echo(f"{len(found)} mistakes in the checker, {len(unnoticed)} unnoticed, {left} not judged")
    sys.exit(REFUTED if unnoticed else INCOMPLETE if left else OK)


def _line(kind: str, result: MistakeOutcome, by: str) -> str:
    what = f"noticed by {by}" if result.noticed else f"NOT NOTICED by {by}: {result.why}"
    return f"{kind}: {result.name}: {what}, {result.seconds:.1f} s"


if __name__ == "__main__":
    main()
