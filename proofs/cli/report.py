"""``claimcheck report``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from proofs.cli.renamed import generation_option
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
    "--property", "properties", multiple=True, default=("all",), show_default=True, help="Id; several, or `all`."
)
@click.option("--without", multiple=True, metavar="SECTION", help="Leave a section out; several. It shows as not run.")
@click.option("--from", "source", metavar="FILE", help="Show stored evidence instead of collecting it.")
@click.option("--out", metavar="DIR", default="report", show_default=True, help="Where the four files go.")
@click.option("--jobs", type=click.IntRange(min=1), help="Processes.  [default: all processors]")
@click.option("--json", "as_json", is_flag=True, help="Print what came out of it as JSON.")
@click.pass_context
def report(
    ctx: click.Context,
    semantics: tuple[str, ...],
    properties: tuple[str, ...],
    without: tuple[str, ...],
    source: str | None,
    out: str,
    jobs: int | None,
    as_json: bool,
) -> None:
    """Prove, search, replay and test everything, and write it down for others to read, check and repeat.

    Writes evidence.json, junit.xml, summary.md and report.html, which needs no network and no other file. With Ctrl-C
    the files are written with what was finished; the rest shows as not run.
    """
    from proofs.parallel import default_jobs
    from proofs.report.verdict import exit_code, failures, open_points
    from proofs.traces.text import one_line

    _needs("jinja2", "matplotlib")
    workers = jobs or default_jobs()
    evidence = _collected(semantics, properties, without, workers) if source is None else _unchanged(source)
    from proofs.report.write import write

    try:
        paths = write(evidence, Path(out), workers)
    except OSError as error:
        raise click.ClickException(one_line(f"{error.filename or out}: cannot be written: {error.strerror}")) from None
    except KeyboardInterrupt:
        click.echo("claimcheck: interrupted while the files were written", err=True)
        ctx.exit(INCOMPLETE)
    code = exit_code(evidence)
    if as_json:
        from proofs.cli.output import print_json
        from proofs.evidence.structure import digest

        files = [str(path) for path in paths]
        wrong, undecided = failures(evidence), open_points(evidence)
        print_json({"files": files, "digest": digest(evidence), "failures": wrong, "open": undecided, "code": code})
    else:
        for line in (*failures(evidence), *open_points(evidence), *_counts(evidence)):
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
    """Evidence to be shown as it is; what was changed is not written anew with a digest that fits."""
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
    semantics: tuple[str, ...], properties: tuple[str, ...], without: tuple[str, ...], jobs: int
) -> Evidence:
    from model.named import GENERATIONS
    from proofs.cli.names import known
    from proofs.evidence.collect import SECTIONS, collected
    from proofs.evidence.request import EvidenceRequest
    from proofs.matrix.other_rows import matrix_ids

    chosen = known("generation", semantics, list(GENERATIONS), all_means=True)
    names = [name for name in GENERATIONS if name in chosen]
    wanted = known("property", properties, matrix_ids(), all_means=True)
    ids = [name for name in matrix_ids() if name in wanted]
    left_out = frozenset(known("section", without, list(SECTIONS)))
    with section_progress() as progress:
        return collected(EvidenceRequest(names, ids, left_out, jobs, progress))


@contextmanager
def section_progress() -> Iterator[Callable[[str, int, int], None]]:
    """Tells a progress bar how far each section is, where standard error is a terminal."""
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


def _counts(evidence: Evidence) -> list[str]:
    from collections import Counter

    from proofs.evidence.structure import NotRun

    found = []
    if not isinstance(evidence.matrix, NotRun):
        found.append(_line("matrix", Counter(cell.verdict for cell in evidence.matrix.cells)))
    if not isinstance(evidence.obligations, NotRun):
        found.append(_line("obligations", Counter(result.verdict for result in evidence.obligations.results)))
    if not isinstance(evidence.statements, NotRun):
        found.append(_line("statements", Counter(s.verdict for s in evidence.statements.statements)))
    from proofs.evidence.collect import CORE

    sections = {name: getattr(evidence, name) for name in CORE} | evidence.further
    return found + [f"not run: {name}: {s.reason}" for name, s in sections.items() if isinstance(s, NotRun)]


def _line(name: str, counts: dict[str, int]) -> str:
    return f"{name}: {', '.join(f'{number} {verdict}' for verdict, number in counts.items())}"
