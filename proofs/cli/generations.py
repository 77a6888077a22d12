"""``claimcheck generations``."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import click

from proofs.cli.options import Seconds, jobs_option, json_option
from proofs.cli.output import say
from proofs.exit_codes import INCOMPLETE, OK

if TYPE_CHECKING:
    from proofs.explain.source import RuleChange
    from proofs.matrix.cells import CellVerdict
    from proofs.matrix.difference import GenerationDifference
    from proofs.matrix.report import Repair


@click.command(
    short_help="the generations of claims: what each fails, changed and repaired",
    epilog="""\b
Examples:
  claimcheck generations
  claimcheck generations per-node-v8
  claimcheck generations single-node-v4 claim-sets
  claimcheck generations claim-sets per-node-v8 --no-verdicts""",
)
@click.argument("names", nargs=-1, metavar="[NAME | BEFORE AFTER]")
@click.option("--no-verdicts", is_flag=True, help="Without the properties' verdicts.")
@click.option("--depth", type=click.IntRange(min=1), default=5, show_default=True, help="Events of a differing trace.")
@click.option(
    "--seconds",
    type=Seconds(min=0),
    default=20,
    show_default=True,
    help="Of processor time; then the search ends.",
)
@click.option("--no-cache", is_flag=True, help="Judge again instead of showing stored verdicts (minutes).")
@jobs_option()
@json_option()
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
    """What each generation of claims gets wrong, what the next repairs, and where two differ.

    Without a name: every generation, and what it repairs. With one name: every property that it fails, whether a later
    generation repairs it or not. With two names: the differences of their code, the verdicts that changed, and a
    shortest trace on which the reference of one behaves differently from that of the other.

    In a checkout the verdicts are those stored with the project, with their date. Elsewhere they are computed, which
    takes minutes, and kept for the next time.
    """
    from model.named import GENERATIONS
    from proofs.cli.names import known_semantics
    from proofs.parallel import default_jobs

    known_semantics(names)
    if len(names) > 2:
        raise click.UsageError("one generation, two to compare, or no name for all of them")
    shown = list(names) if len(names) == 2 else list(GENERATIONS)
    cells, stored, whole = ([], "", True) if no_verdicts else _verdicts(shown, jobs or default_jobs(), not no_cache)
    if not whole:
        ctx.exit(INCOMPLETE)
    if len(names) < 2:
        ctx.exit(_one(names[0], cells, stored, as_json) if names else _all(cells, stored, as_json))
    from proofs.explain.source import reference_diff, rule_changes
    from proofs.matrix.difference import DifferenceRequest, difference
    from proofs.refinement.same import never_differ

    found = difference(DifferenceRequest(names[0], names[1], depth=depth, seconds=seconds))
    never = not found.differs and never_differ(*names)
    compared = _GenerationComparison(names, cells, stored, rule_changes(*names), reference_diff(*names), found, never)
    (_print_json if as_json else _two)(compared)
    ctx.exit(_code(cells))


def _verdicts(names: list[str], jobs: int, cached: bool) -> tuple[list[CellVerdict], str, bool]:
    """The verdicts, when they were stored (empty: computed now), and whether all are there."""
    from proofs.cli.matrix import computed
    from proofs.matrix.other_rows import matrix_ids
    from proofs.matrix.verdicts import RUN, VERDICTS, load, when
    from proofs.rules import LOADED

    there = cached and RUN.exists() and VERDICTS.exists()
    found = [cell for cell in load() if cell.semantics in names] if there else []
    left = [name for name in names if name not in {cell.semantics for cell in found}]
    if not left:
        return found, when(), True
    if not set(left) <= set(LOADED):
        found, left = [], names
    cells, whole = computed(left, matrix_ids(), jobs, cached)
    dates = sorted({cell.stored for cell in cells if cell.stored} | ({when()} if found else set()))
    return [*found, *cells], ", ".join(dates), whole


def _say_when(stored: str) -> None:
    if stored:
        say(f"Verdicts are stored ones: {stored}. To judge again: --no-cache.")


@dataclass(frozen=True)
class _GenerationComparison:
    """Everything in which two generations differ."""

    names: tuple[str, ...]
    cells: list[CellVerdict]
    """Of both; empty if verdicts are not wanted."""
    stored: str
    """When the verdicts were stored."""
    changes: list[RuleChange]
    code: list[str]
    found: GenerationDifference
    never: bool
    """Proved for any host: they never differ."""


def _code(cells: list[CellVerdict]) -> int:
    from proofs.prover.verdict import Verdict

    return INCOMPLETE if any(cell.verdict is Verdict.UNKNOWN for cell in cells) else OK


def _all(cells: list[CellVerdict], stored: str, as_json: bool) -> int:
    """Every generation in a line, and what each repairs."""
    from model.named import GENERATIONS
    from proofs.cli.output import print_json, show_table, table
    from proofs.explain.source import lines_of_code
    from proofs.matrix.report import repairs
    from proofs.refinement.premises import notes

    if as_json:
        listed = [{"name": s.name, "summary": s.rules.summary, "follows": s.follows} for s in GENERATIONS.values()]
        repaired = [asdict(repair) for repair in repairs(cells)]
        print_json({"generations": listed, "lines": lines_of_code(), "repairs": repaired, "stored": stored})
        return _code(cells)
    shown = table("generation", "what")
    for semantics in GENERATIONS.values():
        shown.add_row(semantics.name, semantics.rules.summary)
    show_table(shown)
    repaired_rows = repairs(cells)
    for (before, after), rows in _by_pair(repaired_rows).items():
        say(f"{after} repairs of {before}:")
        for row in rows:
            say(f"  {row}")
    for note in notes((repair.row.part, name) for repair in repaired_rows for name in (repair.before, repair.after)):
        say(note)
    if cells:
        say("What one of them fails, repaired or not: claimcheck generations NAME")
    _say_when(stored)
    return _code(cells)


def _by_pair(repaired: list[Repair]) -> dict[tuple[str, str], list[str]]:
    """The repaired rows by pair of generations, with the verdict where it is not `proved for any host`."""
    found: dict[tuple[str, str], list[str]] = {}
    for repair in repaired:
        how = "" if repair.now == "proved: any number of nodes and domains" else f" ({repair.now})"
        found.setdefault((repair.before, repair.after), []).append(repair.row.name + how)
    return found


def _one(name: str, cells: list[CellVerdict], stored: str, as_json: bool) -> int:
    """Everything that a generation fails, with the generations that have it right."""
    from model.named import GENERATIONS
    from proofs.cli.output import print_json, show_table, table
    from proofs.matrix.findings import FOLDER, path_of
    from proofs.matrix.report import broken_promises
    from proofs.prover.verdict import Verdict
    from proofs.refinement.premises import notes

    rules = GENERATIONS[name]
    broken = broken_promises(cells, name)
    counts = Counter(cell.verdict for cell in cells if cell.semantics == name)
    if as_json:
        listed = [{"property": b.row.name, "events": b.events, "repaired": b.repaired} for b in broken]
        content = {"name": name, "summary": rules.rules.summary, "follows": rules.follows, "fails": listed}
        print_json({**content, "verdicts": {v.value: counts[v] for v in Verdict}, "stored": stored})
        return _code(cells)
    say(f"{name}: {rules.rules.summary}")
    if rules.follows:
        say(f"It follows {' and '.join(rules.follows)}.")
    if cells:
        counted = ", ".join(f"{counts[v]} {v.value}" for v in Verdict if counts[v])
        say(f"{sum(counts.values())} verdicts: {counted}. It fails, after so many events from boot:")
    followed = any(name in after.follows for after in GENERATIONS.values())
    shown = table("property", "events#", *(["proved for"] if followed else []))
    for promise in broken:
        right = ", ".join(promise.repaired) or "no later generation"
        shown.add_row(promise.row.name, str(promise.events), *([right] if followed else []))
    show_table(shown)
    if broken and path_of(name, broken[0].row).exists():
        say(f"The traces are in {FOLDER / name}. To see one:")
        click.echo(f"  claimcheck explain {path_of(name, broken[0].row)}")
    for note in notes((promise.row.part, name) for promise in broken):
        say(note)
    _say_when(stored)
    return _code(cells)


def _two(compared: _GenerationComparison) -> None:
    from proofs.script.plain import plain_lines

    found = compared.found
    click.echo("Rules of the model that differ:")
    for change in compared.changes:
        click.echo(f"  {change.rule}: {change.before}  ->  {change.after}")
    click.echo("\nCode of the reference:")
    for line in compared.code:
        click.echo(f"  {line}")
    if compared.cells:
        from proofs.refinement.premises import notes

        click.echo("\nVerdicts that changed:")
        changed = _changed(compared.names, compared.cells)
        for row, before, after in changed:
            click.echo(f"  {row}: {before} -> {after}")
        for note in notes((row.partition(" if ")[0], name) for row, _, _ in changed for name in compared.names):
            click.echo(f"  {note}")
        _say_when(compared.stored)
    click.echo("")
    if not found.differs:
        click.echo(f"No difference in {found.searched_depth} events on {found.hosts} ({found.seconds:.1f} s).")
        if compared.never:
            click.echo("Proved for any host: they never differ (the same rules; legacy-compatible.derived-counters).")
        return
    click.echo(f"Shortest trace on which they differ ({found.seconds:.1f} s):")
    click.echo(f"  host {' '.join(map(str, found.nodes))}")
    for line in plain_lines(found.events, len(found.nodes)):
        click.echo(f"  {line}")
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


def _print_json(compared: _GenerationComparison) -> None:
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
