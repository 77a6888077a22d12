"""``claimcheck report``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from proofs.cli.options import generation_option, jobs_option, json_option
from proofs.exit_codes import INCOMPLETE

if TYPE_CHECKING:
    from proofs.evidence.structure import Evidence


@click.command(
    short_help="the whole evidence: JSON, JUnit XML, Markdown and one HTML file",
    epilog="""\b
Examples:
  claimcheck report
  claimcheck report --generation claim-sets --generation claim-sets-hardened --out /tmp/report
  claimcheck report --property node-backed --without tests
  claimcheck report --from report/evidence.json --out /tmp/again""",
)
@generation_option(multiple=True, default=("all",), show_default=True, help="Generation; several, or `all`.")
@click.option(
    "--property",
    "properties",
    multiple=True,
    default=("all",),
    show_default=True,
    help="Several, or `all`; with all parts.",
)
@click.option("--without", multiple=True, metavar="SECTION", help="Leave a section out; several. It shows as not run.")
@click.option("--from", "source", metavar="FILE", help="Show stored evidence instead of collecting it.")
@click.option("--out", metavar="DIR", default="report", show_default=True, help="Where the four files go.")
@click.option("--no-cache", is_flag=True, help="Make all of it again instead of showing stored results (half an hour).")
@jobs_option()
@json_option("Print what came out of it as JSON.")
@click.pass_context
def report(
    ctx: click.Context,
    semantics: tuple[str, ...],
    properties: tuple[str, ...],
    without: tuple[str, ...],
    source: str | None,
    out: str,
    no_cache: bool,
    jobs: int | None,
    as_json: bool,
) -> None:
    """Prove, replay and test everything, and write it down for others to read, check and repeat.

    In a checkout the verdict matrix is the one that is stored with the project. The report marks it as stored, with its
    date and whether the code changed since, and runs every trace of it again. In the same way it shows stored results
    of the sections cross-check, spacer and diff, and makes a part of each again. --no-cache makes all of it again.

    Writes evidence.json, junit.xml, summary.md and report.html, which needs no network and no other file. With Ctrl-C
    all but the page are written with what was finished; the rest shows as not run.
    """
    from proofs.parallel import default_jobs

    workers = jobs or default_jobs()
    texts: dict[str, str] = {}
    made = partial(_collected, semantics, properties, without, workers, not no_cache, texts)
    collect = made if source is None else partial(_unchanged, source)
    try:
        _report(ctx, collect, source is not None, out, workers, as_json, texts)
    except KeyboardInterrupt:
        click.echo("claimcheck: interrupted: no section was finished, nothing is written", err=True)
        ctx.exit(INCOMPLETE)


def _report(
    ctx: click.Context,
    collect: Callable[[], Evidence],
    stored: bool,
    out: str,
    workers: int,
    as_json: bool,
    texts: dict[str, str],
) -> None:
    from proofs.evidence.collect import interrupted, is_empty
    from proofs.report.verdict import exit_code, failures, open_points, total
    from proofs.report.write import write
    from proofs.traces.text import one_line

    _needs("jinja2", "matplotlib")
    evidence = collect()
    ended = not stored and interrupted(evidence)
    if ended and is_empty(evidence):
        raise KeyboardInterrupt
    try:
        paths = write(evidence, Path(out), workers, page=not ended, texts=texts)
    except OSError as error:
        raise click.ClickException(one_line(f"{error.filename or out}: cannot be written: {error.strerror}")) from None
    except KeyboardInterrupt:
        click.echo(f"claimcheck: interrupted while the files in {out} were written", err=True)
        ctx.exit(INCOMPLETE)
    if ended:
        click.echo(
            f"claimcheck: interrupted: {out}/report.html is not written;"
            f" `claimcheck report --from {out}/evidence.json` makes it from what was finished",
            err=True,
        )
    code = exit_code(evidence)
    if as_json:
        from proofs.cli.output import print_json
        from proofs.evidence.structure import digest

        files = [str(path) for path in paths]
        wrong, undecided = failures(evidence), open_points(evidence)
        said = {"files": files, "digest": digest(evidence), "total": total(evidence), "failures": wrong}
        print_json({**said, "open": undecided, "code": code})
    else:
        for line in (
            *_designs(evidence),
            *failures(evidence),
            *open_points(evidence),
            *_counts(evidence),
            total(evidence),
        ):
            click.echo(line)
        for path in paths:
            click.echo(f"{path}: {path.stat().st_size:,} bytes")
    ctx.exit(code)


def stored(path: str) -> Evidence:
    """Evidence from a file; one that is none is wrong use."""
    from proofs.evidence.stored import load
    from proofs.evidence.structure import EvidenceError

    try:
        return load(path)
    except EvidenceError as error:
        raise click.ClickException(str(error)) from None


def _unchanged(path: str) -> Evidence:
    """Evidence to be shown as it is. A changed file is refused: written again, it would get a digest that fits."""
    from proofs.evidence.structure import digest

    evidence = stored(path)
    if digest(evidence) != evidence.digest:
        raise click.ClickException(f"{path}: was changed after it was written: its digest does not fit")
    return evidence


def _needs(*packages: str) -> None:
    from importlib.util import find_spec

    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        raise click.ClickException(f"a report needs {' and '.join(missing)}: pip install 'claimcheck[report]'")


def _collected(
    semantics: tuple[str, ...],
    properties: tuple[str, ...],
    without: tuple[str, ...],
    jobs: int,
    stored: bool,
    texts: dict[str, str],
) -> Evidence:
    """The evidence of this run; the SMT-LIB texts that were built on the way are added to `texts`."""
    from dataclasses import replace

    from model.named import GENERATIONS
    from proofs.cli.names import known
    from proofs.cli.properties import known_properties
    from proofs.evidence.collect import SECTIONS, collected
    from proofs.evidence.request import EvidenceRequest
    from proofs.matrix.other_rows import matrix_ids, matrix_parts

    chosen = known("generation", semantics, list(GENERATIONS), all_means=True)
    names = [name for name in GENERATIONS if name in chosen]
    wanted = list(dict.fromkeys(name.id for name in known_properties(properties, matrix_parts())))
    ids = [name for name in matrix_ids() if name in wanted]
    left_out = frozenset(known("section", without, list(SECTIONS)))
    with section_progress() as progress:
        request = EvidenceRequest(names, ids, left_out, jobs, progress, announce=_announced(), stored=stored)
        return collected(replace(request, texts=texts))


def _announced() -> Callable[[str, float | None], None]:
    """A line on standard error when a section begins and when it has ended; none where a progress bar shows it."""
    import sys

    def announce(section: str, seconds: float | None) -> None:
        if not sys.stderr.isatty():
            click.echo(f"{section}: {'begun' if seconds is None else f'done in {seconds:.1f} s'}", err=True)

    return announce


@contextmanager
def section_progress() -> Iterator[Callable[[str, int, int], None]]:
    """Shows in a progress bar how far each section is, where standard error is a terminal."""
    from proofs.cli.output import progress_bar

    with progress_bar() as bar:
        if bar is None:
            yield lambda _section, _done, _of: None
            return
        tasks = {}

        def told(section: str, done: int, of: int) -> None:
            if section not in tasks:
                tasks[section] = bar.add_task(section, total=of)
            bar.update(tasks[section], completed=done, total=of)

        yield told


def _designs(evidence: Evidence) -> list[str]:
    """A sentence for each live design, as wide as a mail."""
    from textwrap import fill

    from proofs.report.designs import summaries

    named = [f"{design.name}: {design.sentence}" for design in summaries(evidence)]
    return [fill(text, 78, subsequent_indent="  ", break_on_hyphens=False) for text in named]


def _counts(evidence: Evidence) -> list[str]:
    from collections import Counter

    from proofs.evidence.structure import SkippedSection

    found = []
    if not isinstance(evidence.matrix, SkippedSection):
        run = evidence.matrix.stored
        when = "" if run is None else f" (stored {run.day}, of {'older' if run.older else 'this'} code)"
        found.append(_line(f"matrix{when}", Counter(cell.verdict for cell in evidence.matrix.cells)))
    if not isinstance(evidence.obligations, SkippedSection):
        found.append(_line("obligations", Counter(result.verdict for result in evidence.obligations.results)))
    if not isinstance(evidence.statements, SkippedSection):
        found.append(_line("statements", Counter(s.verdict for s in evidence.statements.statements)))
    from proofs.evidence.collect import CORE

    sections = {name: getattr(evidence, name) for name in CORE} | evidence.further
    return found + [f"not run: {name}: {s.reason}" for name, s in sections.items() if isinstance(s, SkippedSection)]


def _line(name: str, counts: dict[str, int]) -> str:
    return f"{name}: {', '.join(f'{number} {verdict}' for verdict, number in counts.items())}"
