"""``claimcheck verify``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from proofs.cli.options import jobs_option, json_option
from proofs.exit_codes import INCOMPLETE, OK, REFUTED

if TYPE_CHECKING:
    from proofs.evidence.structure import Evidence
    from proofs.evidence.verify import VerificationResult


@click.command(
    short_help="re-check stored evidence, and name every difference",
    epilog="""\b
Examples:
  claimcheck verify report/evidence.json
  claimcheck verify --quick report/evidence.json
  claimcheck verify --json --jobs 4 report/evidence.json""",
)
@click.argument("file", metavar="EVIDENCE.json")
@click.option("--quick", is_flag=True, help="Only a sample of what takes long; says what was skipped, and ends with 3.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the sample.")
@jobs_option()
@json_option()
@click.pass_context
def verify(ctx: click.Context, file: str, quick: bool, seed: int, jobs: int | None, as_json: bool) -> None:
    """Re-check stored evidence: prove, search, replay and test all of it, never from a cache, and compare.

    Each difference is named with what is stored and what was found. Times are not compared. Evidence made by another
    version of the tool, of the solver or of Python differs in that.
    """
    from proofs.cli.report import stored
    from proofs.parallel import default_jobs

    evidence = stored(file)
    try:
        outcome = _established(evidence, quick, seed, jobs or default_jobs())
    except KeyboardInterrupt:
        click.echo("claimcheck: interrupted; nothing was established", err=True)
        ctx.exit(INCOMPLETE)
    if as_json:
        from dataclasses import asdict

        from proofs.cli.output import print_json

        print_json(asdict(outcome) | {"file": file, "quick": quick, "code": _code(outcome)})
    else:
        _print(file, outcome)
    ctx.exit(_code(outcome))


def _established(evidence: Evidence, quick: bool, seed: int, jobs: int) -> VerificationResult:
    from dataclasses import replace

    from proofs.cli.report import section_progress
    from proofs.evidence.collect import collected
    from proofs.evidence.verify import request_of, verified

    with section_progress() as progress:
        request = replace(request_of(evidence.run, jobs), progress=progress)
        if not quick:
            return verified(evidence, collected(replace(request, stored=False)))
        from proofs.evidence.quick import quickly

        return quickly(evidence, request, seed)


def _code(outcome: VerificationResult) -> int:
    if outcome.differences:
        return REFUTED
    return INCOMPLETE if outcome.open or outcome.skipped else OK


def _print(file: str, outcome: VerificationResult) -> None:
    from proofs.traces.text import printable

    for difference in outcome.differences:
        click.echo(f"differs: {printable(str(difference))}")
    for text in outcome.open:
        click.echo(f"open: {text}")
    for text in outcome.skipped:
        click.echo(f"skipped: {text}")
    for text in outcome.stored:
        click.echo(f"stored: {text}: compared with its file, not made again")
    if outcome.differences:
        click.echo(f"{printable(file)}: {len(outcome.differences)} differences")
    elif outcome.open or outcome.skipped:
        click.echo(f"{printable(file)}: no differences in the sections that were re-run; not all of them were")
    else:
        but = " but what is stored" if outcome.stored else ""
        click.echo(f"{printable(file)}: all of it{but} established again")
