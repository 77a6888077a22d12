"""``claimcheck review``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from proofs.cli.options import jobs_option, json_option
from proofs.exit_codes import BAD_INPUT, INCOMPLETE, OK, REFUTED

if TYPE_CHECKING:
    from proofs.review.result import Review
    from proofs.rules import LoadedRules

MAIL_WIDTH = 76
"""Columns of a mail that is quoted once or twice."""
WIDEST = 120


@click.command(
    short_help="your own rules: do both halves agree, what gets worse, what it costs",
    epilog="""\b
Examples:
  claimcheck review --new my-redeem --from claim-sets > my-redeem.py
  claimcheck review my-redeem.py
  claimcheck review --as mail my-redeem.py
  claimcheck review --out traces tests/data/reviews/redeem-host-wide-first.py
  claimcheck search --rules my-redeem.py --property node-backed""",
)
@click.argument("file", required=False)
@click.option("--new", metavar="NAME", help="Instead: print a file to begin with, for a generation of that name.")
@click.option("--from", "base", metavar="GENERATION", help="Of --new: what it is based on.  [default: claim-sets]")
@click.option("--as", "form", type=click.Choice(["text", "mail"]), default="text", help="mail: to paste.")
@click.option("--out", metavar="DIR", help="Write every trace there, to replay with --rules FILE.")
@jobs_option()
@click.option("--no-cache", is_flag=True, help="Neither read nor write stored results.")
@json_option()
@click.pass_context
def review(
    ctx: click.Context,
    file: str | None,
    new: str | None,
    base: str | None,
    form: str,
    out: str | None,
    jobs: int | None,
    no_cache: bool,
    as_json: bool,
) -> None:
    """What a change of the rules does: the rules in FILE against those that they are based on.

    FILE has both halves of a generation: a class for the reference, a value for the model. Do the two agree, on any
    counters? Which verdicts change, each with a proof or a shortest trace? Where does behaviour first differ? Which
    locks does it take? Minutes of processor time; the same file again is answered from what is stored.

    Exit code 0: nothing is worse; 1: the halves disagree, or something is worse; 3: something is not decided.
    """
    if new is not None:
        if file is not None or form != "text" or out is not None or as_json:
            raise click.UsageError("--new takes --from only; it prints a file")
        ctx.exit(_new(new, base or "claim-sets"))
    if base is not None:
        raise click.UsageError("--from goes with --new; what FILE is based on is in its class")
    if file is None:
        raise click.UsageError("a FILE with rules, or --new NAME to begin one")
    if as_json and form == "mail":
        raise click.UsageError("--as mail and --json: one of them")
    from proofs.rules import RulesError
    from proofs.rules.loading import load

    try:
        rules = load(file)
    except RulesError as error:
        click.echo(f"claimcheck: {error}", err=True)
        ctx.exit(BAD_INPUT)
    found = _run(rules, jobs, not no_cache)
    _print(found, form, as_json)
    if out is not None:
        _write(found, out)
    if found.missing:
        click.echo("claimcheck: interrupted: what is above was done", err=True)
    ctx.exit(exit_code(found))


def exit_code(found: Review) -> int:
    """1 if the halves disagree or a verdict is worse; else 3 if anything is not decided or not done; else 0."""
    from proofs.review.result import Direction

    if found.disagreements() or found.of_direction(Direction.WORSE):
        return REFUTED
    if found.missing or found.undecided() or found.of_direction(Direction.UNKNOWN):
        return INCOMPLETE
    return OK


def _new(name: str, base: str) -> int:
    from proofs.cli.names import known
    from proofs.review.template import NotANameError, template
    from reference.generations import GENERATIONS

    known("generation", [base], list(GENERATIONS))
    try:
        sys.stdout.write(template(name, base))
    except NotANameError as error:
        raise click.UsageError(f"--new {name}: {error}") from None
    return OK


def _run(rules: LoadedRules, jobs: int | None, cached: bool) -> Review:
    from proofs.cli.output import progress_bar
    from proofs.parallel import default_jobs
    from proofs.review.run import review as reviewed

    with progress_bar() as progress:
        if progress is None:
            return reviewed(rules, jobs or default_jobs(), cached)
        bar, task = progress, progress.add_task("", total=None)
        return reviewed(
            rules,
            jobs or default_jobs(),
            cached,
            lambda what, n, of: bar.update(task, description=what, completed=n, total=of),
        )


def _print(found: Review, form: str, as_json: bool) -> None:
    from proofs.cli.output import columns, print_json
    from proofs.review.text import as_text

    if as_json:
        from proofs.prover.verdict import versions

        print_json({"versions": versions(), "exit_code": exit_code(found), "review": found})
        return
    if form == "mail":
        from proofs.versions import versions as of_packages

        tool = f"claimcheck {of_packages()['claimcheck']}"
        click.echo(as_text(found, MAIL_WIDTH), nl=False)
        click.echo(f"\nFound with {tool}. To run it again: claimcheck review {found.path}")
        return
    click.echo(as_text(found, min(columns(), WIDEST)), nl=False)
    when = f"stored {found.stored}; to judge again: --no-cache" if found.stored else f"{found.seconds:.1f} s"
    click.echo(f"\n{when}; {found.processor_seconds:.0f} s of processor time")


def _write(found: Review, folder: str) -> None:
    from pathlib import Path

    from proofs.atomic import write_atomically
    from proofs.review.traces import files

    written = files(found)
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        for name, lines in written.items():
            write_atomically(Path(folder) / name, lines)
    except OSError as error:
        raise click.UsageError(f"--out {folder}: {error.strerror or error}") from None
    click.echo(f"{folder}: {len(written)} trace{'' if len(written) == 1 else 's'}")
