"""The verdict matrix on the terminal; part of ``claimcheck prove``."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING

import click

from proofs.exit_codes import INCOMPLETE, OK, REFUTED

if TYPE_CHECKING:
    from proofs.matrix.cells import CellVerdict


def computed(semantics: list[str], ids: list[str], jobs: int, cached: bool) -> tuple[list[CellVerdict], bool]:
    """The matrix, and whether all of it was judged; with a progress bar where standard error is a terminal."""
    from proofs.cli.output import progress_bar
    from proofs.matrix.matrix import InterruptedMatrix, matrix
    from proofs.matrix.stored import FOLDER

    folder = FOLDER if cached else ""
    try:
        with progress_bar() as progress:
            if progress is None:
                return matrix(semantics, ids, jobs, cache=folder), True
            task = progress.add_task("judging", total=len(semantics))
            return matrix(
                semantics, ids, jobs, lambda n, of: progress.update(task, completed=n, total=of), folder
            ), True
    except InterruptedMatrix as interrupted:
        click.echo(f"claimcheck: interrupted: {len(interrupted.cells)} cells were judged", err=True)
        return interrupted.cells, False


def show_matrix(
    semantics: list[str], ids: list[str], jobs: int, as_json: bool, cached: bool, cross_check: bool = False
) -> int:
    """Compute and print it; gives the exit code."""
    started = time.perf_counter()
    cells, whole = computed(semantics, ids, jobs, cached)
    seconds = time.perf_counter() - started
    crossed = None
    if cross_check and whole:
        from proofs.cli.cross_check import checked
        from proofs.matrix.asked import all_questions
        from proofs.prover.verdict import Settings

        try:
            crossed = checked(all_questions(semantics, ids, jobs), Settings(), jobs)
        except KeyboardInterrupt:
            click.echo("claimcheck: interrupted before cvc5 was asked", err=True)
            whole = False
    if as_json:
        from proofs.cli.output import print_json
        from proofs.matrix.report import as_data
        from proofs.prover.verdict import versions

        content = {"versions": versions(), "seconds": round(seconds, 1), "interrupted": not whole}
        second = {"cross_check": crossed.as_data()} if crossed is not None else {}
        print_json({**content, "cells": as_data(cells), **second})
    else:
        _print(semantics, cells, seconds)
        if crossed is not None:
            crossed.show()
    codes = [exit_code(cells), OK if whole else INCOMPLETE, *([crossed.code()] if crossed is not None else [])]
    return REFUTED if REFUTED in codes else max(codes)


def exit_code(cells: list[CellVerdict]) -> int:
    """1 if the design's own promise is refuted; else 3 if anything is unknown; else 0."""
    from proofs.matrix.rows import promised
    from proofs.prover.verdict import Verdict

    if any(cell.verdict is Verdict.REFUTED and promised(cell.semantics, cell.row) for cell in cells):
        return REFUTED
    return INCOMPLETE if any(cell.verdict is Verdict.UNKNOWN for cell in cells) else OK


def _print(semantics: list[str], cells: list[CellVerdict], seconds: float) -> None:
    from proofs.cli.output import console, table
    from proofs.matrix.report import LEGEND, table_rows
    from proofs.prover.verdict import Verdict

    out = console()
    shown = table("property", *(str(number) for number in range(1, len(semantics) + 1)))
    for line in table_rows(cells):
        shown.add_row(*line)
    out.print(shown)
    for number, name in enumerate(semantics, 1):
        click.echo(f"{number:3} {name}")
    click.echo(LEGEND.replace("`", ""))
    for cell in cells:
        if cell.verdict is Verdict.UNKNOWN:
            click.echo(f"unknown: {cell.semantics} {cell.row.name}: {cell.reason}")
    counts = Counter(cell.verdict for cell in cells)
    click.echo(", ".join(f"{counts[v]} {v.value}" for v in Verdict) + f"; {seconds:.1f} s")
    dates = Counter(cell.stored for cell in cells if cell.stored)
    for date, number in sorted(dates.items()):
        click.echo(f"{number} of them from the cache, stored {date}")
