"""``claimcheck generations``."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import click

from proofs.exit_codes import INCOMPLETE, OK

if TYPE_CHECKING:
    from proofs.explain.source import RuleChange
    from proofs.matrix.cells import CellVerdict
    from proofs.matrix.difference import GenerationDifference


@click.command(
    short_help="the generations of claims: what each changed, and what it repaired",
    epilog="""\b
Examples:
  claimcheck generations
  claimcheck generations single-node-v4 claim-sets
  claimcheck generations claim-sets per-node-v8 --no-verdicts""",
)
@click.argument("names", nargs=-1, metavar="[BEFORE AFTER]")
@click.option("--no-verdicts", is_flag=True, help="Without the properties' verdicts.")
@click.option("--depth", type=click.IntRange(min=1), default=5, show_default=True, help="Events of a differing trace.")
@click.option(
    "--seconds",
    type=click.FloatRange(min=0),
    default=20,
    show_default=True,
    help="Of processor time; then the search ends.",
)
@click.option("--no-cache", is_flag=True, help="Neither read nor write stored verdicts.")
@click.option("--jobs", type=click.IntRange(min=1), help="Processes.  [default: all processors]")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.pass_context
def generations(
    ctx: click.Context,
    names: tuple[str, ...],
    no_verdicts: bool,
    depth: int,
    seconds: float,
    no_cache: bool,
    jobs: int | None,
    as_json: bool,
) -> None:
    """What each generation of claims gets wrong that the next repairs; of two, every difference.

    With two names: the differences of their code, the verdicts that changed, and a shortest trace on which the
    reference of the one behaves differently from that of the other.

    Verdicts take a minute or two on two processors. They are stored, and taken from there as long as the code of the
    tool and the version of the solver are the same.
    """
    from model.named import GENERATIONS
    from proofs.cli.matrix import computed
    from proofs.cli.names import known_semantics
    from proofs.matrix.other_rows import matrix_ids
    from proofs.parallel import default_jobs

    known_semantics(names)
    if len(names) not in (0, 2):
        raise click.UsageError("two generations to compare, or none for all")
    workers = jobs or default_jobs()
    asked = list(names) if names else list(GENERATIONS)
    cells, whole = ([], True) if no_verdicts else computed(asked, matrix_ids(), workers, not no_cache)
    if not whole:
        ctx.exit(INCOMPLETE)
    if not names:
        ctx.exit(_all(cells, as_json))
    from proofs.explain.source import reference_diff, rule_changes
    from proofs.matrix.difference import Between, difference
    from proofs.refinement.same import never_differ

    found = difference(Between(names[0], names[1], depth=depth, seconds=seconds))
    never = not found.differs and never_differ(*names)
    compared = _Compared(names, cells, rule_changes(*names), reference_diff(*names), found, never)
    (_print_json if as_json else _two)(compared)
    ctx.exit(_code(cells))


@dataclass(frozen=True)
class _Compared:
    """All that tells two generations apart."""

    names: tuple[str, ...]
    cells: list[CellVerdict]
    """Of both, or none."""
    changes: list[RuleChange]
    code: list[str]
    found: GenerationDifference
    never: bool
    """Proved for any host: they never differ."""


def _code(cells: list[CellVerdict]) -> int:
    from proofs.prover.verdict import Verdict

    return INCOMPLETE if any(cell.verdict is Verdict.UNKNOWN for cell in cells) else OK


def _all(cells: list[CellVerdict], as_json: bool) -> int:
    """Every generation in a line, its lines of code, and what each repairs."""
    from model.named import GENERATIONS
    from proofs.cli.output import console, print_json, table
    from proofs.explain.source import lines_of_code
    from proofs.matrix.report import repairs

    lines = lines_of_code()
    if as_json:
        listed = [{"name": s.name, "summary": s.rules.summary, "follows": s.follows} for s in GENERATIONS.values()]
        repaired = [asdict(repair) for repair in repairs(cells)]
        print_json({"generations": listed, "lines": lines, "repairs": repaired})
        return _code(cells)
    out = console()
    shown = table("generation", "follows", "reference#", "model#", "what")
    for semantics in GENERATIONS.values():
        reference, model = lines[semantics.name]
        follows = ", ".join(semantics.follows)
        shown.add_row(semantics.name, follows, str(reference), str(model), semantics.rules.summary)
    out.print(shown)
    for repair in repairs(cells):
        click.echo(f"{repair.before}: {repair.row.name} is refuted; {repair.after}: {repair.now}")
    return _code(cells)


def _two(compared: _Compared) -> None:
    found = compared.found
    click.echo("Rules of the model that differ:")
    for change in compared.changes:
        click.echo(f"  {change.rule}: {change.before}  ->  {change.after}")
    click.echo("\nCode of the reference:")
    for line in compared.code:
        click.echo(f"  {line}")
    if compared.cells:
        click.echo("\nVerdicts that changed:")
        for row, before, after in _changed(compared.names, compared.cells):
            click.echo(f"  {row}: {before} -> {after}")
    click.echo("")
    if not found.differs:
        click.echo(f"No difference in {found.searched_depth} events on {found.hosts} ({found.seconds:.1f} s).")
        if compared.never:
            click.echo("Proved for any host: they never differ (the same rules; legacy-compatible.derived-counters).")
        return
    click.echo(f"Shortest trace on which they differ ({found.seconds:.1f} s): boot, nodes of {found.nodes} pages")
    for number, event in enumerate(found.events, 1):
        shown = " ".join(f"{k}={v}" for k, v in event.items() if k != "op")
        click.echo(f"{number:3}. {event['op']} {shown}")
    for text in found.differs:
        click.echo(f"     {text}")


def _changed(names: tuple[str, ...], cells: list[CellVerdict]) -> list[tuple[str, str, str]]:
    """Row and both verdicts, where they are not the same; a row that one needs no conditions for counts as it is."""
    from proofs.matrix.report import by_place, mark
    from proofs.matrix.rows import MatrixRow, rows

    placed = by_place(cells)
    found = []
    for row in rows():
        both = [placed.get((name, row)) or placed.get((name, MatrixRow(row.part))) for name in names]
        marks = [mark(cell) for cell in both]
        if marks[0] != marks[1] and any((name, row) in placed for name in names):
            found.append((row.name, marks[0], marks[1]))
    return found


def _print_json(compared: _Compared) -> None:
    from proofs.cli.output import print_json

    content: dict[str, Any] = {
        "before": compared.names[0],
        "after": compared.names[1],
        "rules": [asdict(change) for change in compared.changes],
        "reference": compared.code,
        "verdicts": [{"property": r, "before": b, "after": a} for r, b, a in _changed(compared.names, compared.cells)],
        "difference": asdict(compared.found),
        "never_differ": compared.never,
    }
    print_json(content)
