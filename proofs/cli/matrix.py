"""The verdict matrix on the terminal; part of ``claimcheck prove``."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING

import click

from proofs.cli.output import say
from proofs.exit_codes import INCOMPLETE, OK, REFUTED

if TYPE_CHECKING:
    from proofs.cli.properties import PropertyName
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
        click.echo(f"claimcheck: interrupted: {len(interrupted.cells)} verdicts are there", err=True)
        return interrupted.cells, False


def show_matrix(
    semantics: list[str],
    properties: list[PropertyName],
    jobs: int,
    as_json: bool,
    cached: bool,
    cross_check: bool = False,
) -> int:
    """Compute the rows of these properties and print them.

    :returns: the exit code
    :raises click.UsageError: a property is named with conditions on which it is not judged
    """
    for name in properties:
        _check_conditions(name)
    ids = list(dict.fromkeys(name.id for name in properties))
    started = time.perf_counter()
    cells, whole = computed(semantics, ids, jobs, cached)
    cells = [cell for cell in cells if any(name.covers(*_judged(cell)) for name in properties)]
    seconds = time.perf_counter() - started
    crossed = None
    if cross_check and whole:
        from proofs.cli.cross_check import checked
        from proofs.matrix.asked import all_questions
        from proofs.prover.verdict import Settings

        try:
            crossed = checked(all_questions(semantics, ids, jobs), Settings(), jobs)
        except KeyboardInterrupt:
            click.echo("claimcheck: interrupted before any query was sent to cvc5", err=True)
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


def _judged(cell: CellVerdict) -> tuple[str, tuple[str, ...], bool]:
    """The part, its conditions, and whether the verdict holds on more conditions too: a refutation does not."""
    from proofs.prover.verdict import Verdict

    return cell.row.part, cell.row.conditions, cell.verdict is not Verdict.REFUTED


def _check_conditions(name: PropertyName) -> None:
    from proofs.matrix.rows import rows

    there = [row for row in rows() if name.id == row.part.partition(".")[0] and name.part in ("", row.part)]
    if name.conditions is not None and not any(set(row.conditions) == set(name.conditions) for row in there):
        named = " and ".join(name.conditions)
        raise click.UsageError(
            f"{name.part or name.id} is not judged if {named}; rows of the matrix: {', '.join(r.name for r in there)}"
        )


def exit_code(cells: list[CellVerdict]) -> int:
    """1 if a promise of the design is refuted, of whatever generation; else 3 if anything is unknown; else 0."""
    from proofs.matrix.rows import DESIGN, promised
    from proofs.prover.verdict import Verdict

    if any(cell.verdict is Verdict.REFUTED and promised(DESIGN, cell.row) for cell in cells):
        return REFUTED
    return INCOMPLETE if any(cell.verdict is Verdict.UNKNOWN for cell in cells) else OK


def _print(semantics: list[str], cells: list[CellVerdict], seconds: float) -> None:
    from proofs.cli.output import show_table, table
    from proofs.matrix.report import LEGEND, table_rows
    from proofs.matrix.rows import DESIGN, promised
    from proofs.prover.verdict import Verdict
    from proofs.refinement.premises import notes

    one = len(semantics) == 1
    headings = ["verdict"] if one else [str(number) for number in range(1, len(semantics) + 1)]
    shown = table("property", *headings)
    for line in table_rows(cells):
        shown.add_row(*line)
    show_table(shown)
    for number, name in enumerate([] if one else semantics, 1):
        click.echo(f"{number:3} {name}")
    say(LEGEND.replace("`", ""))
    said = (Verdict.PROVED, Verdict.REFUTED)
    for note in notes((cell.row.part, cell.semantics) for cell in cells if cell.verdict in said):
        say(note)
    for cell in cells:
        if cell.verdict is Verdict.UNKNOWN:
            say(f"unknown: {cell.semantics} {cell.row.name}: {cell.reason}")
    for name in semantics:
        of_one = [cell for cell in cells if cell.semantics == name]
        broken = [c for c in of_one if c.verdict is Verdict.REFUTED and promised(DESIGN, c.row)]
        if broken:
            say(f"{name} does not keep: {', '.join(cell.row.name for cell in broken)}.")
    counts = Counter(cell.verdict for cell in cells)
    dates = sorted({cell.stored for cell in cells if cell.stored})
    when = f"stored {' to '.join(dict.fromkeys((dates[0], dates[-1])))}" if dates else f"{seconds:.1f} s"
    say(f"{len(cells)} verdicts: {', '.join(f'{counts[v]} {v.value}' for v in Verdict if counts[v])}; {when}")
